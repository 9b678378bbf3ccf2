package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/vault/api"
	"github.com/hashicorp/vault/command/agent/config"
	"github.com/hashicorp/vault/command/agent/template"
	"github.com/hashicorp/vault/command/agentproxyshared/auth"
	"github.com/hashicorp/vault/command/agentproxyshared/auth/kubernetes"
)

// files collects a flag that may be given several times.
type files []string

func (f *files) String() string { return strings.Join(*f, ",") }

func (f *files) Set(name string) error {
	*f = append(*f, name)
	return nil
}

// agent is `vault agent`, put together from Vault's own parts, as far as our manifests use it: it logs in as a pod, renders
// its templates once, and ends.
func agent(arguments []string) error {
	var paths files
	flags := flag.NewFlagSet("agent", flag.ExitOnError)
	flags.Var(&paths, "config", "configuration file; several are merged")
	_ = flags.Parse(arguments)
	settings, err := load(paths)
	if err != nil {
		return err
	}
	client, err := dial(settings)
	if err != nil {
		return err
	}
	logger := hclog.New(&hclog.LoggerOptions{Output: os.Stderr, Level: hclog.Info})
	method, err := kubernetes.NewKubernetesAuthMethod(&auth.AuthConfig{
		Logger:    logger.Named("auth.kubernetes"),
		MountPath: settings.AutoAuth.Method.MountPath,
		Config:    settings.AutoAuth.Method.Config,
	})
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	login := auth.NewAuthHandler(&auth.AuthHandlerConfig{
		Logger:                logger.Named("auth.handler"),
		Client:                client,
		MinBackoff:            settings.AutoAuth.Method.MinBackoff,
		MaxBackoff:            settings.AutoAuth.Method.MaxBackoff,
		ExitOnError:           settings.AutoAuth.Method.ExitOnError,
		EnableTemplateTokenCh: true,
		MetricsSignifier:      "agent",
	})
	renderer := template.NewServer(&template.ServerConfig{
		Logger:        logger.Named("template.server"),
		LogLevel:      logger.GetLevel(),
		LogWriter:     os.Stderr,
		AgentConfig:   settings,
		ExitAfterAuth: settings.ExitAfterAuth,
	})
	ended := make(chan error, 2)
	go func() { ended <- login.Run(ctx, method) }()
	go func() {
		ended <- renderer.Run(ctx, login.TemplateTokenCh, settings.Templates, login.AuthInProgress, login.InvalidToken)
	}()
	if err := <-ended; err != nil {
		return err
	}
	return ctx.Err()
}

func load(paths []string) (*config.Config, error) {
	merged := config.NewConfig()
	for _, path := range paths {
		one, err := config.LoadConfigFile(path)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		merged = merged.Merge(one)
	}
	if err := merged.ValidateConfig(); err != nil {
		return nil, err
	}
	switch {
	case merged.Vault == nil || merged.AutoAuth == nil || merged.AutoAuth.Method.Type != "kubernetes":
		return nil, errors.New("the configuration has no address, or no login as a pod")
	case !merged.ExitAfterAuth || len(merged.Templates) == 0:
		return nil, errors.New("this agent only renders templates once")
	}
	return merged, nil
}

func dial(settings *config.Config) (*api.Client, error) {
	options := api.DefaultConfig()
	options.Address = settings.Vault.Address
	if err := options.ConfigureTLS(&api.TLSConfig{CACert: settings.Vault.CACert}); err != nil {
		return nil, err
	}
	return api.NewClient(options)
}
