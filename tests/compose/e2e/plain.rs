//! docker/compose as a developer finds it, with a store for backups; and `scripts/` on it.

use std::path::{Path, PathBuf};

use maily_compose_tests::{
    images::Images,
    project::{Program, Project},
    stand_ins::StandIns,
};
use maily_testkit::cache;
use maily_tests::{
    check_all, mail,
    report::{assert_balanced, assert_nothing_blocked, count},
    say,
};
use serde_json::Value;

use crate::{locked, scripts};

/// Our five, Restate, and the store.
const SERVICES: usize = 7;

pub(crate) struct Plain {
    pub(crate) project: Project,
    /// What the campaign wrote.
    pub(crate) out: PathBuf,
    _stand_ins: StandIns,
    _images: Images,
}

pub(crate) fn compose(_: &mut Images) {
    let tag = format!("built-{}", std::process::id());
    let context = cache::dir().join("images/context");
    let settings = [
        ("COMPOSE_PROFILES", "s3"),
        ("MAILY_BUILD_CONTEXT", &*context.to_string_lossy()),
        ("MAILY_BINARIES", "prebuilt"),
    ];
    let project = Project::new(Program::Standalone, "plain", &tag, &settings);
    project.compose(&["build"]);
    let images = Images::built(&tag);
    let stand_ins = StandIns::ensure(&project.images());
    project.up();
    let out = project.campaign("out");
    let mut plain = Plain { project, out, _stand_ins: stand_ins, _images: images };
    check_all(
        &mut plain,
        &[
            ("every container is healthy, locked and local", |plain| locked::check(&plain.project, SERVICES)),
            ("the sample campaign is done", |plain| finished(&plain.out)),
            ("shellcheck finds nothing, and every script says how it is used", scripts::say_how),
            ("a model store takes what is whole, once", scripts::model_store),
            ("a diagnosis holds no secret and no address", scripts::diagnose),
            ("what was backed up comes back", scripts::back_up_and_restore),
            ("new certificates and new keys", scripts::rotate),
        ],
    );
    plain.project.down(true);
    assert_eq!(plain.project.left(), Vec::<String>::new(), "something is left");
}

/// The sample's report: each of its rows accounted for.
pub(crate) fn finished(out: &Path) {
    let report: Value = serde_json::from_slice(&std::fs::read(out.join("report.json")).unwrap()).unwrap();
    let excluded: u64 = report["excluded"].as_object().unwrap().values().filter_map(Value::as_u64).sum();
    assert_eq!((count(&report, &["rows"]), count(&report, &["written"]), excluded), (217, 175, 42));
    assert_balanced(&report);
    assert_nothing_blocked(&report);
    assert_eq!(mail::read(out).values().map(Vec::len).sum::<usize>(), 175);
    say(format_args!("217 rows, 175 written, 42 excluded; timings {}", report["timings"]));
}
