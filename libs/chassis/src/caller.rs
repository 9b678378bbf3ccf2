//! Who makes a request, as what is shared fairly counts them.

use std::{convert::Infallible, fmt};

use axum::extract::FromRequestParts;
use http::{Extensions, request::Parts};

use crate::shares::Payer;

/// Who calls, as far as it is proven: a key, a service, or an address. Two requests of the same are equal.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Caller(Payer);

impl Caller {
    /// Who makes the request that has these extensions.
    #[must_use]
    pub fn of(extensions: &Extensions) -> Self {
        Self(Payer::of(extensions))
    }
}

/// Without an address, which may be a person's.
impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Caller(..)")
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.extensions))
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use axum::extract::ConnectInfo;

    use super::*;
    use crate::internal::Peer;

    #[test]
    fn a_key_goes_before_a_certificate_and_that_before_an_address() {
        let mut extensions = Extensions::new();
        let nobody = Caller::of(&extensions);
        extensions.insert(ConnectInfo(SocketAddr::from(([10, 0, 0, 1], 9))));
        let address = Caller::of(&extensions);
        extensions.insert(Peer("orchestrator".into()));
        let service = Caller::of(&extensions);
        extensions.insert(Payer::key("orchestrator"));
        let key = Caller::of(&extensions);
        let all = [nobody, address, service, key];
        let distinct: std::collections::HashSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
        assert_eq!(Caller::of(&extensions), all[3]);
        assert_eq!(format!("{:?}", all[1]), "Caller(..)");
    }
}
