//! The gate of the edge listener and of the officer's: bearer keys kept as hashes, and rate limits.

use std::{
    fmt,
    net::SocketAddr,
    sync::{Arc, PoisonError, RwLock},
};

use axum::{
    extract::{ConnectInfo, Request, State},
    http::{HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::{
    key_hashes::KeyHashes, places, problem::Problem, proxies::Proxies, rate::Rate, scopes::Scopes,
    shares::Payer,
};

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

/// Counts a request for its key, once its service knows whose that is; an extension of requests at the edge under [`EdgeAuth::Own`]
/// and [`EdgeAuth::OwnThrottled`], which have been counted for their address.
#[derive(Clone)]
pub struct KeyRate(Arc<Gate>);

impl KeyRate {
    /// So many requests a second of each key, counted by this process alone: for who tests a service without its edge.
    #[must_use]
    pub fn of(per_second: u32) -> Self {
        let rate = Rate::new(per_second, None, "");
        Self(Arc::new(Gate::new(EdgeAuth::Own, KeyHashes::default(), rate)))
    }

    /// Whether the key with this name, which the request has proven, may call now.
    pub async fn admits(&self, name: &str) -> bool {
        self.0.rate.admits(&format!("key {name}")).await
    }
}

impl fmt::Debug for KeyRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyRate(..)")
    }
}

/// The state of the gate.
pub(crate) struct Gate {
    auth: EdgeAuth,
    keys: RwLock<KeyHashes>,
    rate: Rate,
    proxies: Proxies,
}

/// The name of a key, and what it may do.
type Caller = (EdgeCaller, Scopes);

/// Who a request is counted for, whose share its body takes, and what becomes of it within the limit.
struct Verdict {
    counted_as: Option<String>,
    payer: Payer,
    then: Result<Option<Caller>, Problem>,
}

impl Gate {
    pub(crate) fn new(auth: EdgeAuth, keys: KeyHashes, rate: Rate) -> Self {
        Self { auth, keys: RwLock::new(keys), rate, proxies: Proxies::default() }
    }

    /// Requests that come through these are counted for whom they are forwarded for.
    pub(crate) fn behind(self, proxies: Proxies) -> Self {
        Self { proxies, ..self }
    }

    /// From here on these keys are accepted, and no others.
    pub(crate) fn accept(&self, keys: KeyHashes) {
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
    }

    fn keys(&self) -> KeyHashes {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Drops the counters of callers that have been quiet, so that the table stays small.
    pub(crate) fn tidy(&self) {
        self.rate.tidy();
    }

    fn judge(&self, request: &Request) -> Verdict {
        let address = request.extensions().get::<ConnectInfo<SocketAddr>>();
        let client = address.map(|info| self.proxies.client(info.0.ip(), request.headers()));
        let by_address = client.map(|client| format!("address {}", places::client(client)));
        let stranger = Payer::stranger(client);
        match &self.auth {
            EdgeAuth::Own | EdgeAuth::OwnThrottled(_) => {
                return Verdict { counted_as: by_address, payer: stranger, then: Ok(None) };
            }
            EdgeAuth::Vouched(vouch) if (vouch.0)(request) => {
                let payer = client.map_or(stranger, Payer::vouched);
                return Verdict { counted_as: None, payer, then: Ok(None) };
            }
            EdgeAuth::Vouched(_) => {
                return Verdict { counted_as: by_address, payer: stranger, then: Ok(None) };
            }
            EdgeAuth::Bearer => {}
        }
        match self.keys().caller(bearer(request)) {
            Some((name, scopes)) => Verdict {
                counted_as: Some(format!("key {name}")),
                payer: Payer::key(name),
                then: Ok(Some((EdgeCaller(name.to_owned()), scopes))),
            },
            None => Verdict { counted_as: by_address, payer: stranger, then: Err(unauthorised()) },
        }
    }

    async fn admit(&self, verdict: Verdict) -> Result<Option<Caller>, Problem> {
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
    let payer = verdict.payer.clone();
    match gate.admit(verdict).await {
        Ok(caller) => {
            request.extensions_mut().insert(payer);
            if matches!(gate.auth, EdgeAuth::Own | EdgeAuth::OwnThrottled(_)) {
                request.extensions_mut().insert(KeyRate(Arc::clone(&gate)));
            }
            if let Some((caller, scopes)) = caller {
                request.extensions_mut().insert(caller);
                request.extensions_mut().insert(scopes);
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
    use crate::key_hashes::key_hash;

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

    async fn admit(gate: &Gate, value: Option<&str>) -> Result<Option<Caller>, Problem> {
        gate.admit(gate.judge(&request(value))).await
    }

    #[tokio::test]
    async fn only_known_keys_pass() {
        let gate = gate(100);
        let name = async |value| admit(&gate, value).await.ok().flatten().map(|(caller, _)| caller.0);
        assert_eq!(name(Some("Bearer two")).await.as_deref(), Some("bob"));
        assert_eq!(name(Some("bearer one")).await.as_deref(), Some("ann"));
        for bad in [None, Some(""), Some("Bearer"), Some("Bearer "), Some("Bearer three"), Some("Basic one")]
        {
            assert_eq!(name(bad).await, None, "{bad:?}");
        }
        // Without any key configured nobody passes, not even the empty key.
        assert_eq!(KeyHashes::default().find(""), None);
    }

    #[tokio::test]
    async fn keys_change_under_the_gate() {
        let gate = gate(100);
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), format!("{}:mail\n", key_hash("eve", "three"))).unwrap();
        assert!(admit(&gate, Some("Bearer one")).await.is_ok());
        gate.accept(KeyHashes::read(file.path()).unwrap());
        assert!(admit(&gate, Some("Bearer one")).await.is_err(), "taken out");
        let (caller, scopes) = admit(&gate, Some("Bearer three")).await.ok().flatten().unwrap();
        assert_eq!((caller.0.as_str(), scopes), ("eve", Scopes::of(&[crate::scopes::Scope::Mail])));
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
    async fn a_key_that_the_service_knows_has_one_rate_from_everywhere() {
        use tower::ServiceExt;
        let owned = async |rate: axum::Extension<KeyRate>, request: Request| {
            let admitted = rate.admits(request.uri().path()).await;
            if admitted { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
        };
        let rate = Rate::new(2, None, "test");
        let gate = Arc::new(Gate::new(EdgeAuth::Own, KeyHashes::default(), rate));
        let router = axum::Router::new()
            .fallback(owned)
            .layer(axum::middleware::from_fn_with_state(gate, super::admit));
        let send = async |path: &str, address: u8| {
            let mut request = request(None);
            *request.uri_mut() = path.parse().unwrap();
            request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([10, 0, 0, address], 9))));
            router.clone().oneshot(request).await.unwrap().status() == StatusCode::OK
        };
        let mut passed = 0;
        for address in 0..50 {
            passed += usize::from(send("/ann", address).await);
        }
        assert!((2..50).contains(&passed), "{passed}");
        assert!(send("/bob", 100).await, "another key has its own");
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
}
