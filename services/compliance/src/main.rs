//! The compliance service: who may lawfully be written to, and the record of every hand-off; or, with `subject`, `ledger`, `import` or
//! `epoch` as its first argument, the command by which a privacy officer calls it.

/// First arguments that mean the command.
const COMMANDS: [&str; 4] = ["subject", "ledger", "import", "epoch"];

fn main() -> std::process::ExitCode {
    if std::env::args_os().nth(1).is_some_and(|first| COMMANDS.iter().any(|command| first == *command)) {
        return maily_compliance::command();
    }
    let about = maily_chassis::About {
        name: "compliance",
        version: env!("CARGO_PKG_VERSION"),
        about: "Decides who may be written to; keeps it all on record (`subject`, `ledger`, `import` and `epoch`, with --help, are a privacy officer's)",
        root_keys: true,
    };
    maily_chassis::main(about, |boot: maily_chassis::Boot<maily_compliance::Config>| {
        maily_compliance::run(boot)
    })
}
