package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/hashicorp/terraform-plugin-go/tfprotov5"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

type attribute struct {
	Type      json.RawMessage
	Required  bool
	Optional  bool
	Computed  bool
	WriteOnly bool `json:"write_only"`
}

type nested struct {
	Nesting  string
	Min, Max int64
	Block    block
}

type block struct {
	Attributes map[string]attribute
	Blocks     map[string]nested
}

type schemas struct {
	Provider    block
	Resources   map[string]block
	DataSources map[string]block `json:"data_sources"`
}

var nestings = map[string]tfprotov5.SchemaNestedBlockNestingMode{
	"list":   tfprotov5.SchemaNestedBlockNestingModeList,
	"set":    tfprotov5.SchemaNestedBlockNestingModeSet,
	"map":    tfprotov5.SchemaNestedBlockNestingModeMap,
	"single": tfprotov5.SchemaNestedBlockNestingModeSingle,
}

// read makes the provider's answer out of an extracted schema.
func read(file string) (*tfprotov5.GetProviderSchemaResponse, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var all schemas
	if err := json.Unmarshal(text, &all); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	answer := &tfprotov5.GetProviderSchemaResponse{
		ResourceSchemas:   map[string]*tfprotov5.Schema{},
		DataSourceSchemas: map[string]*tfprotov5.Schema{},
		// Terraform may keep the answer, instead of asking at each step.
		ServerCapabilities: &tfprotov5.ServerCapabilities{GetProviderSchemaOptional: true},
	}
	if answer.Provider, err = all.Provider.schema(); err != nil {
		return nil, fmt.Errorf("%s: provider: %w", file, err)
	}
	for name, found := range all.Resources {
		if answer.ResourceSchemas[name], err = found.schema(); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", file, name, err)
		}
	}
	for name, found := range all.DataSources {
		if answer.DataSourceSchemas[name], err = found.schema(); err != nil {
			return nil, fmt.Errorf("%s: data %s: %w", file, name, err)
		}
	}
	return answer, nil
}

func (b block) schema() (*tfprotov5.Schema, error) {
	made, err := b.convert()
	return &tfprotov5.Schema{Block: made}, err
}

func (b block) convert() (*tfprotov5.SchemaBlock, error) {
	made := &tfprotov5.SchemaBlock{}
	for name, from := range b.Attributes {
		kind, err := tftypes.ParseJSONType(from.Type) //nolint:staticcheck // the schemas are in this notation
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		made.Attributes = append(made.Attributes, &tfprotov5.SchemaAttribute{
			Name: name, Type: kind, Required: from.Required, Optional: from.Optional, Computed: from.Computed, WriteOnly: from.WriteOnly,
		})
	}
	for name, from := range b.Blocks {
		inner, err := from.Block.convert()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		kind, known := nestings[from.Nesting]
		if !known {
			return nil, fmt.Errorf("%s: unknown nesting %q", name, from.Nesting)
		}
		next := &tfprotov5.SchemaNestedBlock{TypeName: name, Block: inner, Nesting: kind}
		if kind != tfprotov5.SchemaNestedBlockNestingModeSingle {
			next.MinItems, next.MaxItems = from.Min, from.Max
		}
		made.BlockTypes = append(made.BlockTypes, next)
	}
	return made, nil
}
