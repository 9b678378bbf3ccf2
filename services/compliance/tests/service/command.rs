//! The privacy officer's command as a process.

use std::{process::Stdio, time::Duration};

use tokio::{process::Command, time::timeout};

/// More than a start takes.
const SOON: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_crash_of_the_command_leaves_no_dump_of_the_memory() {
    let asking = ["subject", "find", "-", "--ca", "ca.pem", "--key-file", "officer.key"];
    let child = Command::new(env!("CARGO_BIN_EXE_maily-compliance"))
        .args(asking)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let limits = format!("/proc/{}/limits", child.id().unwrap());
    // It waits for an address that never comes; when it has begun to, it does not say.
    let bounded = async {
        loop {
            let text = std::fs::read_to_string(&limits).unwrap();
            let core = text.lines().find(|line| line.starts_with("Max core file size")).unwrap();
            if core.split_whitespace().skip(4).take(2).eq(["0", "0"]) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(SOON, bounded).await.expect("cores are still dumped");
}
