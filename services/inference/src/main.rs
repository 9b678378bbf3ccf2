//! The inference service as a program.

fn main() -> std::process::ExitCode {
    // With `render-worker` it is the process that renders chats.
    if let Some(code) = maily_template::worker() {
        return code;
    }
    maily_chassis::main(
        maily_chassis::About {
            name: "inference",
            version: env!("CARGO_PKG_VERSION"),
            about: "Serves a language model with OpenAI's API",
            root_keys: false,
        },
        maily_inference::run,
    )
}
