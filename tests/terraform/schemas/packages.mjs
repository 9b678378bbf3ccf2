// The npm packages that carry the providers' schemas: fetched by name and version, checked against the digest here.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";

/** What each stub is made of. `version` is the provider version that the package was generated from. */
export const PROVIDERS = {
  aws: {
    package: "@cdktn/provider-aws@25.7.0",
    integrity: "sha512-E/nhu0yVZE4mXMgIPuI8tEFt1BExLkA7ARjihdG+/HmfDfzLr+OEF3dkFRvI6glRt30lrrBWQLwXqCJBxcmyUg==",
    version: "6.66.0",
  },
  google: {
    package: "@cdktf/provider-google@16.12.1",
    integrity: "sha512-KqNA/5RiFT07r0PSZ6/07cJ2zESUgbj1JchVj21iBFBZVUbD+578xA/k8eq/r0cbyEgLmg9eYWeVslaYah4DCQ==",
    version: "6.50.0",
  },
};

/** Fetches a provider's package into `folder` unless it is there; answers the archive's path. */
export function fetchPackage(provider, folder) {
  const { package: spec, integrity } = PROVIDERS[provider];
  const archive = join(folder, spec.slice(1).replace("/", "-").replace("@", "-") + ".tgz");
  if (existsSync(archive) && digest(archive) === integrity) return archive;
  console.error(`Fetching ${spec} by npm (once)`);
  mkdirSync(folder, { recursive: true });
  run("npm", ["pack", "--ignore-scripts", "--loglevel=error", "--pack-destination", folder, spec]);
  const found = digest(archive);
  if (found !== integrity) {
    rmSync(archive);
    throw new Error(`${spec} has the digest ${found}, expected ${integrity}: not used`);
  }
  return archive;
}

/** Unpacks the named folders of the package's `lib` below `into`. */
export function unpack(archive, folders, into) {
  rmSync(into, { recursive: true, force: true });
  mkdirSync(into, { recursive: true });
  run("tar", ["-xzf", archive, "-C", into, "--strip-components=2", ...folders.map((folder) => `package/lib/${folder}`)]);
}

/** Runs a program; throws one sentence with what it said. */
export function run(program, options, settings = {}) {
  try {
    return execFileSync(program, options, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"], timeout: 1_800_000, ...settings });
  } catch (error) {
    const said = (error.stderr || error.message).toString().trim().split("\n").slice(-5).join("\n");
    throw new Error(`${program} ${options[0]} failed: ${said}`);
  }
}

function digest(file) {
  return "sha512-" + createHash("sha512").update(readFileSync(file)).digest("base64");
}
