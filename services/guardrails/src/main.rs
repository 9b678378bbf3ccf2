//! The guardrails service as a program.

fn main() -> std::process::ExitCode {
    // With `render-worker` it is the process that renders prompts.
    if let Some(code) = maily_template::worker() {
        return code;
    }
    maily_chassis::main(
        maily_chassis::About {
            name: "guardrails",
            version: env!("CARGO_PKG_VERSION"),
            about: "Checks briefs and drafts by NeMo Guardrails configurations",
            root_keys: false,
        },
        maily_guardrails::run,
    )
}
