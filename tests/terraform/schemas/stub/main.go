// A TEST STUB of a Terraform provider: it serves a schema that build.mjs extracted, and can do nothing else. Terraform
// can validate configurations against it and run mocked tests. Every call that would reach a cloud is refused.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/hashicorp/terraform-plugin-go/tfprotov5"
	"github.com/hashicorp/terraform-plugin-go/tfprotov5/tf5server"
)

// ProviderServer is left nil where a call is refused below; what Terraform calls for validate and mocks is all here.
type stub struct {
	tfprotov5.ProviderServer
	schema *tfprotov5.GetProviderSchemaResponse
}

var errStub = errors.New("this provider is a test stub: it knows the schema only, and never applies")

func (s stub) GetMetadata(context.Context, *tfprotov5.GetMetadataRequest) (*tfprotov5.GetMetadataResponse, error) {
	return &tfprotov5.GetMetadataResponse{}, nil
}

func (s stub) GetProviderSchema(context.Context, *tfprotov5.GetProviderSchemaRequest) (*tfprotov5.GetProviderSchemaResponse, error) {
	return s.schema, nil
}

func (s stub) GetResourceIdentitySchemas(context.Context, *tfprotov5.GetResourceIdentitySchemasRequest) (*tfprotov5.GetResourceIdentitySchemasResponse, error) {
	return &tfprotov5.GetResourceIdentitySchemasResponse{}, nil
}

func (s stub) PrepareProviderConfig(_ context.Context, request *tfprotov5.PrepareProviderConfigRequest) (*tfprotov5.PrepareProviderConfigResponse, error) {
	return &tfprotov5.PrepareProviderConfigResponse{PreparedConfig: request.Config}, nil
}

func (s stub) ValidateResourceTypeConfig(context.Context, *tfprotov5.ValidateResourceTypeConfigRequest) (*tfprotov5.ValidateResourceTypeConfigResponse, error) {
	return &tfprotov5.ValidateResourceTypeConfigResponse{}, nil
}

func (s stub) ValidateDataSourceConfig(context.Context, *tfprotov5.ValidateDataSourceConfigRequest) (*tfprotov5.ValidateDataSourceConfigResponse, error) {
	return &tfprotov5.ValidateDataSourceConfigResponse{}, nil
}

// UpgradeResourceState hands back what a test's earlier run stored.
func (s stub) UpgradeResourceState(_ context.Context, request *tfprotov5.UpgradeResourceStateRequest) (*tfprotov5.UpgradeResourceStateResponse, error) {
	schema, known := s.schema.ResourceSchemas[request.TypeName]
	if !known {
		return nil, fmt.Errorf("the stub has no resource %s", request.TypeName)
	}
	value, err := request.RawState.Unmarshal(schema.ValueType())
	if err != nil {
		return nil, err
	}
	state, err := tfprotov5.NewDynamicValue(schema.ValueType(), value)
	return &tfprotov5.UpgradeResourceStateResponse{UpgradedState: &state}, err
}

func (s stub) ConfigureProvider(context.Context, *tfprotov5.ConfigureProviderRequest) (*tfprotov5.ConfigureProviderResponse, error) {
	return nil, errStub
}

func (s stub) PlanResourceChange(context.Context, *tfprotov5.PlanResourceChangeRequest) (*tfprotov5.PlanResourceChangeResponse, error) {
	return nil, errStub
}

func (s stub) ApplyResourceChange(context.Context, *tfprotov5.ApplyResourceChangeRequest) (*tfprotov5.ApplyResourceChangeResponse, error) {
	return nil, errStub
}

func (s stub) ReadResource(context.Context, *tfprotov5.ReadResourceRequest) (*tfprotov5.ReadResourceResponse, error) {
	return nil, errStub
}

func (s stub) ReadDataSource(context.Context, *tfprotov5.ReadDataSourceRequest) (*tfprotov5.ReadDataSourceResponse, error) {
	return nil, errStub
}

func (s stub) ImportResourceState(context.Context, *tfprotov5.ImportResourceStateRequest) (*tfprotov5.ImportResourceStateResponse, error) {
	return nil, errStub
}

func (s stub) StopProvider(context.Context, *tfprotov5.StopProviderRequest) (*tfprotov5.StopProviderResponse, error) {
	return &tfprotov5.StopProviderResponse{}, nil
}

func main() {
	debuggable := flag.Bool("debuggable", false, "stay, and say how Terraform attaches")
	flag.Parse()
	if err := serve(*debuggable); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func serve(debuggable bool) error {
	file, err := schemaFile()
	if err != nil {
		return err
	}
	schema, err := read(file)
	if err != nil {
		return err
	}
	var options []tf5server.ServeOpt
	if debuggable {
		options = append(options, tf5server.WithManagedDebug())
	}
	name := strings.TrimSuffix(filepath.Base(file), ".json")
	return tf5server.Serve("registry.terraform.io/hashicorp/"+name, func() tfprotov5.ProviderServer { return stub{schema: schema} }, options...)
}

// schemaFile is the one that STUB_SCHEMA names, or the one beside the mirror: six folders above the program is the cache's
// terraform folder.
func schemaFile() (string, error) {
	if file := os.Getenv("STUB_SCHEMA"); file != "" {
		return file, nil
	}
	program, err := os.Executable()
	if err != nil {
		return "", err
	}
	if program, err = filepath.EvalSymlinks(program); err != nil {
		return "", err
	}
	name, _, found := strings.Cut(strings.TrimPrefix(filepath.Base(program), "terraform-provider-"), "_")
	if !found {
		return "", fmt.Errorf("%s is not named like a provider", program)
	}
	return filepath.Join(filepath.Dir(program), "../../../../../../schemas", name+".json"), nil
}
