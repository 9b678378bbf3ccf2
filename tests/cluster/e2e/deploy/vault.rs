//! The platform with no key of its own: Vault's agent brings certificates and keys into each pod, root keys are in Transit.
//! What an operator does is what the two operators' pages say.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use maily_cluster_tests::{cluster::Cluster, overlay, root, run, xtask};
use maily_compose_tests::stand_ins::StandIns;
use maily_testkit::{Vault, cache};
use maily_tests::say;
use serde_json::{Value, json};

use crate::{ROLLOUT, SERVICES, Shared, campaign::table, deploy, destroy};

const NAMESPACE: &str = "vault";
/// Lets Vault ask the API server about pods' tokens.
const REVIEWER: &str = "maily-test-vault";
const PAGES: [&str; 2] = ["libs/keys/vault", "k8s/components/vault"];

/// After what needs dev as it is: here it begins with nothing, and in the end nothing is left.
#[test]
fn with_vault_its_agent_brings_certificates_and_keys_and_the_campaign_is_the_same() {
    let shared = Shared::as_it_is();
    let cluster = &shared.cluster;
    // What was written under another root key could not be read.
    destroy();
    let _ = deploy(&["--only", "preflight,push,secrets"]).ok();
    let vault = Vault::start_at(&cluster.path("vault"), cluster.host(), &["vault.vault".to_owned()]).unwrap();
    enter(cluster, &vault);
    let operator = Operator::new(cluster, &vault);
    let commands: usize = PAGES.iter().map(|page| operator.follow(&root().join(page))).sum();
    say(format_args!("{commands} commands of the operators' pages were run"));

    let image = format!("hashicorp/vault:1.21.1-{}", digest(&cache::vault()));
    let _stand_in = StandIns::ensure(std::slice::from_ref(&image));
    let _ = xtask(&["cluster", "load", &image]).ok();
    let folder = with_component(cluster, &image);
    let said = deploy(&["--from", "diff", "--overlay", folder.to_str().unwrap()]).ok();
    assert_eq!(table(&said), shared.dev.smoke, "the campaign's report changed: {said}");
    no_secret_is_mounted(cluster);

    destroy();
    for object in [["namespace", NAMESPACE], ["clusterrolebinding", REVIEWER]] {
        let _ = cluster.kubectl(&[&["delete"], &object[..]].concat()).ok();
    }
}

/// Puts Vault where the manifests look for it, with an account that may review tokens.
fn enter(cluster: &Cluster, vault: &Vault) {
    cluster.lead(NAMESPACE, "vault", 8200, vault.socket().port());
    let account = json!({ "name": "vault", "namespace": NAMESPACE });
    let subject = json!({ "kind": "ServiceAccount", "name": "vault", "namespace": NAMESPACE });
    let group = "rbac.authorization.k8s.io";
    cluster.apply(&[
        json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": account }),
        json!({
            "apiVersion": format!("{group}/v1"),
            "kind": "ClusterRoleBinding",
            "metadata": { "name": REVIEWER },
            "roleRef": { "apiGroup": group, "kind": "ClusterRole", "name": "system:auth-delegator" },
            "subjects": [subject],
        }),
    ]);
}

/// Who tells Vault what the pages say. The files are those that `deploy dev` has made.
struct Operator<'a> {
    cluster: &'a Cluster,
    vault: &'a Vault,
    /// What a Vault outside of the cluster is told about it.
    outside: [String; 4],
}

impl<'a> Operator<'a> {
    fn new(cluster: &'a Cluster, vault: &'a Vault) -> Self {
        let token = cluster.kubectl(&["-n", NAMESPACE, "create", "token", "vault", "--duration=1h"]).ok();
        let authority = fs::read_to_string(cluster.config("certificate-authority")).unwrap();
        let outside = [
            format!("kubernetes_host={}", cluster.config("server")),
            format!("kubernetes_ca_cert={authority}"),
            format!("token_reviewer_jwt={}", token.trim()),
            "disable_local_ca_jwt=true".to_owned(),
        ];
        Self { cluster, vault, outside }
    }

    /// Runs the commands of the page in a folder; answers how many.
    fn follow(&self, folder: &Path) -> usize {
        let page = fs::read_to_string(folder.join("README.md")).unwrap().replace("\\\n", " ");
        // The other way to log in is for processes that are no pods.
        let lines = page.lines().take_while(|line| !line.starts_with("or by a role id"));
        let commands: Vec<&str> = lines.filter(|line| line.starts_with("    ")).map(str::trim).collect();
        let mut done = 0;
        for command in commands {
            let services: &[&str] = match command.contains("SERVICE") {
                false => &[""],
                true if folder.ends_with("keys/vault") => &["storage", "compliance"],
                true => &SERVICES,
            };
            for service in services {
                done += usize::from(self.run(&command.replace("SERVICE", service), folder, service));
            }
        }
        done
    }

    /// Whether this was a command of ours.
    fn run(&self, command: &str, folder: &Path, service: &str) -> bool {
        if let Some(kubectl) = command.strip_prefix("kubectl ") {
            let ca = format!("--from-file=ca.pem={}", self.vault.ca().display());
            let words = kubectl.split_whitespace();
            let words: Vec<&str> =
                words.map(|word| if word == "--from-file=ca.pem" { &ca } else { word }).collect();
            let _ = self.cluster.kubectl(&words).ok();
            return true;
        }
        let Some(command) = command.strip_prefix("vault ") else { return false };
        let mut words: Vec<&str> = command.split_whitespace().collect();
        if words.contains(&"auth/kubernetes/config") {
            words.retain(|word| !word.starts_with("kubernetes_host="));
            words.extend(self.outside.iter().map(String::as_str));
        }
        if words == ["auth", "enable", "kubernetes"]
            && self.vault.operate("GET", "auth/kubernetes/config", &Value::Null).unwrap().0 == 200
        {
            // Both pages have it.
            return true;
        }
        let done = self.vault.command(&words, &|name| self.file(name, folder, service));
        done.unwrap_or_else(|error| panic!("vault {command}: {error}"));
        true
    }

    /// A file that a command names: a policy beside the page, or what is in a service's Secret.
    fn file(&self, name: &str, folder: &Path, service: &str) -> String {
        if name.ends_with(".hcl") {
            return fs::read_to_string(folder.join(name)).unwrap().replace("SERVICE", service);
        }
        let (secret, key) = match name.split_once('/') {
            Some((service, key)) => (format!("{service}-secrets"), key),
            None if name == "identity.pem" => ("restate-identity".to_owned(), name),
            None if name == "identity.pub.pem" => ("orchestrator-secrets".to_owned(), name),
            None => (format!("{service}-secrets"), name),
        };
        self.cluster.secret(&secret, key)
    }
}

/// dev, with the component that staging and prod have, as an installation would name the agent's image.
fn with_component(cluster: &Cluster, image: &str) -> PathBuf {
    let folder = cluster.path("with-vault");
    fs::create_dir_all(&folder).unwrap();
    let way = |to: &Path| overlay::relative(&folder, to).display().to_string();
    let (_, tag) = image.rsplit_once(':').unwrap();
    let text = json!({
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": [way(&overlay::dev())],
        "components": [way(&root().join("k8s/components/vault"))],
        "images": [{ "name": "hashicorp/vault", "newTag": tag }],
    });
    fs::write(folder.join("kustomization.yaml"), text.to_string()).unwrap();
    folder
}

/// Nothing of what `deploy dev` made is in a pod of ours; each agent has done its work, and what it wrote serves.
fn no_secret_is_mounted(cluster: &Cluster) {
    cluster.settle(ROLLOUT);
    let pods = cluster.pods();
    for service in SERVICES {
        let (name, pod) = pods.iter().find(|(name, _)| name.starts_with(service)).expect(service);
        let volumes = pod["spec"]["volumes"].as_array().unwrap();
        assert!(
            volumes.iter().all(|volume| volume["secret"].is_null() || volume["name"] == "redis"),
            "{name}: {volumes:?}"
        );
        let statuses = pod["status"]["initContainerStatuses"].as_array().unwrap();
        assert_eq!(
            statuses[0]["name"], "vault-agent",
            "{name}: something starts before its secrets are there"
        );
        assert_eq!(statuses[0]["state"]["terminated"]["exitCode"], 0, "{name}");
    }
}

/// Twelve hexadecimal digits, as our admission policies want them in a tag.
fn digest(program: &Path) -> String {
    let sum = run(Command::new("sha256sum").arg(program)).ok();
    sum.split_at(12).0.to_owned()
}
