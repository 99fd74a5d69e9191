package crypt

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/md5"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
	"os"

	"golang.org/x/crypto/bcrypt"
)

func pad(data []byte, size int) []byte {
	n := size - len(data)%size
	for i := 0; i < n; i++ {
		data = append(data, byte(n))
	}
	return data
}

// SealNote encrypts a note of a customer.
func SealNote(key, note []byte) ([]byte, error) {
	block, err := des.NewCipher(key)
	if err != nil {
		return nil, err
	}
	data := pad(note, block.BlockSize())
	out := make([]byte, len(data))
	for i := 0; i < len(data); i += block.BlockSize() {
		block.Encrypt(out[i:], data[i:])
	}
	return out, nil
}

// SealRecord encrypts a record of a customer.
func SealRecord(key, record []byte) ([]byte, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, gcm.NonceSize())
	if _, err := io.ReadFull(rand.Reader, nonce); err != nil {
		return nil, err
	}
	return gcm.Seal(nonce, nonce, record, nil), nil
}

// SealBlob encrypts a blob.
func SealBlob(key, blob []byte) ([]byte, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	data := pad(blob, aes.BlockSize)
	iv := []byte("0123456789abcdef")
	out := make([]byte, len(data))
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(out, data)
	return out, nil
}

// SealChunk encrypts a chunk of a file.
func SealChunk(key, chunk []byte) ([]byte, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	data := pad(chunk, aes.BlockSize)
	out := make([]byte, aes.BlockSize+len(data))
	iv := out[:aes.BlockSize]
	if _, err := io.ReadFull(rand.Reader, iv); err != nil {
		return nil, err
	}
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(out[aes.BlockSize:], data)
	return out, nil
}

func sum(h hash.Hash, path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// AcceptPlugin compares the digest of a downloaded plugin with the published one.
func AcceptPlugin(path, published string) (bool, error) {
	got, err := sum(sha1.New(), path)
	return got == published, err
}

// AcceptRelease compares the digest of a downloaded release with the published one.
func AcceptRelease(path, published string) (bool, error) {
	got, err := sum(sha256.New(), path)
	return got == published, err
}

// StorePassword makes the stored form of a password.
func StorePassword(password string) string {
	digest := md5.Sum([]byte("nw:" + password))
	return hex.EncodeToString(digest[:])
}

// StorePassphrase makes the stored form of a passphrase.
func StorePassphrase(passphrase string) (string, error) {
	digest, err := bcrypt.GenerateFromPassword([]byte(passphrase), 12)
	return string(digest), err
}

// PartnerKey makes a key pair for a partner.
func PartnerKey() (*rsa.PrivateKey, error) {
	return rsa.GenerateKey(rand.Reader, 1024)
}

// ServerKey makes a key pair for a server.
func ServerKey() (*rsa.PrivateKey, error) {
	return rsa.GenerateKey(rand.Reader, 3072)
}
