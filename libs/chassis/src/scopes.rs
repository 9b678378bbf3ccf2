//! What a key may do: its scopes, and the routes that ask for one.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    task::{Context, Poll},
};

use axum::{
    extract::Request,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use futures::future::Either;
use tower::{Layer, Service};

use crate::problem::Problem;

/// Something that keys may do, or may not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// To ask the model.
    Infer,
    /// To have texts judged.
    Guardrails,
    /// To create campaigns, give them their lists, start, watch and cancel them.
    Campaigns,
    /// To fetch what was written to people: messages, and the report.
    Mail,
    /// Everything.
    Admin,
}

impl Scope {
    const ALL: [Self; 5] = [Self::Infer, Self::Guardrails, Self::Campaigns, Self::Mail, Self::Admin];

    /// Its name in a file of keys.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Infer => "infer",
            Self::Guardrails => "guardrails",
            Self::Campaigns => "campaigns",
            Self::Mail => "mail",
            Self::Admin => "admin",
        }
    }

    const fn bit(self) -> u8 {
        match self {
            Self::Infer => 1,
            Self::Guardrails => 2,
            Self::Campaigns => 4,
            Self::Mail => 8,
            Self::Admin => 16,
        }
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.name() == name)
    }
}

/// What a key may do; an extension of its requests under [`EdgeAuth::Bearer`](crate::EdgeAuth::Bearer).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scopes(u8);

impl Scopes {
    /// These.
    #[must_use]
    pub fn of(scopes: &[Scope]) -> Self {
        Self(scopes.iter().fold(0, |all, scope| all | scope.bit()))
    }

    /// Those of a key whose line names none, as lines of before scopes do: everything of then but people's mail.
    #[must_use]
    pub(crate) fn unsaid() -> Self {
        Self::of(&[Scope::Infer, Scope::Guardrails, Scope::Campaigns])
    }

    /// Reads `scope,scope`; every one has to be known.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let scopes: Option<Vec<Scope>> = text.split(',').map(|name| Scope::named(name.trim())).collect();
        scopes.map(|scopes| Self::of(&scopes))
    }

    /// Every name, for a person who wrote another.
    pub(crate) fn names() -> String {
        Scope::ALL.map(Scope::name).join(", ")
    }

    /// Whether they have this one.
    #[must_use]
    pub fn allow(self, scope: Scope) -> bool {
        self.0 & (scope.bit() | Scope::Admin.bit()) != 0
    }
}

/// A layer that lets through the requests of keys with this scope. Others are answered 403, also where nobody said who calls.
#[must_use]
pub fn requires(scope: Scope) -> Requires {
    Requires(scope)
}

/// See [`requires`].
#[derive(Clone, Copy, Debug)]
pub struct Requires(Scope);

impl<S> Layer<S> for Requires {
    type Service = Required<S>;

    fn layer(&self, inner: S) -> Required<S> {
        Required { scope: self.0, inner }
    }
}

/// What stands behind [`Requires`].
#[derive(Clone, Debug)]
pub struct Required<S> {
    scope: Scope,
    inner: S,
}

impl<S> Service<Request> for Required<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Either<Ready<Result<Response, Infallible>>, S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let scopes = request.extensions().get::<Scopes>().copied().unwrap_or_default();
        match scopes.allow(self.scope) {
            true => Either::Right(self.inner.call(request)),
            false => Either::Left(ready(Ok(lacking(self.scope).into_response()))),
        }
    }
}

fn lacking(scope: Scope) -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "this key may not do that")
        .detail(format!("it lacks the scope {}", scope.name()))
}

#[cfg(test)]
mod tests {
    use axum::{Extension, Router, body::Body, routing::get};
    use tower::ServiceExt as _;

    use super::*;

    #[test]
    fn names_are_read_and_admin_is_everything() {
        let mail = Scopes::parse("campaigns, mail").unwrap();
        assert!(mail.allow(Scope::Mail) && mail.allow(Scope::Campaigns) && !mail.allow(Scope::Infer));
        assert!(Scope::ALL.into_iter().all(|scope| Scopes::of(&[Scope::Admin]).allow(scope)));
        assert!(
            Scope::ALL.into_iter().all(|scope| Scopes::parse(scope.name()) == Some(Scopes::of(&[scope])))
        );
        for bad in ["", "mail,", "Mail", "mail;infer", "everything"] {
            assert_eq!(Scopes::parse(bad), None, "{bad:?}");
        }
        assert!(!Scopes::unsaid().allow(Scope::Mail) && !Scopes::unsaid().allow(Scope::Admin));
    }

    #[tokio::test]
    async fn a_route_asks_for_its_scope() {
        let router = Router::new()
            .route("/mail", get(|| async { "mail" }).layer(requires(Scope::Mail)))
            .route("/status", get(|| async { "status" }).layer(requires(Scope::Campaigns)));
        let ask = async |path: &str, scopes: Option<Scopes>| {
            let router = match scopes {
                Some(scopes) => router.clone().layer(Extension(scopes)),
                None => router.clone(),
            };
            let request = Request::get(path).body(Body::empty()).unwrap();
            let response = router.oneshot(request).await.unwrap();
            let status = response.status().as_u16();
            let body = axum::body::to_bytes(response.into_body(), 4_096).await.unwrap();
            (status, String::from_utf8(body.to_vec()).unwrap())
        };
        assert_eq!(ask("/status", Some(Scopes::unsaid())).await.0, 200);
        let (status, said) = ask("/mail", Some(Scopes::unsaid())).await;
        assert!(status == 403 && said.contains("it lacks the scope mail"), "{status} {said}");
        assert_eq!(ask("/mail", Some(Scopes::of(&[Scope::Mail]))).await.0, 200);
        assert_eq!(ask("/mail", None).await.0, 403, "nobody said who calls");
    }
}
