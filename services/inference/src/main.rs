//! The inference service as a program.

fn main() -> std::process::ExitCode {
    maily_chassis::main(
        maily_chassis::About {
            name: "inference",
            version: env!("CARGO_PKG_VERSION"),
            about: "Serves a language model with OpenAI's API",
        },
        maily_inference::run,
    )
}
