//! The compliance service: who may lawfully be written to, and the record of every hand-off.

fn main() -> std::process::ExitCode {
    let about = maily_chassis::About {
        name: "compliance",
        version: env!("CARGO_PKG_VERSION"),
        about: "Decides who may be written to; keeps consents, opt-outs and hand-offs on record",
    };
    maily_chassis::main(about, |boot: maily_chassis::Boot<maily_compliance::Config>| {
        maily_compliance::run(boot)
    })
}
