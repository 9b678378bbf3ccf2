//! The gate of the edge listener and of the officer's: bearer keys kept as hashes, and rate limits.

use std::{fmt, net::SocketAddr, path::Path, sync::Arc};

use axum::{
    extract::{ConnectInfo, Request, State},
    http::{HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

use crate::{error::Error, places, problem::Problem, proxies::Proxies, rate::Rate};

/// Who checks the callers of an edge listener.
#[derive(Clone, Debug)]
pub enum EdgeAuth {
    /// The chassis: `Authorization: Bearer KEY`.
    Bearer,
    /// The service itself, by the emulated API's own means (SigV4, signed links).
    Own,
    /// The service itself, as `Own`; above the rate this is answered, in the emulated API's own words.
    OwnThrottled(fn() -> Response),
    /// The service itself; what it vouches for is not counted, so that no junk from the same address can shut it out.
    Vouched(Vouch),
}

/// Tells requests that are authentic by their head, at little cost, from others.
#[derive(Clone)]
pub struct Vouch(Arc<dyn Fn(&Request) -> bool + Send + Sync>);

impl Vouch {
    /// `authentic` decides; it has to be cheap and must not wait.
    pub fn new(authentic: impl Fn(&Request) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(authentic))
    }
}

impl fmt::Debug for Vouch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vouch(..)")
    }
}

/// The name of the key that a request was sent with; an extension under [`EdgeAuth::Bearer`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EdgeCaller(pub String);

/// The line of a keys file for this key: `name:hex SHA-256`.
#[must_use]
pub fn key_hash(name: &str, key: &str) -> String {
    format!("{name}:{}", hex::encode(digest(key)))
}

fn digest(key: &str) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, key.as_bytes()).as_ref());
    hash
}

/// The accepted bearer keys, as hashes.
#[derive(Clone, Debug, Default)]
pub struct KeyHashes(Arc<Vec<(String, [u8; 32])>>);

impl KeyHashes {
    /// Reads a file of `name:hex SHA-256` lines.
    ///
    /// # Errors
    /// An unreadable file or a line of another form.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| Error::new(format!("cannot read {}: {error}", path.display())))?;
        let mut keys = Vec::new();
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let parsed = line.trim().split_once(':').and_then(|(name, hash)| {
                let mut bytes = [0; 32];
                hex::decode_to_slice(hash, &mut bytes).ok().map(|()| (name.to_owned(), bytes))
            });
            keys.push(parsed.ok_or_else(|| {
                Error::new(format!("{}:{}: expected NAME:HEX-SHA256", path.display(), number + 1))
            })?);
        }
        Ok(Self(Arc::new(keys)))
    }

    /// The name of this key. Takes the same time for a right, a wrong and a missing key: every hash is
    /// compared, in constant time.
    #[must_use]
    pub fn find(&self, key: &str) -> Option<&str> {
        self.find_by(key, |known, hash| known.ct_eq(hash))
    }

    /// The name that a key has here which is among the others, too.
    pub(crate) fn shared_with(&self, others: &Self) -> Option<&str> {
        let among = |hash: &[u8; 32]| others.0.iter().any(|(_, other)| other == hash);
        self.0.iter().find(|(_, hash)| among(hash)).map(|(name, _)| name.as_str())
    }

    fn find_by(&self, key: &str, mut equal: impl FnMut(&[u8; 32], &[u8; 32]) -> Choice) -> Option<&str> {
        let hash = digest(key);
        let mut found = u32::MAX;
        for (index, (_, known)) in self.0.iter().enumerate() {
            let equal = equal(known, &hash);
            found.conditional_assign(&u32::try_from(index).unwrap_or(u32::MAX), equal);
        }
        self.0.get(usize::try_from(found).ok()?).map(|(name, _)| name.as_str())
    }
}

/// The state of the gate.
pub(crate) struct Gate {
    auth: EdgeAuth,
    keys: KeyHashes,
    rate: Rate,
    proxies: Proxies,
}

/// Who a request is counted for, and what becomes of it within the limit.
struct Verdict {
    counted_as: Option<String>,
    then: Result<Option<EdgeCaller>, Problem>,
}

impl Gate {
    pub(crate) fn new(auth: EdgeAuth, keys: KeyHashes, rate: Rate) -> Self {
        Self { auth, keys, rate, proxies: Proxies::default() }
    }

    /// Requests that come through these are counted for whom they are forwarded for.
    pub(crate) fn behind(self, proxies: Proxies) -> Self {
        Self { proxies, ..self }
    }

    /// Drops the counters of callers that have been quiet, so that the table stays small.
    pub(crate) fn tidy(&self) {
        self.rate.tidy();
    }

    fn judge(&self, request: &Request) -> Verdict {
        let address = request.extensions().get::<ConnectInfo<SocketAddr>>();
        let client = address.map(|info| self.proxies.client(info.0.ip(), request.headers()));
        let by_address = client.map(|client| format!("address {}", places::client(client)));
        match &self.auth {
            EdgeAuth::Own | EdgeAuth::OwnThrottled(_) => {
                return Verdict { counted_as: by_address, then: Ok(None) };
            }
            EdgeAuth::Vouched(vouch) => {
                let counted_as = if (vouch.0)(request) { None } else { by_address };
                return Verdict { counted_as, then: Ok(None) };
            }
            EdgeAuth::Bearer => {}
        }
        match self.keys.find(bearer(request)) {
            Some(name) => Verdict {
                counted_as: Some(format!("key {name}")),
                then: Ok(Some(EdgeCaller(name.to_owned()))),
            },
            None => Verdict { counted_as: by_address, then: Err(unauthorised()) },
        }
    }

    async fn admit(&self, verdict: Verdict) -> Result<Option<EdgeCaller>, Problem> {
        match &verdict.counted_as {
            Some(caller) if !self.rate.admits(caller).await => Err(too_many()),
            _ => verdict.then,
        }
    }
}

fn unauthorised() -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "a valid key is needed: Authorization: Bearer KEY")
}

fn too_many() -> Problem {
    Problem::new(StatusCode::TOO_MANY_REQUESTS, "too many requests").retry_after(1)
}

/// The key of a request; a missing one is as good as a wrong one.
fn bearer(request: &Request) -> &str {
    let value = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    value
        .and_then(|value| value.split_once(' '))
        .map_or("", |(scheme, key)| if scheme.eq_ignore_ascii_case("bearer") { key.trim() } else { "" })
}

/// Lets a request of a known key through, at its rate.
pub(crate) async fn admit(State(gate): State<Arc<Gate>>, mut request: Request, next: Next) -> Response {
    let verdict = gate.judge(&request);
    match gate.admit(verdict).await {
        Ok(caller) => {
            if let Some(caller) = caller {
                request.extensions_mut().insert(caller);
            }
            next.run(request).await
        }
        Err(problem) => {
            let mut response = problem.into_response();
            if let (EdgeAuth::OwnThrottled(answer), StatusCode::TOO_MANY_REQUESTS) =
                (&gate.auth, response.status())
            {
                return answer();
            }
            if response.status() == StatusCode::UNAUTHORIZED {
                response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            response
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(per_second: u32) -> Gate {
        let file = tempfile::NamedTempFile::new().unwrap();
        let lines = format!("{}\n\n{}\n", key_hash("ann", "one"), key_hash("bob", "two"));
        std::fs::write(file.path(), lines).unwrap();
        let rate = Rate::new(per_second, None, "test");
        Gate::new(EdgeAuth::Bearer, KeyHashes::read(file.path()).unwrap(), rate)
    }

    fn request(authorization: Option<&str>) -> Request {
        let mut request = Request::new(axum::body::Body::empty());
        if let Some(value) = authorization {
            request.headers_mut().insert(header::AUTHORIZATION, value.parse().unwrap());
        }
        request
    }

    async fn admit(gate: &Gate, value: Option<&str>) -> Result<Option<EdgeCaller>, Problem> {
        gate.admit(gate.judge(&request(value))).await
    }

    #[tokio::test]
    async fn only_known_keys_pass() {
        let gate = gate(100);
        let name = async |value| admit(&gate, value).await.ok().flatten().map(|caller| caller.0);
        assert_eq!(name(Some("Bearer two")).await.as_deref(), Some("bob"));
        assert_eq!(name(Some("bearer one")).await.as_deref(), Some("ann"));
        for bad in [None, Some(""), Some("Bearer"), Some("Bearer "), Some("Bearer three"), Some("Basic one")]
        {
            assert_eq!(name(bad).await, None, "{bad:?}");
        }
        // Without any key configured nobody passes, not even the empty key.
        assert_eq!(KeyHashes::default().find(""), None);
    }

    #[test]
    fn a_wrong_key_costs_what_a_right_one_costs() {
        let keys = ["one", "two", "three", "four"];
        let keys = KeyHashes(Arc::new(keys.map(|key| (key.to_owned(), digest(key))).to_vec()));
        let looked_at = |key: &str| {
            let mut times = 0;
            let found = keys.find_by(key, |known, hash| {
                times += 1;
                known.ct_eq(hash)
            });
            (found, times)
        };
        assert_eq!(looked_at("one"), (Some("one"), 4));
        assert_eq!(looked_at("four"), (Some("four"), 4));
        assert_eq!(looked_at("five"), (None, 4));
        assert_eq!(looked_at(""), (None, 4));
    }

    #[tokio::test]
    async fn a_key_has_a_rate() {
        let gate = gate(2);
        let mut passed = 0;
        for _ in 0..50 {
            passed += usize::from(admit(&gate, Some("Bearer one")).await.is_ok());
        }
        assert!((2..50).contains(&passed), "{passed}");
        assert!(admit(&gate, Some("Bearer two")).await.is_ok(), "another key has its own");
    }

    #[tokio::test]
    async fn what_the_service_vouches_for_is_not_counted() {
        let vouch = Vouch::new(|request| request.uri().path() == "/authentic");
        let gate = Gate::new(EdgeAuth::Vouched(vouch), KeyHashes::default(), Rate::new(2, None, "test"));
        let send = async |path: &str| {
            let mut request = request(None);
            *request.uri_mut() = path.parse().unwrap();
            let address: SocketAddr = "127.0.0.1:9".parse().unwrap();
            request.extensions_mut().insert(ConnectInfo(address));
            gate.admit(gate.judge(&request)).await.is_ok()
        };
        let mut junk = 0;
        for _ in 0..50 {
            junk += usize::from(send("/junk").await);
            assert!(send("/authentic").await);
        }
        assert!((2..50).contains(&junk), "{junk}");
    }

    #[tokio::test]
    async fn above_the_rate_the_service_answers_in_its_own_words() {
        use tower::ServiceExt;
        let answer = || (StatusCode::SERVICE_UNAVAILABLE, "slow down").into_response();
        let rate = Rate::new(1, None, "test");
        let gate = Arc::new(Gate::new(EdgeAuth::OwnThrottled(answer), KeyHashes::default(), rate));
        let router = axum::Router::new()
            .fallback(|| async { "served" })
            .layer(axum::middleware::from_fn_with_state(gate, super::admit));
        let mut statuses = Vec::new();
        for _ in 0..20 {
            let mut request = request(None);
            request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 9))));
            statuses.push(router.clone().oneshot(request).await.unwrap().status());
        }
        assert_eq!(statuses[0], StatusCode::OK);
        assert!(statuses.contains(&StatusCode::SERVICE_UNAVAILABLE), "{statuses:?}");
        assert!(!statuses.contains(&StatusCode::TOO_MANY_REQUESTS));
    }

    #[test]
    fn a_bad_line_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "ann:12\n").unwrap();
        let said = KeyHashes::read(file.path()).unwrap_err().to_string();
        assert!(said.ends_with(":1: expected NAME:HEX-SHA256"), "{said}");
    }
}
