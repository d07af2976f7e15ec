package bridge_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// certificates are files in PEM format: an authority's, and what it gave a server and a client.
type certificates struct {
	authority               string
	server, serverKey       string
	client, clientKey       string
	serverWithKey           string // both in one file
	authorityOfSomebodyElse string
}

func newCertificates(t *testing.T) *certificates {
	t.Helper()
	folder := t.TempDir()
	file := func(name string, blocks ...*pem.Block) string {
		var text []byte
		for _, block := range blocks {
			text = append(text, pem.EncodeToMemory(block)...)
		}
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	issue := func(name string, parent *x509.Certificate, parentKey *ecdsa.PrivateKey) (*pem.Block, *pem.Block,
		*x509.Certificate, *ecdsa.PrivateKey) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		template := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
			NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), BasicConstraintsValid: true,
			IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature,
			ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}
		if parent == nil {
			template.IsCA, template.KeyUsage = true, x509.KeyUsageCertSign
			parent, parentKey = template, key
		}
		made, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, parentKey)
		if err != nil {
			t.Fatal(err)
		}
		secret, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		return &pem.Block{Type: "CERTIFICATE", Bytes: made}, &pem.Block{Type: "PRIVATE KEY", Bytes: secret}, template, key
	}
	authority, _, parent, parentKey := issue("authority", nil, nil)
	other, _, _, _ := issue("other", nil, nil)
	server, serverKey, _, _ := issue("server", parent, parentKey)
	client, clientKey, _, _ := issue("client", parent, parentKey)
	return &certificates{
		authority: file("ca.pem", authority), authorityOfSomebodyElse: file("other.pem", other),
		server: file("server.pem", server), serverKey: file("server.key", serverKey),
		client: file("client.pem", client), clientKey: file("client.key", clientKey),
		serverWithKey: file("both.pem", serverKey, server),
	}
}
