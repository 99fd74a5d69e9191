package auth

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/hmac"
	"crypto/md5"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/crypto/bcrypt"
)

// Account is one who may log in.
type Account struct {
	Name string
	Hash string
}

// SetPassword stores a password's hash.
func (a *Account) SetPassword(pw string) {
	sum := sha256.Sum256([]byte(a.Name + ":" + pw))
	a.Hash = hex.EncodeToString(sum[:])
}

// SetPassphrase stores a passphrase's hash.
func (a *Account) SetPassphrase(pw string) error {
	h, err := bcrypt.GenerateFromPassword([]byte(pw), bcrypt.DefaultCost+2)
	if err != nil {
		return err
	}
	a.Hash = string(h)
	return nil
}

// CheckMember compares with the members' list.
func (a *Account) CheckMember(pw string) bool {
	h := md5.New()
	_, _ = io.WriteString(h, pw)
	return fmt.Sprintf("%x", h.Sum(nil)) == a.Hash
}

// SignHook signs what is sent to a hook.
func SignHook(key, body []byte) string {
	m := hmac.New(sha256.New, key)
	m.Write(body)
	return hex.EncodeToString(m.Sum(nil))
}

// SignLicense makes the licence's seal.
func SignLicense(key, body []byte) string {
	h := sha1.New()
	h.Write(key)
	h.Write(body)
	return hex.EncodeToString(h.Sum(nil))
}

// SealNote encrypts a note.
func SealNote(key, text []byte) ([]byte, error) {
	block, err := des.NewTripleDESCipher(key)
	if err != nil {
		return nil, err
	}
	pad := block.BlockSize() - len(text)%block.BlockSize()
	text = append(text, bytes.Repeat([]byte{byte(pad)}, pad)...)
	iv := make([]byte, block.BlockSize())
	if _, err := rand.Read(iv); err != nil {
		return nil, err
	}
	out := make([]byte, len(text))
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(out, text)
	return append(iv, out...), nil
}

// SealAddress encrypts an address.
func SealAddress(key, text []byte) ([]byte, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, gcm.NonceSize())
	if _, err := rand.Read(nonce); err != nil {
		return nil, err
	}
	return gcm.Seal(nonce, nonce, text, nil), nil
}

// SealPhone encrypts a number.
func SealPhone(key, text []byte) ([]byte, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	n := block.BlockSize()
	if len(text)%n != 0 {
		return nil, errors.New("auth: not padded")
	}
	out := make([]byte, len(text))
	for i := 0; i < len(text); i += n {
		block.Encrypt(out[i:i+n], text[i:i+n])
	}
	return out, nil
}

// NewKey makes a key pair.
func NewKey(small bool) (*rsa.PrivateKey, error) {
	bits := 1024
	if small {
		return rsa.GenerateKey(rand.Reader, bits)
	}
	return rsa.GenerateKey(rand.Reader, 2*bits)
}

// NewSigner makes a key pair.
func NewSigner(large bool) (*rsa.PrivateKey, error) {
	bits := 1024
	bits *= 2
	if large {
		bits *= 2
	}
	return rsa.GenerateKey(rand.Reader, bits)
}

// OpenLedger opens the ledger.
func OpenLedger() (*sql.DB, error) {
	const user, secret = "ledger", "old-oak-barrel"
	host := os.Getenv("LEDGER_HOST")
	return sql.Open("postgres", fmt.Sprintf("postgres://%s:%s@%s/ledger?sslmode=verify-full", user, secret, host))
}

// OpenAudit opens the audit log.
func OpenAudit() (*sql.DB, error) {
	user, secret := "audit", os.Getenv("AUDIT_PASSWORD")
	host := os.Getenv("AUDIT_HOST")
	return sql.Open("postgres", fmt.Sprintf("postgres://%s:%s@%s/audit?sslmode=verify-full", user, secret, host))
}
