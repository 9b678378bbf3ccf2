//! The inference service with recorded answers as a program: `maily-inference` in everything else.

use std::process::ExitCode;

use maily_chassis::{About, Boot};
use maily_recorded::{Settings, server};

fn main() -> ExitCode {
    // With `render-worker` it is the process that renders chats.
    if let Some(code) = maily_template::worker() {
        return code;
    }
    let about = About {
        // Also in certificates: to its callers it is the inference service.
        name: "inference",
        version: env!("CARGO_PKG_VERSION"),
        about: "Serves recorded answers of a language model with OpenAI's API, for tests",
        root_keys: false,
    };
    maily_chassis::main(about, |boot: Boot<Settings>| {
        let server = server(boot.config.service.clone());
        maily_inference::serve(boot, server)
    })
}
