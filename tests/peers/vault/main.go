// A real Vault core with the engines that Maily uses, as a server for tests: started, killed and started again on the
// same folder, it initialises itself the first time and unseals itself every time. Its keys lie in that folder in the
// clear, so it is for tests only; users run their own Vault. `agent` is Vault's agent, as our manifests use it.
package main

import (
	"context"
	"crypto/tls"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/vault/helper/namespace"
	vaulthttp "github.com/hashicorp/vault/http"
	"github.com/hashicorp/vault/internalshared/configutil"
	"github.com/hashicorp/vault/sdk/logical"
	"github.com/hashicorp/vault/sdk/physical"
	"github.com/hashicorp/vault/sdk/physical/file"
	"github.com/hashicorp/vault/sdk/physical/inmem"
	"github.com/hashicorp/vault/vault"
)

type options struct {
	data, listen, plain, certificate, key, rootToken string
	dev                                              bool
}

func main() {
	log.SetFlags(0)
	if len(os.Args) > 1 && os.Args[1] == "agent" {
		if err := agent(os.Args[2:]); err != nil {
			log.Fatalf("vault agent: %v", err)
		}
		return
	}
	if err := serve(parse(os.Args)); err != nil {
		log.Fatalf("vault: %v", err)
	}
}

// parse takes our own flags, and those of `vault server -dev`, so that this can stand in for the published image.
func parse(arguments []string) options {
	var o options
	flags := flag.NewFlagSet(arguments[0], flag.ExitOnError)
	flags.StringVar(&o.data, "data", "", "folder that the core is kept in; without one it is in memory")
	flags.StringVar(&o.listen, "listen", "127.0.0.1:8200", "address to listen on")
	flags.StringVar(&o.plain, "plain", "", "second address, without TLS, for the tests' own settings")
	flags.StringVar(&o.certificate, "cert", "", "PEM file of the certificate chain; without one it is plain HTTP")
	flags.StringVar(&o.key, "key", "", "PEM file of its private key")
	flags.BoolVar(&o.dev, "dev", false, "in memory, as `vault server -dev`")
	flags.StringVar(&o.listen, "dev-listen-address", "127.0.0.1:8200", "as -listen")
	flags.StringVar(&o.rootToken, "dev-root-token-id", os.Getenv("VAULT_DEV_ROOT_TOKEN_ID"), "root token to make")
	if len(arguments) > 1 && arguments[1] == "server" {
		arguments = arguments[1:]
		if address := os.Getenv("VAULT_DEV_LISTEN_ADDRESS"); address != "" {
			o.listen = address
		}
	}
	_ = flags.Parse(arguments[1:])
	return o
}

func serve(o options) error {
	logger := hclog.New(&hclog.LoggerOptions{Output: os.Stderr, Level: hclog.Warn})
	storage, err := open(o, logger)
	if err != nil {
		return err
	}
	core, err := vault.NewCore(&vault.CoreConfig{
		Physical:           storage,
		LogicalBackends:    engines,
		CredentialBackends: methods,
		BuiltinRegistry:    registry{},
		DisableMlock:       true,
		Logger:             logger,
	})
	if err != nil {
		return err
	}
	if err := unseal(core, o); err != nil {
		return err
	}
	if o.plain != "" {
		second := o
		second.listen, second.certificate = o.plain, ""
		go func() { log.Fatalf("vault: %v", listen(core, second)) }()
	}
	return listen(core, o)
}

func listen(core *vault.Core, o options) error {
	listener, err := net.Listen("tcp", o.listen)
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler: vaulthttp.Handler.Handler(&vault.HandlerProperties{
			Core:           core,
			ListenerConfig: &configutil.Listener{Address: listener.Addr().String()},
		}),
		ErrorLog:          log.New(io.Discard, "", 0),
		ReadHeaderTimeout: 30 * time.Second,
		TLSConfig:         &tls.Config{MinVersion: tls.VersionTLS12},
	}
	fmt.Printf("vault: listening on %s\n", listener.Addr())
	if o.certificate == "" {
		return server.Serve(listener)
	}
	return server.ServeTLS(listener, o.certificate, o.key)
}

func open(o options, logger hclog.Logger) (physical.Backend, error) {
	if o.data == "" {
		return inmem.NewInmem(nil, logger)
	}
	if err := os.MkdirAll(o.data, 0o700); err != nil {
		return nil, err
	}
	return file.NewFileBackend(map[string]string{"path": filepath.Join(o.data, "core")}, logger)
}

// unseal makes the core usable; a fresh one is initialised with one key share.
func unseal(core *vault.Core, o options) error {
	ctx := namespace.RootContext(context.Background())
	fresh, err := core.Initialized(ctx)
	if err != nil {
		return err
	}
	if !fresh {
		one := &vault.SealConfig{SecretShares: 1, SecretThreshold: 1, StoredShares: 1}
		made, err := core.Initialize(ctx, &vault.InitParams{BarrierConfig: one, RecoveryConfig: &vault.SealConfig{}})
		if err != nil {
			return err
		}
		if err := keep(o, "root-token", []byte(made.RootToken)); err != nil {
			return err
		}
		if err := keep(o, "unseal-key", made.SecretShares[0]); err != nil {
			return err
		}
		if _, err := core.Unseal(made.SecretShares[0]); err != nil {
			return err
		}
		return makeRootToken(ctx, core, made.RootToken, o.rootToken)
	}
	share, err := os.ReadFile(filepath.Join(o.data, "unseal-key"))
	if err != nil {
		return err
	}
	_, err = core.Unseal(share)
	return err
}

func keep(o options, name string, secret []byte) error {
	if o.data == "" {
		return nil
	}
	return os.WriteFile(filepath.Join(o.data, name), secret, 0o600)
}

// makeRootToken adds a root token of the wanted name, if one is wanted, and the KV mount that a dev server has.
func makeRootToken(ctx context.Context, core *vault.Core, root, wanted string) error {
	if wanted == "" {
		return nil
	}
	_, err := core.HandleRequest(ctx, &logical.Request{
		Operation:   logical.UpdateOperation,
		ClientToken: root,
		Path:        "auth/token/create",
		Data:        map[string]interface{}{"id": wanted, "policies": []string{"root"}, "no_parent": true, "no_default_policy": true},
	})
	return err
}
