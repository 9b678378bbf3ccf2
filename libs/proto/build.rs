//! Compiles the contracts with protox, so that no `protoc` is needed on the machine.
use std::{error::Error, path::Path};

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new("proto");
    let files = ["maily/compliance/v1/compliance.proto", "maily/guardrails/v1/guardrails.proto"]
        .map(|f| root.join(f));
    println!("cargo::rerun-if-changed=proto");
    let set = protox::compile(&files, [root])?;
    tonic_prost_build::configure().compile_fds(set)?;
    Ok(())
}
