//! The storage service.

fn main() -> std::process::ExitCode {
    let about = maily_chassis::About {
        name: "storage",
        version: env!("CARGO_PKG_VERSION"),
        about: "S3-compatible storage that encrypts, and keeps each bucket in its region",
        root_keys: true,
    };
    maily_chassis::main(about, maily_storage::run)
}
