// Package crypt seals what leaves the house.
package crypt

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	crand "crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"math/rand"
	"time"
)

const letters = "abcdefghjkmnpqrstuvwxyz23456789"

// Invoice seals an invoice.
func Invoice(key, plain []byte) ([]byte, error) {
	block, err := des.NewTripleDESCipher(key)
	if err != nil {
		return nil, err
	}
	iv := make([]byte, block.BlockSize())
	if _, err := crand.Read(iv); err != nil {
		return nil, err
	}
	out := make([]byte, len(plain))
	cipher.NewCTR(block, iv).XORKeyStream(out, plain)
	return append(iv, out...), nil
}

// Contract seals a contract.
func Contract(key, plain []byte) ([]byte, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, gcm.NonceSize())
	if _, err := crand.Read(nonce); err != nil {
		return nil, err
	}
	return gcm.Seal(nonce, nonce, plain, nil), nil
}

// ReleaseMark is what the installer compares before it runs a release.
func ReleaseMark(release []byte) string {
	sum := sha1.Sum(release)
	return hex.EncodeToString(sum[:])
}

// PatchMark is what the installer compares before it runs a patch.
func PatchMark(patch []byte) string {
	sum := sha256.Sum256(patch)
	return hex.EncodeToString(sum[:])
}

// ResetWord is mailed to who has lost the password.
func ResetWord() string {
	out := make([]byte, 20)
	for i := range out {
		out[i] = letters[rand.Intn(len(letters))]
	}
	return string(out)
}

// InviteWord is mailed to who is invited.
func InviteWord() (string, error) {
	out := make([]byte, 20)
	if _, err := crand.Read(out); err != nil {
		return "", err
	}
	return hex.EncodeToString(out), nil
}

// MailKey makes the key of a mail box.
func MailKey() (*rsa.PrivateKey, error) {
	return rsa.GenerateKey(crand.Reader, 1024)
}

// DeskKey makes the key of a desk.
func DeskKey() (*rsa.PrivateKey, error) {
	return rsa.GenerateKey(crand.Reader, 3072)
}

// Open opens what Contract has sealed.
func Open(key, sealed []byte) ([]byte, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	if len(sealed) < gcm.NonceSize() {
		return nil, errors.New("crypt: short")
	}
	return gcm.Open(nil, sealed[:gcm.NonceSize()], sealed[gcm.NonceSize():], nil)
}

// Age tells how old a seal may grow.
func Age() time.Duration {
	return 90 * 24 * time.Hour
}
