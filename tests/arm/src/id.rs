//! Resource ids: case-insensitive paths of types and names.

use aws_lc_rs::digest;
use uuid::Builder;

/// One resource's or one collection's path.
#[derive(Clone, Debug)]
pub(crate) struct Id {
    /// As it was asked for.
    pub(crate) path: String,
    /// In lower case: what it is found by.
    pub(crate) key: String,
}

impl Id {
    pub(crate) fn new(path: &str) -> Self {
        let path = path.trim_end_matches('/').replace("//", "/");
        Self { key: path.to_ascii_lowercase(), path }
    }

    fn segments(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.path.split('/').filter(|segment| !segment.is_empty())
    }

    /// Its last segment.
    pub(crate) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    /// `Microsoft.Network/virtualNetworks/subnets`, from the segments behind the last `providers`.
    pub(crate) fn kind(&self) -> String {
        let mut tail: Vec<&str> = Vec::new();
        for segment in self.segments().rev() {
            if segment.eq_ignore_ascii_case("providers") {
                tail.reverse();
                let namespace = tail.first().copied().unwrap_or_default();
                let types = tail.iter().skip(1).step_by(2).copied();
                return std::iter::once(namespace).chain(types).collect::<Vec<_>>().join("/");
            }
            tail.push(segment);
        }
        "Microsoft.Resources/resourceGroups".to_owned()
    }

    /// Whether it names all resources of a type rather than one.
    pub(crate) fn is_collection(&self) -> bool {
        let behind = self.segments().rev().take_while(|segment| !segment.eq_ignore_ascii_case("providers"));
        match self.key.contains("/providers/") {
            true => behind.count() % 2 == 0,
            false => self.segments().count() % 2 == 1,
        }
    }

    /// Where an extension (a role assignment, a lock, a diagnostic setting) is attached.
    pub(crate) fn scope(&self) -> &str {
        self.key.rfind("/providers/").and_then(|at| self.path.get(..at)).unwrap_or_default()
    }

    /// The resource that this one is a part of.
    pub(crate) fn parent(&self) -> Self {
        let above = self.path.rsplitn(3, '/').nth(2).unwrap_or_default();
        Self::new(above)
    }
}

/// An identifier that is always the same for the same text.
pub(crate) fn stable_uuid(text: &str) -> String {
    let digest = digest::digest(&digest::SHA256, text.as_bytes());
    let bytes = digest.as_ref().first_chunk::<16>().copied().unwrap_or_default();
    Builder::from_random_bytes(bytes).into_uuid().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUBNET: &str =
        "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v/subnets/a";

    #[test]
    fn reads_an_id() {
        let id = Id::new(SUBNET);
        assert_eq!(id.kind(), "Microsoft.Network/virtualNetworks/subnets");
        assert_eq!(id.name(), "a");
        assert!(!id.is_collection());
        assert!(Id::new(SUBNET.trim_end_matches("/a")).is_collection());
        assert_eq!(id.parent().kind(), "Microsoft.Network/virtualNetworks");
        let lock = Id::new(&format!("{SUBNET}/providers/Microsoft.Authorization/locks/l"));
        assert_eq!(lock.scope(), SUBNET);
        assert_eq!(lock.kind(), "Microsoft.Authorization/locks");
    }

    #[test]
    fn a_group_is_a_resource_and_groups_are_a_collection() {
        assert!(!Id::new("/subscriptions/s/resourceGroups/g").is_collection());
        assert!(Id::new("/subscriptions/s/resourceGroups").is_collection());
        assert_eq!(Id::new("/subscriptions/s/resourceGroups/g").kind(), "Microsoft.Resources/resourceGroups");
    }
}
