//! `cargo xtask images --push`, to a real registry.

use maily_compose_tests::{docker, registry::Registry, xtask, xtask_said};

use crate::images;

#[test]
fn what_is_pulled_from_a_registry_is_what_was_pushed() {
    let (_lease, images) = images();
    let registry = Registry::start();
    let team = format!("{}/team", registry.name());
    let reference = format!("{team}/{}", images.reference("guardrails"));
    let said = xtask(&["images", "guardrails", "--tag", images.tag(), "--push", &format!("{team}/")]);
    assert!(said.out.contains(&reference), "{}", said.all());
    let id = || docker::ask(&["image", "inspect", "--format", "{{.Id}}", &reference]);
    let _ = docker::ask(&["image", "rm", &reference]);
    assert!(!docker::attempt(&["image", "inspect", &reference]).ok());
    let _ = docker::ask(&["pull", "--quiet", &reference]);
    assert_eq!(id(), images.id("guardrails"));
    let _ = docker::ask(&["image", "rm", &reference]);

    let nowhere = registry.name();
    drop(registry);
    let said = xtask_said(&["images", "guardrails", "--tag", images.tag(), "--push", &nowhere]);
    assert!(said.code == Some(1) && said.err.contains("push"), "{}", said.all());
    let _ = docker::ask(&["image", "rm", &format!("{nowhere}/{}", images.reference("guardrails"))]);
}
