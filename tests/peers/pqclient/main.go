// Command pqclient is a peer that shares no code with ours: Go's own TLS, offering X25519MLKEM768 and nothing else.
//
// It sends one request over HTTP/2 and prints what was negotiated and answered, as one line of KEY=VALUE:
//
//	curve=4588 version=304 status=200 grpc=0 body="..."
//
// A connection or request that fails is one sentence on standard error and exit code 1.
package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

var (
	address = flag.String("address", "", "HOST:PORT to connect to")
	name    = flag.String("name", "", "name that the server's certificate has to carry")
	ca      = flag.String("ca", "", "PEM file of the authority")
	cert    = flag.String("cert", "", "PEM file of the client's certificate; none is sent without it")
	key     = flag.String("key", "", "PEM file of its private key")
	path    = flag.String("path", "/", "path of the request")
	grpc    = flag.Bool("grpc", false, "send an empty gRPC message with POST, instead of GET")
)

func main() {
	flag.Parse()
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "pqclient:", err)
		os.Exit(1)
	}
}

func run() error {
	config, err := tlsConfig()
	if err != nil {
		return err
	}
	client := http.Client{
		Transport: &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true},
		Timeout:   20 * time.Second,
	}
	request, err := newRequest()
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("%w (%w)", err, alert(config))
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 4096))
	if err != nil {
		return err
	}
	status := response.Trailer.Get("grpc-status")
	if status == "" {
		// Refused before there was a body: gRPC then has its status among the headers.
		status = response.Header.Get("grpc-status")
	}
	fmt.Printf("curve=%d version=%x status=%d grpc=%s body=%q\n",
		response.TLS.CurveID, response.TLS.Version, response.StatusCode, status, body)
	return nil
}

// alert says why the server ended a connection. In TLS 1.3 a client has finished its handshake before the server
// judges the client's certificate, and net/http may notice the closed connection before the alert.
func alert(config *tls.Config) error {
	connection, err := tls.Dial("tcp", *address, config)
	if err != nil {
		return err
	}
	defer connection.Close()
	if err := connection.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return err
	}
	_, err = connection.Read(make([]byte, 1))
	return err
}

func tlsConfig() (*tls.Config, error) {
	pem, err := os.ReadFile(*ca)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, errors.New("the authority's file holds no certificate")
	}
	config := &tls.Config{
		RootCAs:          roots,
		ServerName:       *name,
		MinVersion:       tls.VersionTLS13,
		CurvePreferences: []tls.CurveID{tls.X25519MLKEM768},
	}
	if *cert == "" {
		return config, nil
	}
	pair, err := tls.LoadX509KeyPair(*cert, *key)
	if err != nil {
		return nil, err
	}
	// Sent whatever authorities the server names: a stranger's certificate has to be refused by the server.
	config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
	return config, nil
}

func newRequest() (*http.Request, error) {
	url := "https://" + *address + *path
	if !*grpc {
		return http.NewRequest(http.MethodGet, url, nil)
	}
	// An empty message: not compressed, no bytes.
	request, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(make([]byte, 5)))
	if err != nil {
		return nil, err
	}
	request.Header.Set("content-type", "application/grpc")
	request.Header.Set("te", "trailers")
	return request, nil
}
