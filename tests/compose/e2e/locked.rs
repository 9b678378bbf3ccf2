//! What every container has to be: without root, without a place to write to, reachable from this machine only.

use maily_compose_tests::{
    docker,
    project::{ONCE, Project, service},
};
use maily_tests::say;
use serde_json::Value;

pub(crate) fn check(project: &Project, services: usize) {
    let containers = project.containers();
    let staying: Vec<&Value> =
        containers.iter().filter(|container| !ONCE.contains(&service(container))).collect();
    assert_eq!(staying.len(), services);
    for container in &containers {
        confined(container);
    }
    for container in staying {
        let name = service(container);
        assert_eq!(container["State"]["Health"]["Status"], "healthy", "{name}");
        assert_eq!(container["Config"]["User"], "65532:65532", "{name}");
        // What the kernel says, too.
        let users = docker::ask(&["top", container["Id"].as_str().unwrap(), "-eo", "pid,uid,args"]);
        for line in users.lines().skip(1) {
            assert_eq!(line.split_whitespace().nth(1), Some("65532"), "{name}: {line}");
        }
        if let Some(seconds) = serving_after(container) {
            say(format_args!("{name} serves {seconds} after its container's start"));
        }
    }
}

fn confined(container: &Value) {
    let (name, host) = (service(container), &container["HostConfig"]);
    assert_eq!(host["ReadonlyRootfs"], true, "{name}");
    assert_eq!(host["Privileged"], false, "{name}");
    assert_eq!(host["CapDrop"], serde_json::json!(["ALL"]), "{name}");
    let options = host["SecurityOpt"].as_array().unwrap();
    assert!(options.iter().any(|option| option == "no-new-privileges:true"), "{name}: {options:?}");
    for binding in
        host["PortBindings"].as_object().into_iter().flatten().flat_map(|(_, all)| all.as_array().unwrap())
    {
        assert_eq!(binding["HostIp"], "127.0.0.1", "{name}");
    }
    if name == "bootstrap" {
        // Root, for a moment, to give files away: with that capability and no network.
        // By either of its names: which one, depends on the version of the API that made the container.
        let added: Vec<&str> =
            host["CapAdd"].as_array().unwrap().iter().map(|added| added.as_str().unwrap()).collect();
        assert!(matches!(added[..], ["CHOWN" | "CAP_CHOWN"]), "{name}: {added:?}");
        assert_eq!(host["NetworkMode"], "none", "{name}");
    } else {
        assert_eq!(
            (&container["Config"]["User"], &host["CapAdd"]),
            (&"65532:65532".into(), &Value::Null),
            "{name}"
        );
    }
}

/// From the container's start to the log line that says so.
fn serving_after(container: &Value) -> Option<String> {
    let id = container["Id"].as_str()?;
    let logs = docker::attempt(&["logs", id]).all();
    let line = logs.lines().rev().find(|line| line.contains(r#""message":"serving""#))?;
    let line: Value = serde_json::from_str(line).ok()?;
    let (from, to) =
        (seconds(container["State"]["StartedAt"].as_str()?)?, seconds(line["timestamp"].as_str()?)?);
    // Docker notes the start a moment after it. Midnight may lie between.
    Some(format!("{:.2} s", ((to - from + 43_200.0).rem_euclid(86_400.0) - 43_200.0).max(0.0)))
}

/// Seconds of the day in a time of RFC 3339 in UTC.
fn seconds(time: &str) -> Option<f64> {
    let mut parts =
        time.split_once('T')?.1.trim_end_matches('Z').split(':').map(|part| part.parse::<f64>().ok());
    Some(parts.next()?? * 3600.0 + parts.next()?? * 60.0 + parts.next()??)
}
