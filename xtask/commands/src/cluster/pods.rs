//! What runs in the cluster before anything of ours: DNS, volumes. And how images get in without a registry.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use super::{
    layout::{DNS, Layout, NODE},
    node::{ctr, ctr_command, wait_ready},
};
use crate::{
    kubectl::Kubectl,
    shell::{Result, output, run, say},
};

/// The image that holds a pod's namespaces.
pub(super) const PAUSE: &str = "docker.io/maily/pause:1";
const COREDNS: &str = "docker.io/maily/coredns:1";
/// Local volumes: more than a deployment of ours claims, so that a second one finds its own.
const VOLUMES: usize = 12;

/// Applies DNS and volumes and waits until pods can be placed.
pub(super) fn prepare(layout: &Layout) -> Result<()> {
    let kubectl = Kubectl::cluster(layout);
    kubectl.apply(&include_str!("coredns.yaml").replace("${DNS}", DNS).replace("${IMAGE}", COREDNS))?;
    offer_volumes(layout)?;
    wait_ready(layout)?;
    kubectl.run(&["-n", "kube-system", "rollout", "status", "deployment/coredns", "--timeout=120s"])
}

/// Volumes on this machine's disk. One whose claim is gone is emptied and offered again.
pub(crate) fn offer_volumes(layout: &Layout) -> Result<()> {
    let kubectl = Kubectl::cluster(layout);
    let listed: Value = serde_json::from_str(&kubectl.output(&["get", "persistentvolumes", "-o", "json"])?)
        .map_err(|error| format!("kubectl get persistentvolumes: {error}"))?;
    for volume in listed["items"].as_array().into_iter().flatten() {
        if let (Some("Released" | "Failed"), Some(name)) =
            (volume["status"]["phase"].as_str(), volume["metadata"]["name"].as_str())
        {
            kubectl.run(&["delete", "persistentvolume", name])?;
            let folder = layout.file(&format!("volumes/{name}"));
            fs::remove_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        }
    }
    let mut items = vec![storage_class()];
    for number in 1..=VOLUMES {
        let name = format!("local-{number}");
        let folder = layout.file(&format!("volumes/{name}"));
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        items.push(volume(&name, &folder));
    }
    kubectl.apply(&json!({ "apiVersion": "v1", "kind": "List", "items": items }).to_string())
}

fn storage_class() -> Value {
    json!({
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {
            "name": "local",
            "annotations": { "storageclass.kubernetes.io/is-default-class": "true" },
        },
        "provisioner": "kubernetes.io/no-provisioner",
        "volumeBindingMode": "WaitForFirstConsumer",
    })
}

fn volume(name: &str, folder: &Path) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": { "name": name },
        "spec": {
            "capacity": { "storage": "64Gi" },
            "accessModes": ["ReadWriteOnce"],
            "persistentVolumeReclaimPolicy": "Retain",
            "storageClassName": "local",
            "local": { "path": folder.to_string_lossy() },
            "nodeAffinity": { "required": { "nodeSelectorTerms": [{ "matchExpressions": [
                { "key": "kubernetes.io/hostname", "operator": "In", "values": [NODE] },
            ]}]}},
        },
    })
}

/// Puts the cluster's own two images in: one static program each.
pub(super) fn import_own(layout: &Layout) -> Result<()> {
    let have = ctr(layout, &["images", "list", "--quiet"])?;
    for (image, program) in [(PAUSE, "pause"), (COREDNS, "coredns")] {
        if !have.lines().any(|line| line == image) {
            let archive = archive(layout, image, program)?;
            ctr(layout, &["images", "import", &archive.to_string_lossy()])?;
        }
    }
    Ok(())
}

/// Copies images from Docker, all in one stream, so that shared layers go once; one that is in already is left out.
pub(crate) fn load(layout: &Layout, images: &[String]) -> Result<()> {
    let docker = maily_testkit::docker::client()?;
    let mut missing = Vec::new();
    for image in images {
        let mut inspect = Command::new(&docker);
        let id = output(inspect.args(["image", "inspect", "--format", "{{.Id}}", image]))
            .map_err(|error| format!("{error}; `cargo xtask images` builds the images"))?;
        if !loaded(layout, image, id.trim()) {
            missing.push((image, id.trim().to_owned()));
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    for (image, _) in &missing {
        say(&format!("  loading {image}"));
    }
    let names = missing.iter().map(|(image, _)| image.as_str());
    stream(layout, Command::new(&docker).arg("save").args(names))?;
    missing.iter().try_for_each(|(image, id)| note(layout, image, id))
}

/// Gives containerd what `docker save` writes.
fn stream(layout: &Layout, save: &mut Command) -> Result<()> {
    let mut save = save.stdout(Stdio::piped()).spawn().map_err(|error| format!("docker save: {error}"))?;
    let Some(pipe) = save.stdout.take() else { return Err("docker save: no output".to_owned()) };
    let imported = run(ctr_command(layout).args(["images", "import", "-"]).stdin(pipe).stdout(Stdio::null()));
    let saved = save.wait().map_err(|error| format!("docker save: {error}"))?;
    imported?;
    if saved.success() { Ok(()) } else { Err(format!("docker save failed ({saved})")) }
}

fn note(layout: &Layout, image: &str, id: &str) -> Result<()> {
    let mark = layout.file(&mark(image));
    let kept = mark.parent().map(fs::create_dir_all).transpose().and_then(|_| fs::write(&mark, id));
    kept.map_err(|error| format!("{}: {error}", mark.display()))
}

/// Whether containerd has this image with the content that Docker has.
fn loaded(layout: &Layout, image: &str, id: &str) -> bool {
    let noted = fs::read_to_string(layout.file(&mark(image))).is_ok_and(|noted| noted == id);
    let full = if image.split('/').next().is_some_and(|host| host.contains('.')) {
        image.to_owned()
    } else {
        format!("docker.io/{image}")
    };
    noted
        && ctr(layout, &["images", "list", "--quiet"]).is_ok_and(|list| list.lines().any(|line| line == full))
}

fn mark(image: &str) -> String {
    format!("loaded/{}", image.replace(['/', ':'], "_"))
}

/// An image of one program, in the form of `docker save`.
fn archive(layout: &Layout, image: &str, program: &str) -> Result<std::path::PathBuf> {
    let folder = layout.file(&format!("images/{program}"));
    let fault = |error: std::io::Error| format!("{}: {error}", folder.display());
    fs::create_dir_all(folder.join("root")).map_err(fault)?;
    fs::copy(layout.bin().join(program), folder.join("root").join(program)).map_err(fault)?;
    tar(&folder.join("root"), &folder.join("layer.tar"), &[program])?;
    let layer = crate::fetch::sha256(&folder.join("layer.tar"))?;
    let config = json!({
        "architecture": if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" },
        "os": "linux",
        "config": { "Entrypoint": [format!("/{program}")], "User": "65532:65532" },
        "rootfs": { "type": "layers", "diff_ids": [format!("sha256:{layer}")] },
    });
    let manifest = json!([{ "Config": "config.json", "RepoTags": [image], "Layers": ["layer.tar"] }]);
    fs::write(folder.join("config.json"), config.to_string()).map_err(fault)?;
    fs::write(folder.join("manifest.json"), manifest.to_string()).map_err(fault)?;
    let archive = folder.join("image.tar");
    tar(&folder, &archive, &["manifest.json", "config.json", "layer.tar"])?;
    Ok(archive)
}

fn tar(folder: &Path, archive: &Path, files: &[&str]) -> Result<()> {
    let mut tar = Command::new("tar");
    tar.args(["--owner=0", "--group=0", "--mtime=@0", "-cf"]).arg(archive).arg("-C").arg(folder).args(files);
    run(&mut tar)
}
