//! Sections that a service has no use for stop its start: what is set and does nothing is something that somebody relies on.
//! (Of `[edge]` and `[officer]` the listeners know, which refuse them where a service has no such API.)

use maily_proto::access::EDGES;

use crate::{config::Config, error::Error, start::About};

/// Refuses sections that this service would pass over.
///
/// # Errors
/// One sentence that names the first.
pub(crate) fn check<T>(about: About, config: &Config<T>) -> Result<(), Error> {
    if config.vault.is_some() && !about.root_keys {
        return Err(Error::new(format!("configuration: vault: {} keeps no keys in Vault", about.name)));
    }
    let calls = |peer: &str| EDGES.iter().any(|edge| edge.from == about.name && edge.to == peer);
    match config.peers.keys().find(|peer| !calls(peer)) {
        Some(peer) => Err(Error::new(format!("configuration: peers.{peer}: {} calls no {peer}", about.name))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERNAL: &str =
        "[internal]\nlisten = \"127.0.0.1:0\"\nca = \"a\"\ncertificate = \"c\"\nkey = \"k\"\n";
    const VAULT: &str = "[vault]\naddress = \"https://vault:8200\"\nrole = \"r\"\n";

    fn refused(name: &'static str, root_keys: bool, more: &str) -> Option<String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), format!("{INTERNAL}{more}")).unwrap();
        let config = crate::config::load::<()>(Some(file.path()), &[]).unwrap();
        let about = About { name, version: "0", about: "", root_keys };
        check(about, &config).err().map(|error| error.to_string())
    }

    #[test]
    fn only_who_keeps_keys_takes_a_vault() {
        assert_eq!(refused("storage", true, VAULT), None);
        assert_eq!(refused("inference", false, ""), None);
        let said = refused("inference", false, VAULT).unwrap();
        assert_eq!(said, "configuration: vault: inference keeps no keys in Vault");
    }

    #[test]
    fn a_peer_is_one_that_the_service_calls() {
        let of = |name, peer: &str| refused(name, false, &format!("[peers]\n{peer} = \"127.0.0.1:1\"\n"));
        for (name, peer, allowed) in [
            ("orchestrator", "storage", true),
            ("orchestrator", "inference", true),
            ("guardrails", "inference", true),
            ("guardrails", "inferense", false),
            ("guardrails", "storage", false),
            ("storage", "storage", false),
            ("compliance", "orchestrator", false),
        ] {
            let said = of(name, peer);
            assert_eq!(said.is_none(), allowed, "{name} {peer}: {said:?}");
            let expected = format!("configuration: peers.{peer}: {name} calls no {peer}");
            assert!(said.is_none_or(|said| said == expected));
        }
    }
}
