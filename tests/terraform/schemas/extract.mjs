// Reads a provider's schema out of its generated package: runs the package's own "to HCL" mapping on a stand-in of the
// CDK library that answers types instead of values. What the mapping leaves out (which attributes are required,
// optional or computed, and the computed-only ones) stands in the generated comments and getters.
import Module, { createRequire } from "node:module";
import { existsSync } from "node:fs";
import { join } from "node:path";

const require = createRequire(import.meta.url);

class ListOf {
  constructor(of) {
    this.of = of;
  }
}
class MapOf extends ListOf {}
class WriteOnly extends ListOf {}
class Base {}

// Whatever is asked of it, it is still there: stands for every configuration value.
const anything = new Proxy(function () {}, {
  get: (target, key) => {
    if (key === "markWriteOnlyAttribute") return (type) => new WriteOnly(type);
    return key === Symbol.toPrimitive ? () => "" : anything;
  },
  apply: () => anything,
});
const library = new Proxy(
  {
    canInspect: () => true,
    isComplexElement: () => false,
    Tokenization: { isResolvable: () => false },
    stringToHclTerraform: () => "string",
    numberToHclTerraform: () => "number",
    booleanToHclTerraform: () => "bool",
    anyToHclTerraform: () => "dynamic",
    listMapperHcl: (map) => () => new ListOf(map(anything)),
    hashMapperHcl: (map) => () => new MapOf(map(anything)),
  },
  { get: (target, name) => target[name] ?? Base },
);

const load = Module._load;
Module._load = function (request, parent, isMain) {
  if (request === "cdktf" || request === "cdktn" || request.includes("provider-functions")) return library;
  return load.call(this, request, parent, isMain);
};

/** The schema of one folder of the package: `{ name, block }`. */
export function schemaOf(folder) {
  if (!existsSync(join(folder, "index.js"))) throw new Error(`${folder} is not in the package`);
  const exported = require(join(folder, "index.js"));
  const main = Object.values(exported).find((value) => value?.prototype?.synthesizeHclAttributes);
  if (!main) throw new Error(`${folder} exports no resource, data source or provider`);
  const attributes = main.prototype.synthesizeHclAttributes.call(anything);
  return { name: main.tfResourceType, block: blockOf(attributes, main, exported) };
}

function blockOf(mapping, owner, exported) {
  const flags = flagsOf(owner);
  const block = { attributes: {}, blocks: {} };
  for (const [name, { value, isBlock, type, storageClassType }] of Object.entries(mapping)) {
    const flag = flags[name] ?? flagOf(name, owner);
    if (value instanceof WriteOnly) {
      block.attributes[name] = { type: value.of, ...flag, write_only: true };
      continue;
    }
    const nested = value instanceof ListOf ? value.of : value;
    if (isBlock && typeof nested === "object") {
      block.blocks[name] = {
        nesting: type === "struct" ? "single" : type,
        min: flag.required ? 1 : 0,
        // A list that the package maps as one thing holds one thing.
        max: value instanceof ListOf || type === "struct" ? 0 : 1,
        block: blockOf(nested, ownerOf(storageClassType, exported), exported),
      };
    } else {
      block.attributes[name] = { type: typeOf(value, type, storageClassType, exported), ...flag };
    }
  }
  for (const [name, flag] of Object.entries(flags)) {
    if (flag.computed && !flag.optional && !(name in block.attributes) && !(name in block.blocks)) {
      block.attributes[name] = { type: computedType(name, owner, exported), ...flag };
    }
  }
  return block;
}

/** The class whose comments describe a nested structure. */
function ownerOf(storage, exported) {
  const bare = storage.replace(/(List|Set|Map)$/, "");
  return exported[`${bare}OutputReference`] ?? exported[`${storage}OutputReference`] ?? exported[`${storage}ListOutputReference`];
}

function flagsOf(owner) {
  const found = {};
  const lines = (owner ?? "").toString().matchAll(/\/\/ (\w+) - computed: (\w+), optional: (\w+), required: (\w+)/g);
  for (const [, name, computed, optional, required] of lines) {
    found[name] = { computed: computed === "true" && required !== "true", optional: optional === "true", required: required === "true" };
    // The generator says of some attributes that they are neither.
    if (!found[name].required && !found[name].computed) found[name].optional = true;
  }
  return found;
}

/**
 * What can be known of an attribute without a comment (Google's package keeps them for computed ones only): what can be
 * reset is optional. Which optional ones the provider fills in is not said; the id it always does.
 */
function flagOf(name, owner) {
  const pascal = name.replace(/(?:^|_)(\w)/g, (_, letter) => letter.toUpperCase());
  const camel = pascal[0].toLowerCase() + pascal.slice(1);
  const settable = Object.getOwnPropertyDescriptor(owner?.prototype ?? {}, camel)?.set || owner?.prototype?.[`put${pascal}`];
  const required = Boolean(settable) && !owner.prototype[`reset${pascal}`];
  return { required, optional: !required, computed: name === "id" && !required };
}

/** A type in Terraform's JSON notation. */
function typeOf(value, kind, storage, exported) {
  const inner = (of) => (typeof of === "object" ? objectType(of, ownerOf(storage, exported), exported) : of);
  if (value instanceof MapOf) return ["map", inner(value.of)];
  if (value instanceof ListOf) return [kind === "set" ? "set" : kind === "map" ? "map" : "list", inner(value.of)];
  if (typeof value === "object") return kind === "struct" ? inner(value) : [kind, inner(value)];
  return value;
}

function objectType(mapping, owner, exported) {
  const { attributes, blocks } = blockOf(mapping, owner, exported);
  const fields = Object.entries(attributes).map(([name, { type }]) => [name, type]);
  for (const [name, { nesting, block }] of Object.entries(blocks)) {
    const types = Object.fromEntries(Object.entries(block.attributes).map(([field, { type }]) => [field, type]));
    fields.push([name, nesting === "single" ? ["object", types] : [nesting, ["object", types]]]);
  }
  return ["object", Object.fromEntries(fields)];
}

/** The type of an attribute that only the provider sets, from the getter that reads it. */
function computedType(name, owner, exported) {
  const text = owner.toString();
  const start = text.indexOf(`// ${name} - computed:`);
  const getter = text.slice(start, text.indexOf("// ", start + 3) + 1 || undefined);
  const [, library, cls, set] = getter.match(/new (?:(cdkt[fn])\.)?(\w+)\(this, "\w+"(?:, (true|false))?/) ?? [];
  if (cls && library) return { StringMap: ["map", "string"], BooleanMap: ["map", "bool"], NumberMap: ["map", "number"] }[cls] ?? ["list", ["map", "string"]];
  if (cls) {
    const element = exported[cls].prototype.get?.toString().match(/new (\w+OutputReference)/)?.[1];
    const object = objectType({}, exported[element ?? cls], exported);
    return element ? [set === "true" ? "set" : "list", object] : object;
  }
  if (getter.includes("asNumberList")) return ["list", "number"];
  if (getter.includes("getListAttribute")) return [getter.includes("tolist") ? "set" : "list", "string"];
  if (getter.includes("getNumberAttribute")) return "number";
  if (getter.includes("getBooleanAttribute")) return "bool";
  if (/Map(Attribute)?\(/.test(getter)) return ["map", "string"];
  return "string";
}
