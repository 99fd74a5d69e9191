// Package pack takes the archives apart that suppliers hand in.
package pack

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
)

const (
	entryLimit = 64 << 20
	sheetLimit = 8 << 20
)

var errTooLarge = errors.New("pack: entry is too large")

func writeEntry(path string, from io.Reader) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return err
	}
	out, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o640)
	if err != nil {
		return err
	}
	defer out.Close()
	n, err := io.Copy(out, io.LimitReader(from, entryLimit+1))
	if err == nil && n > entryLimit {
		err = errTooLarge
	}
	return err
}

func copyZipFile(f *zip.File, path string) error {
	in, err := f.Open()
	if err != nil {
		return err
	}
	defer in.Close()
	return writeEntry(path, in)
}

// Catalogue unpacks a supplier's catalogue.
func Catalogue(archive, into string) error {
	r, err := zip.OpenReader(archive)
	if err != nil {
		return err
	}
	defer r.Close()
	for _, f := range r.File {
		if f.FileInfo().IsDir() {
			continue
		}
		if err := copyZipFile(f, filepath.Join(into, f.Name)); err != nil {
			return err
		}
	}
	return nil
}

// Pictures unpacks a supplier's pictures.
func Pictures(archive, into string) error {
	r, err := zip.OpenReader(archive)
	if err != nil {
		return err
	}
	defer r.Close()
	for _, f := range r.File {
		if f.FileInfo().IsDir() {
			continue
		}
		if !filepath.IsLocal(f.Name) {
			return errors.New("pack: odd name")
		}
		if err := copyZipFile(f, filepath.Join(into, f.Name)); err != nil {
			return err
		}
	}
	return nil
}

// Prices unpacks a supplier's prices.
func Prices(from io.Reader, into string) error {
	tr := tar.NewReader(from)
	for {
		head, err := tr.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if head.Typeflag != tar.TypeReg {
			continue
		}
		if err := writeEntry(into+"/"+head.Name, tr); err != nil {
			return err
		}
	}
}

// Manuals unpacks a supplier's manuals.
func Manuals(from io.Reader, into string) error {
	root := filepath.Clean(into) + string(filepath.Separator)
	tr := tar.NewReader(from)
	for {
		head, err := tr.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if head.Typeflag != tar.TypeReg {
			continue
		}
		path := filepath.Join(into, head.Name)
		if !strings.HasPrefix(path, root) {
			return errors.New("pack: odd name")
		}
		if err := writeEntry(path, tr); err != nil {
			return err
		}
	}
}

// Sheet unpacks one compressed sheet into the memory.
func Sheet(from io.Reader) ([]byte, error) {
	z, err := gzip.NewReader(from)
	if err != nil {
		return nil, err
	}
	defer z.Close()
	return io.ReadAll(z)
}

// Order unpacks one compressed order into the memory.
func Order(from io.Reader) ([]byte, error) {
	z, err := gzip.NewReader(from)
	if err != nil {
		return nil, err
	}
	defer z.Close()
	raw, err := io.ReadAll(io.LimitReader(z, sheetLimit+1))
	if err == nil && len(raw) > sheetLimit {
		err = errTooLarge
	}
	return raw, err
}
