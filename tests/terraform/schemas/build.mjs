// Makes TEST STUBS of the AWS and Google providers: the real schemas, and nothing behind them. They serve
// `terraform validate` and `terraform test` with mocks on a machine that can't have the providers; an apply with one fails.
//
//   node tests/terraform/schemas/build.mjs
//
// prints the path of a Terraform CLI configuration (TF_CLI_CONFIG_FILE) whose filesystem mirror holds the stubs. Only what
// terraform/ uses is extracted, so the stubs start fast. Needs npm, tar and Go; all it fetches or builds is kept.
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { schemaOf } from "./extract.mjs";
import { PROVIDERS, fetchPackage, run, unpack } from "./packages.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "../../..");
const cache = join(process.env.MAILY_CACHE || join(homedir(), ".cache/maily"), "terraform");

try {
  console.log(build());
} catch (error) {
  console.error(`error: ${error.message}`);
  process.exit(1);
}

function build() {
  const used = usedTypes(join(root, "terraform"));
  const program = stubProgram();
  for (const [provider, { version }] of Object.entries(PROVIDERS)) {
    schema(provider, used[provider]);
    const folder = join(cache, "mirror/registry.terraform.io/hashicorp", provider, version, platform());
    const place = join(folder, `terraform-provider-${provider}_v${version}`);
    if (existsSync(place) && sha256(readFileSync(place)) === sha256(readFileSync(program))) continue;
    mkdirSync(folder, { recursive: true });
    copyFileSync(program, `${place}.part`);
    renameSync(`${place}.part`, place);
  }
  return configuration();
}

/** Every resource and data source that the modules name, by provider. */
function usedTypes(folder) {
  const used = { aws: new Set(), google: new Set() };
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath ?? entry.path, entry.name);
    if (!/\.(tf|tftest\.hcl)$/.test(entry.name) || path.includes("/.terraform/")) continue;
    for (const [, kind, type] of readFileSync(path, "utf8").matchAll(/\b(resource|data|mock_resource|mock_data)\s+"(\w+)"/g)) {
      const provider = type.split("_")[0];
      used[provider]?.add(kind.endsWith("data") ? `data-${type}` : type.slice(provider.length + 1));
    }
  }
  return Object.fromEntries(Object.entries(used).map(([provider, types]) => [provider, [...types].sort()]));
}

/** Writes the provider's schema, unless the one there is of the same package, types and extractor. */
function schema(provider, types) {
  const file = join(cache, "schemas", `${provider}.json`);
  const tools = ["extract.mjs", "packages.mjs", "additions.json"].map((name) => readFileSync(join(here, name)));
  const made_of = sha256(JSON.stringify([PROVIDERS[provider], types, tools.map(sha256)]));
  if (existsSync(file) && JSON.parse(readFileSync(file)).made_of === made_of) return;
  console.error(`Extracting ${types.length} schemas of ${PROVIDERS[provider].package}`);
  const lib = join(cache, `lib-${provider}-${process.pid}`);
  try {
    const folders = ["provider", ...types.map((type) => type.replaceAll("_", "-"))];
    unpack(fetchPackage(provider, join(cache, "npm")), folders, lib);
    const schemas = { made_of, provider: schemaOf(join(lib, "provider")).block, resources: {}, data_sources: {} };
    for (const folder of folders.slice(1)) {
      const { name, block } = schemaOf(join(lib, folder));
      schemas[folder.startsWith("data-") ? "data_sources" : "resources"][name] = block;
    }
    add(schemas.resources);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(`${file}.part`, JSON.stringify(schemas));
    renameSync(`${file}.part`, file);
  } finally {
    rmSync(lib, { recursive: true, force: true });
  }
}

/** Adds what the package does not say. */
function add(resources) {
  for (const { resource, attribute, type, computed } of JSON.parse(readFileSync(join(here, "additions.json"))).attributes) {
    if (!resources[resource]) continue;
    const known = (resources[resource].attributes[attribute] ??= { type, optional: true });
    if (computed) known.computed = true;
  }
}

/** Builds the program that serves a schema; Go rebuilds only what changed. */
function stubProgram() {
  const program = join(cache, "bin/terraform-provider-stub");
  const sources = readdirSync(join(here, "stub")).sort().map((name) => sha256(readFileSync(join(here, "stub", name))));
  const stamp = `${program}.sources`;
  if (existsSync(program) && existsSync(stamp) && readFileSync(stamp, "utf8") === sources.join()) return program;
  console.error("Building the stub provider (Go, once)");
  mkdirSync(dirname(program), { recursive: true });
  run("go", ["build", "-trimpath", "-ldflags=-s -w", "-o", program, "."], { cwd: join(here, "stub") });
  writeFileSync(stamp, sources.join());
  return program;
}

/** No `direct`: what the mirror lacks fails, and nothing is fetched behind our back. */
function configuration() {
  const file = join(cache, "mirror.tfrc");
  const text = `provider_installation {\n  filesystem_mirror {\n    path = ${JSON.stringify(join(cache, "mirror"))}\n  }\n}\n`;
  writeFileSync(`${file}.part`, text);
  renameSync(`${file}.part`, file);
  return file;
}

function platform() {
  const os = { linux: "linux", darwin: "darwin" }[process.platform];
  const cpu = { x64: "amd64", arm64: "arm64" }[process.arch];
  if (!os || !cpu) throw new Error(`there are no provider stubs for ${process.platform} on ${process.arch}`);
  return `${os}_${cpu}`;
}

function sha256(bytes) {
  return createHash("sha256").update(bytes).digest("hex");
}
