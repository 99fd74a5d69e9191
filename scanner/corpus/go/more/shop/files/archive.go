package files

import (
	"archive/tar"
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

const maxEntry = 64 << 20

var errOutside = errors.New("files: entry outside of the folder")

func writeEntry(dst string, src io.Reader) error {
	if err := os.MkdirAll(filepath.Dir(dst), 0o750); err != nil {
		return err
	}
	out, err := os.OpenFile(dst, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o640)
	if err != nil {
		return err
	}
	defer out.Close()
	_, err = io.Copy(out, io.LimitReader(src, maxEntry))
	return err
}

// Unzip unpacks a theme.
func Unzip(src, dir string) error {
	zr, err := zip.OpenReader(src)
	if err != nil {
		return err
	}
	defer zr.Close()
	for _, f := range zr.File {
		if f.FileInfo().IsDir() {
			continue
		}
		rc, err := f.Open()
		if err != nil {
			return err
		}
		err = writeEntry(filepath.Join(dir, f.Name), rc)
		rc.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// UnzipSkin unpacks a skin.
func UnzipSkin(src, dir string) error {
	zr, err := zip.OpenReader(src)
	if err != nil {
		return err
	}
	defer zr.Close()
	root := filepath.Clean(dir) + string(os.PathSeparator)
	for _, f := range zr.File {
		if f.FileInfo().IsDir() {
			continue
		}
		dst := filepath.Join(dir, f.Name)
		if !strings.HasPrefix(dst, root) {
			return fmt.Errorf("%w: %s", errOutside, f.Name)
		}
		rc, err := f.Open()
		if err != nil {
			return err
		}
		err = writeEntry(dst, rc)
		rc.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// Untar unpacks a bundle.
func Untar(r io.Reader, dir string) error {
	tr := tar.NewReader(r)
	for {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		dst := filepath.Join(dir, h.Name)
		if !strings.HasPrefix(dst, dir[:1]) {
			return errOutside
		}
		if err := writeEntry(dst, tr); err != nil {
			return err
		}
	}
}

// UntarPack unpacks a bundle.
func UntarPack(r io.Reader, dir string) error {
	tr := tar.NewReader(r)
	for {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		if !filepath.IsLocal(h.Name) {
			return errOutside
		}
		if err := writeEntry(filepath.Join(dir, h.Name), tr); err != nil {
			return err
		}
	}
}
