//! What a stack consists of: programs, configuration files, ports, certificates, in one data folder.

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use toml::{Table, Value};

use crate::{
    authority::Authority,
    cache,
    error::Error,
    files::{private_dir, write_private},
    ports,
    restate::Restate,
    secrets,
};

/// One of our services.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Service {
    /// Keeps objects.
    Storage,
    /// Decides who may be written to.
    Compliance,
    /// Checks what is written.
    Guardrails,
    /// Writes.
    Inference,
    /// Runs campaigns.
    Orchestrator,
}

impl Service {
    /// Every service, in the order they start.
    pub const ALL: [Self; 5] =
        [Self::Storage, Self::Compliance, Self::Guardrails, Self::Inference, Self::Orchestrator];

    /// Its name in certificates, addresses and programs (`maily-NAME`).
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Storage => "storage",
            Self::Compliance => "compliance",
            Self::Guardrails => "guardrails",
            Self::Inference => "inference",
            Self::Orchestrator => "orchestrator",
        }
    }
}

/// Where everything of a stack is. Made once per data folder; making it again changes nothing.
#[derive(Clone, Debug)]
pub struct Plan {
    data: PathBuf,
    programs: PathBuf,
    /// Programs that are not those of [`Self::programs`].
    others: BTreeMap<&'static str, PathBuf>,
    base: u16,
    model: PathBuf,
    settings: BTreeMap<&'static str, Vec<String>>,
}

impl Plan {
    /// A plan for a stack on this data folder, on the ports from `base` on.
    ///
    /// # Errors
    /// The folder can't be made.
    pub fn new(data: &Path, base: u16) -> Result<Self, Error> {
        private_dir(data)?;
        let data = fs::canonicalize(data).map_err(Error::file(data))?;
        let (programs, model) = (programs(), cache::model());
        Ok(Self { data, programs, others: BTreeMap::new(), base, model, settings: BTreeMap::new() })
    }

    /// Uses another checkpoint.
    #[must_use]
    pub fn model(mut self, model: PathBuf) -> Self {
        self.model = model;
        self
    }

    /// Has another program do the work of a service: it takes the same arguments and settings.
    #[must_use]
    pub fn with_program(mut self, service: Service, program: PathBuf) -> Self {
        self.others.insert(service.name(), program);
        self
    }

    /// Gives a service one more setting, `KEY=VALUE` as with its `--set`.
    #[must_use]
    pub fn set(mut self, service: Service, setting: &str) -> Self {
        self.settings.entry(service.name()).or_default().push(setting.to_owned());
        self
    }

    /// Writes certificates, keys and configuration files.
    ///
    /// # Errors
    /// A file can't be written.
    pub fn prepare(&self) -> Result<(), Error> {
        let authority = Authority::open(self.data.join("tls"))?;
        let edge = authority.edge(&[])?;
        secrets::ensure(&self.secrets())?;
        self.restate().prepare()?;
        for folder in ["config", "logs"] {
            private_dir(&self.data.join(folder))?;
        }
        for service in Service::ALL {
            let own = authority.service(service.name())?;
            let table = self.config(service, &authority.ca(), &own, &edge);
            write_private(&self.config_file(service), table.to_string().as_bytes())?;
        }
        Ok(())
    }

    /// The data folder.
    #[must_use]
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// The authority's certificate, for people's clients.
    #[must_use]
    pub fn ca(&self) -> PathBuf {
        self.data.join("tls/ca.pem")
    }

    /// Certificate and key files with which `service` calls others.
    #[must_use]
    pub fn pair(&self, service: Service) -> (PathBuf, PathBuf) {
        let file = |ending| self.data.join(format!("tls/{}.{ending}", service.name()));
        (file("pem"), file("key"))
    }

    /// The file with the key for the bearer-authenticated edge listeners.
    #[must_use]
    pub fn edge_key_file(&self) -> PathBuf {
        self.secrets().join("edge.key")
    }

    /// The key for the bearer-authenticated edge listeners.
    ///
    /// # Errors
    /// It can't be read.
    pub fn edge_key(&self) -> Result<String, Error> {
        secrets::read(&self.edge_key_file())
    }

    /// The file with the key for the officer listener.
    #[must_use]
    pub fn officer_key_file(&self) -> PathBuf {
        self.secrets().join("officer.key")
    }

    /// The key for the officer listener.
    ///
    /// # Errors
    /// It can't be read.
    pub fn officer_key(&self) -> Result<String, Error> {
        secrets::read(&self.officer_key_file())
    }

    /// The file with the S3 credentials of people's clients (`name = "local"`) and services.
    #[must_use]
    pub fn s3_credentials(&self) -> PathBuf {
        self.secrets().join("s3.toml")
    }

    /// `host:port` of a service's internal listener.
    #[must_use]
    pub fn internal(&self, service: Service) -> String {
        self.address(service, 0)
    }

    /// `host:port` of a service's edge listener.
    #[must_use]
    pub fn edge(&self, service: Service) -> String {
        self.address(service, 1)
    }

    /// `host:port` of the officer listener, which compliance has.
    #[must_use]
    pub fn officer(&self) -> String {
        self.behind_all(1)
    }

    /// `host:port` of a service's health listener.
    #[must_use]
    pub fn health(&self, service: Service) -> String {
        self.address(service, 2)
    }

    /// A service's log, or `restate`'s.
    #[must_use]
    pub fn log(&self, name: &str) -> PathBuf {
        self.data.join(format!("logs/{name}.log"))
    }

    /// The program of a service.
    #[must_use]
    pub fn program(&self, service: Service) -> PathBuf {
        let usual = || self.programs.join(format!("maily-{}", service.name()));
        self.others.get(service.name()).cloned().unwrap_or_else(usual)
    }

    /// The client that runs a campaign folder on this stack and puts report and mail into `out`.
    #[must_use]
    pub fn client(&self, campaign: &Path, out: &Path) -> Command {
        let mut client = Command::new(self.program(Service::Orchestrator));
        client.args(["campaign", "run", "--dir"]).arg(campaign).arg("--out").arg(out);
        client.args(["--url", &format!("https://{}", self.edge(Service::Orchestrator)), "--ca"]);
        client.arg(self.ca()).arg("--key-file").arg(self.edge_key_file());
        client
    }

    /// The privacy officer's command on this stack: `words` are what it is to do, such as `subject find -`.
    #[must_use]
    pub fn officer_command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(self.program(Service::Compliance));
        command.args(words).args(["--url", &format!("https://{}", self.officer()), "--ca"]);
        command.arg(self.ca()).arg("--key-file").arg(self.officer_key_file());
        command
    }

    /// A service's configuration file.
    #[must_use]
    pub fn config_file(&self, service: Service) -> PathBuf {
        self.data.join(format!("config/{}.toml", service.name()))
    }

    /// A service's command line after the program.
    pub(crate) fn arguments(&self, service: Service) -> Vec<String> {
        let mut arguments =
            vec!["--config".to_owned(), self.config_file(service).to_string_lossy().into_owned()];
        for setting in self.settings.get(service.name()).into_iter().flatten() {
            arguments.extend(["--set".to_owned(), setting.clone()]);
        }
        arguments
    }

    pub(crate) fn restate(&self) -> Restate {
        Restate::new(self.data.join("restate"))
    }

    /// Every port that the stack binds.
    pub(crate) fn ports(&self) -> impl Iterator<Item = u16> {
        self.base..=self.base + Service::ALL.len() as u16 * ports::EACH + 1
    }

    fn secrets(&self) -> PathBuf {
        self.data.join("secrets")
    }

    fn address(&self, service: Service, listener: u16) -> String {
        format!("127.0.0.1:{}", self.base + service as u16 * ports::EACH + listener)
    }

    /// `host:port` where Restate calls the orchestrator.
    #[must_use]
    pub fn endpoint(&self) -> String {
        self.behind_all(0)
    }

    /// An address behind those that each service has.
    fn behind_all(&self, number: u16) -> String {
        format!("127.0.0.1:{}", self.base + Service::ALL.len() as u16 * ports::EACH + number)
    }

    fn config(
        &self,
        service: Service,
        ca: &Path,
        own: &(PathBuf, PathBuf),
        edge: &(PathBuf, PathBuf),
    ) -> Table {
        let mut table = Table::new();
        table.insert("environment".into(), "dev".into());
        table.insert("data".into(), path(&self.data.join(service.name())));
        table.insert(
            "internal".into(),
            section([
                ("listen", self.internal(service).into()),
                ("ca", path(ca)),
                ("certificate", path(&own.0)),
                ("key", path(&own.1)),
            ]),
        );
        let for_clients = |listen: String, keys: &str| {
            section([
                ("listen", listen.into()),
                ("certificate", path(&edge.0)),
                ("key", path(&edge.1)),
                ("keys", path(&self.secrets().join(keys))),
                ("requests_per_second", 2000.into()),
            ])
        };
        table.insert("edge".into(), for_clients(self.edge(service), "edge.hashes"));
        if service == Service::Compliance {
            table.insert("officer".into(), for_clients(self.officer(), "officer.hashes"));
        }
        table.insert("health".into(), section([("listen", self.health(service).into())]));
        let called: &[Service] = match service {
            Service::Orchestrator => {
                &[Service::Storage, Service::Compliance, Service::Guardrails, Service::Inference]
            }
            Service::Guardrails => &[Service::Inference],
            Service::Storage | Service::Compliance | Service::Inference => &[],
        };
        let peers = called.iter().map(|peer| (peer.name(), Value::from(self.internal(*peer))));
        table.insert("peers".into(), section(peers));
        table.insert("service".into(), self.own(service));
        table
    }

    /// A service's own section.
    fn own(&self, service: Service) -> Value {
        match service {
            Service::Storage => section([("credentials", path(&self.s3_credentials()))]),
            Service::Compliance => section([("keyring", path(&self.data.join("compliance/keyring.json")))]),
            Service::Guardrails => section([]),
            Service::Inference => section([("model", path(&self.model))]),
            Service::Orchestrator => {
                let restate = self.restate();
                let unix = |socket: PathBuf| Value::from(format!("unix:{}", socket.display()));
                section([
                    ("restate_ingress", unix(restate.ingress())),
                    ("restate_admin", unix(restate.admin())),
                    ("endpoint", self.endpoint().into()),
                    ("identity_key", path(&restate.public_key())),
                    ("credentials", path(&self.secrets().join("s3-orchestrator.toml"))),
                ])
            }
        }
    }
}

fn section<'a>(pairs: impl IntoIterator<Item = (&'a str, Value)>) -> Value {
    Value::Table(pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}

fn path(path: &Path) -> Value {
    path.to_string_lossy().into_owned().into()
}

/// Where cargo puts programs: beside this one, or one up for tests and benches.
pub(crate) fn programs() -> PathBuf {
    let own = env::current_exe().unwrap_or_default();
    let dir = own.parent().unwrap_or(Path::new("."));
    match dir.ends_with("deps") || dir.ends_with("examples") {
        true => dir.parent().unwrap_or(dir).to_owned(),
        false => dir.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn compliance_alone_has_the_officers_listener_and_its_key_is_no_clients() {
        let dir = tempfile::tempdir().unwrap();
        let plan = Plan::new(dir.path(), 20_000).unwrap();
        plan.prepare().unwrap();
        for service in Service::ALL {
            let text = fs::read_to_string(plan.config_file(service)).unwrap();
            let config: Table = text.parse().unwrap();
            let officer = config.get("officer").map(|officer| officer["listen"].as_str().unwrap().to_owned());
            assert_eq!(
                officer,
                (service == Service::Compliance).then(|| plan.officer()),
                "{}",
                service.name()
            );
        }
        assert_ne!(plan.officer_key().unwrap(), plan.edge_key().unwrap());
        let mode = fs::metadata(plan.officer_key_file()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let port: u16 = plan.officer().rsplit_once(':').unwrap().1.parse().unwrap();
        assert_eq!(plan.ports().last(), Some(port));
    }
}
