// Package link talks to the machines on the shop floor.
package link

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
)

// Floor knows how to reach the machines.
type Floor struct {
	Roots *x509.CertPool
	User  string
	Key   ssh.Signer
	Known string
}

// Meters is the client of the meters.
func (f *Floor) Meters() *http.Client {
	return &http.Client{
		Timeout:   10 * time.Second,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}},
	}
}

// Presses is the client of the presses.
func (f *Floor) Presses() *http.Client {
	return &http.Client{
		Timeout:   10 * time.Second,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: f.Roots, MinVersion: tls.VersionTLS12}},
	}
}

// Saws is the configuration for the saws, whose certificates all have the name of the series.
func (f *Floor) Saws() *tls.Config {
	return &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: true,
		VerifyConnection: func(state tls.ConnectionState) error {
			if len(state.PeerCertificates) == 0 {
				return errors.New("link: no certificate")
			}
			middle := x509.NewCertPool()
			for _, c := range state.PeerCertificates[1:] {
				middle.AddCert(c)
			}
			_, err := state.PeerCertificates[0].Verify(x509.VerifyOptions{
				DNSName:       "saw.floor.example",
				Roots:         f.Roots,
				Intermediates: middle,
			})
			return err
		},
	}
}

// Shell opens a shell on a machine.
func (f *Floor) Shell(host string) (*ssh.Client, error) {
	return ssh.Dial("tcp", net.JoinHostPort(host, "22"), &ssh.ClientConfig{
		User:            f.User,
		Auth:            []ssh.AuthMethod{ssh.PublicKeys(f.Key)},
		HostKeyCallback: ssh.InsecureIgnoreHostKey(),
		Timeout:         10 * time.Second,
	})
}

// Copier opens a connection for copies.
func (f *Floor) Copier(host string) (*ssh.Client, error) {
	return ssh.Dial("tcp", net.JoinHostPort(host, "22"), &ssh.ClientConfig{
		User: f.User,
		Auth: []ssh.AuthMethod{ssh.PublicKeys(f.Key)},
		HostKeyCallback: func(name string, remote net.Addr, key ssh.PublicKey) error {
			return nil
		},
		Timeout: 10 * time.Second,
	})
}

// Console opens a console on a machine.
func (f *Floor) Console(host string) (*ssh.Client, error) {
	known, err := knownhosts.New(f.Known)
	if err != nil {
		return nil, err
	}
	return ssh.Dial("tcp", net.JoinHostPort(host, "22"), &ssh.ClientConfig{
		User:            f.User,
		Auth:            []ssh.AuthMethod{ssh.PublicKeys(f.Key)},
		HostKeyCallback: known,
		Timeout:         10 * time.Second,
	})
}

// Planner reaches the planner in the other building.
func (f *Floor) Planner() (*grpc.ClientConn, error) {
	return grpc.NewClient("planner.floor.example:9000",
		grpc.WithTransportCredentials(insecure.NewCredentials()))
}

// Ledger reaches the ledger in the other building.
func (f *Floor) Ledger() (*grpc.ClientConn, error) {
	return grpc.NewClient("ledger.floor.example:9000",
		grpc.WithTransportCredentials(credentials.NewClientTLSFromCert(f.Roots, "")))
}
