//! The table of who may call what on the internal listeners: deny by default.

/// One allowed kind of call between two services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// The calling service, as its certificate names it.
    pub from: &'static str,
    /// The called service.
    pub to: &'static str,
    /// Prefix of the request path that the caller may use; it ends in `/`.
    pub path: &'static str,
    /// Why the edge exists.
    pub why: &'static str,
}

/// Every allowed call inside Maily. What is not here is refused with 403 or `PERMISSION_DENIED`.
pub const EDGES: &[Edge] = &[
    Edge {
        from: "orchestrator",
        to: "compliance",
        path: "/maily.compliance.v1.Compliance/",
        why: "imports lists, reads pages of recipients and hands messages off",
    },
    Edge {
        from: "orchestrator",
        to: "guardrails",
        path: "/maily.guardrails.v1.Guardrails/",
        why: "checks briefs and drafts",
    },
    Edge { from: "orchestrator", to: "inference", path: "/v1/", why: "has copy written" },
    Edge { from: "orchestrator", to: "storage", path: "/", why: "keeps drafts and sealed messages (S3)" },
    Edge { from: "guardrails", to: "inference", path: "/v1/", why: "asks the judge model of self checks" },
];

/// Whether `from` may send a request with this path to `to`.
#[must_use]
pub fn allowed(from: &str, to: &str, path: &str) -> bool {
    EDGES.iter().any(|edge| edge.from == from && edge.to == to && path.starts_with(edge.path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_table_is_allowed() {
        assert!(allowed("orchestrator", "compliance", "/maily.compliance.v1.Compliance/HandOff"));
        assert!(!allowed("guardrails", "compliance", "/maily.compliance.v1.Compliance/HandOff"));
        assert!(!allowed("orchestrator", "compliance", "/maily.compliance.v1.Compliance"));
        assert!(!allowed("orchestrator", "orchestrator", "/"));
        assert!(!allowed("", "storage", "/"));
    }

    #[test]
    fn every_prefix_ends_in_a_slash() {
        // Otherwise `/v1` would also allow `/v10`.
        assert!(EDGES.iter().all(|edge| edge.path.starts_with('/') && edge.path.ends_with('/')));
    }
}
