//! The stand-in by hand: prints what terraform has to be told and answers until it is stopped.

use std::{env, path::PathBuf};

use maily_arm::Arm;

fn main() {
    let dir = env::args().nth(1).map_or_else(env::temp_dir, PathBuf::from);
    let arm = Arm::start(&dir);
    for (name, value) in arm.environment() {
        println!("export {name}='{value}'");
    }
    loop {
        std::thread::park();
    }
}
