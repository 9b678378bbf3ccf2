//! What is kept in `src/generated` is what the `.proto` files say.
//!
//! After a change of theirs: `UPDATE_EXPECT=1 cargo xtask test maily-proto`. Compiled with protox, so that no `protoc` is
//! needed on the machine.

use std::{fs, path::Path};

#[test]
fn the_generated_code_is_that_of_the_contracts() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let contracts = root.join("proto");
    let files = ["maily/compliance/v1/compliance.proto", "maily/guardrails/v1/guardrails.proto"];
    let files = files.map(|file| contracts.join(file));
    let set = protox::compile(&files, [&contracts]).unwrap();
    let out = tempfile::tempdir().unwrap();
    tonic_prost_build::configure().out_dir(out.path()).compile_fds(set).unwrap();
    let kept = root.join("src/generated");
    let names = |folder: &Path| {
        let mut names: Vec<_> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let update = std::env::var_os("UPDATE_EXPECT").is_some();
    for name in names(out.path()) {
        let made = fs::read_to_string(out.path().join(&name)).unwrap();
        if update {
            fs::write(kept.join(&name), made).unwrap();
        } else {
            let kept = fs::read_to_string(kept.join(&name)).unwrap_or_default();
            assert!(
                kept == made,
                "{name:?} is not what the contracts say: UPDATE_EXPECT=1 cargo xtask test maily-proto"
            );
        }
    }
    assert_eq!(names(&kept), names(out.path()), "nothing is kept that no contract asks for");
}
