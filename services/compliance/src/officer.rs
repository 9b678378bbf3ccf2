//! The officer listener: what is held about a person is found, exported and ended here, ledgers are checked, imports
//! taken back.
//!
//! Its keys are its own, and it is off unless configured. Everything is a `POST` with a JSON body
//! ([`crate::officer_types`]): an address stands in no URL, and so in no log. Every call leaves a line in the audit record with
//! the caller's name, and no address; what changes something is in the ledger, with the caller and their reason.

use std::sync::LazyLock;

use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, Request, State as Shared};
use axum::handler::Handler;
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, post};
use axum::{Extension, Json, Router};
use maily_chassis::{Audit, EdgeCaller, Hold, Pool, PoolBounds, Problem};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::officer_types as types;
use crate::{Error, Order, State};

/// The officer listener's routes.
pub fn router(state: State) -> Router {
    Router::new()
        .route("/v1/subjects/find", audited(("find", "a person"), find))
        .route("/v1/subjects/export", audited(("export", "a person"), export))
        .route("/v1/subjects/erase", audited(("erase", "a person"), erase))
        .route("/v1/subjects/suppress", audited(("suppress", "a person"), suppress))
        .route("/v1/subjects/lift", audited(("lift", "people"), lift))
        .route("/v1/ledger/verify", audited(("verify", "every ledger"), verify))
        .route("/v1/imports/list", audited(("list", "every import"), imports))
        .route("/v1/imports/undo", audited(("undo", "an import"), undo))
        .route("/v1/epochs/turn", audited(("turn", "every epoch"), turn))
        .fallback(|| async { Problem::new(StatusCode::NOT_FOUND, "there is no such call") })
        .method_not_allowed_fallback(|| async {
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "every call is a POST")
        })
        .with_state(state)
}

/// A call that leaves a line in the audit record, whatever becomes of it: what, and to what kind of thing. Who the person was
/// is not in the log; where something changed, the ledger knows it by a keyed hash.
fn audited<H: Handler<T, State>, T: 'static>(
    call: (&'static str, &'static str),
    handler: H,
) -> MethodRouter<State> {
    post(handler).layer(from_fn_with_state(call, audit))
}

async fn audit(
    Shared((action, subject)): Shared<(&'static str, &'static str)>,
    request: Request,
    next: Next,
) -> Response {
    let caller = request.extensions().get::<EdgeCaller>();
    let owner = caller.map_or_else(|| "nobody".to_owned(), |caller| caller.0.clone());
    let audit = Audit::new(action, owner, subject);
    let response = next.run(request).await;
    audit.ended(response.status().as_u16());
    response
}

fn refused(status: StatusCode, why: &str) -> Problem {
    Problem::new(status, "the request can't be used").detail(why)
}

type Caller = Extension<EdgeCaller>;

/// A body; a bad one is refused without being quoted.
struct Body<T>(T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        match Json::from_request(request, state).await {
            Ok(Json(body)) => Ok(Self(body)),
            Err(JsonRejection::BytesRejection(_)) => {
                Err(refused(StatusCode::PAYLOAD_TOO_LARGE, "the body is too long, or broke off"))
            }
            Err(JsonRejection::MissingJsonContentType(_)) => {
                Err(refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, "the body has to be application/json"))
            }
            Err(_) => Err(refused(StatusCode::BAD_REQUEST, "the body is not the JSON that the call takes")),
        }
    }
}

/// Calls that read everything or need to be alone: two at once, of two officers.
static LONG: LazyLock<Pool<String>> = LazyLock::new(|| Pool::new(PoolBounds { all: 2, each: 1, waiting: 0 }));

/// Does one of them, or says that others are under way.
async fn one_of_few<T>(
    Extension(EdgeCaller(caller)): &Caller,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let _place = LONG.try_take(caller.clone(), Hold::Long).map_err(|_| Error::Busy)?;
    work.await
}

async fn find(Shared(state): Shared<State>, caller: Caller, Body(ask): Body<types::FindRequest>) -> Response {
    answer("find", &caller, state.find(&ask.address).await)
}

async fn export(
    Shared(state): Shared<State>,
    caller: Caller,
    Body(ask): Body<types::FindRequest>,
) -> Response {
    answer("export", &caller, state.find(&ask.address).await)
}

async fn erase(
    Shared(state): Shared<State>,
    caller: Caller,
    Body(act): Body<types::ReasonedRequest>,
) -> Response {
    answer("erase", &caller, one_of_few(&caller, state.erase(&act.address, order(&caller, act.reason))).await)
}

async fn suppress(
    Shared(state): Shared<State>,
    caller: Caller,
    Body(act): Body<types::ReasonedRequest>,
) -> Response {
    let done = state.suppress(&act.address, order(&caller, act.reason)).await;
    answer("suppress", &caller, done.map(|new| types::SuppressReply { new }))
}

async fn lift(
    Shared(state): Shared<State>,
    caller: Caller,
    Body(lift): Body<types::LiftRequest>,
) -> Response {
    let types::LiftRequest { addresses, sender, reason, file } = lift;
    answer("lift", &caller, state.lift(&addresses, &sender, file, order(&caller, reason)).await)
}

async fn verify(
    Shared(state): Shared<State>,
    caller: Caller,
    Body(_): Body<types::VerifyRequest>,
) -> Response {
    let reply = |verified: crate::Verified| types::VerifyReply {
        links: verified.links.into_iter().map(|(region, links)| (region.to_owned(), links)).collect(),
        heads: verified.heads.into_iter().map(|(region, head)| (region.to_owned(), head)).collect(),
    };
    let done = one_of_few(&caller, state.verify()).await.map(reply);
    answer("verify", &caller, done)
}

async fn imports(
    Shared(state): Shared<State>,
    caller: Caller,
    Body(_): Body<types::ImportsRequest>,
) -> Response {
    answer("list imports", &caller, one_of_few(&caller, state.imports()).await)
}

async fn undo(
    Shared(state): Shared<State>,
    caller: Caller,
    Body(undo): Body<types::UndoRequest>,
) -> Response {
    answer(
        "undo",
        &caller,
        one_of_few(&caller, state.undo_import(&undo.campaign, order(&caller, undo.reason))).await,
    )
}

async fn turn(Shared(state): Shared<State>, caller: Caller, Body(_): Body<types::TurnRequest>) -> Response {
    answer(
        "turn",
        &caller,
        one_of_few(&caller, state.turn_epochs()).await.map(|turned| types::TurnReply { turned }),
    )
}

fn order(Extension(EdgeCaller(caller)): &Caller, reason: String) -> Order {
    Order { caller: caller.clone(), reason }
}

fn answer<T: Serialize>(
    call: &str,
    Extension(EdgeCaller(caller)): &Caller,
    done: Result<T, Error>,
) -> Response {
    match done {
        Ok(answer) => Json(answer).into_response(),
        Err(error) => {
            let problem = problem(&error);
            tracing::warn!(call, caller, %error, "an officer's call failed");
            problem.into_response()
        }
    }
}

/// What the caller is told: nothing of ours that they can't act on.
fn problem(error: &Error) -> Problem {
    let not_done = |status| Problem::new(status, "not done").detail(error.to_string());
    match error {
        Error::Request(_) => not_done(StatusCode::BAD_REQUEST),
        Error::NotFound(_) => not_done(StatusCode::NOT_FOUND),
        Error::Damaged(_) | Error::Undone | Error::Removed => not_done(StatusCode::CONFLICT),
        Error::Busy => {
            let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "try again");
            problem.detail("an import, or other calls that take long, are under way").retry_after(1)
        }
        // What comes again is no outage: the command would repeat it until its deadline.
        error if error.is_damage() => {
            Problem::new(StatusCode::CONFLICT, "not done").detail("a record is damaged")
        }
        error if error.is_fault() => {
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "not done").detail("the service failed")
        }
        _ => {
            let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "try again");
            problem.detail("the database is not available").retry_after(1)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use futures::poll;

    use super::*;

    fn officer(name: &str) -> Caller {
        Extension(EdgeCaller(name.to_owned()))
    }

    #[test]
    fn what_fails_again_is_no_outage() {
        let told = |error: Error| problem(&error).status().as_u16();
        let key: fn(maily_keys::Error) -> Error = Error::from;
        for (status, errors) in [
            (409, [key(maily_crypto::Error::Authentication.into()), slatedb::Error::data("x".into()).into()]),
            (500, [Error::Panicked, slatedb::Error::internal("x".into()).into()]),
            (503, [Error::Busy, slatedb::Error::unavailable("x".into()).into()]),
            (503, [Error::Interrupted, key(maily_keys::Error::RootsUnavailable("x".into()))]),
        ] {
            for error in errors {
                let name = format!("{error:?}");
                assert_eq!(told(error), status, "{name}");
            }
        }
        let lost = problem(&key(maily_keys::Error::EpochEnded(7)));
        assert!(!lost.sentence().contains('7'), "that is for the log");
    }

    #[tokio::test]
    async fn one_officers_long_call_keeps_no_other_out() {
        let (ann, bob, cid) = (officer("ann"), officer("bob"), officer("cid"));
        let mut long = Box::pin(one_of_few(&ann, pending::<Result<(), Error>>()));
        assert!(poll!(&mut long).is_pending());
        assert!(matches!(one_of_few(&ann, ready(Ok(()))).await, Err(Error::Busy)), "she has one");
        assert!(one_of_few(&bob, ready(Ok(()))).await.is_ok());
        let mut other = Box::pin(one_of_few(&bob, pending::<Result<(), Error>>()));
        assert!(poll!(&mut other).is_pending());
        assert!(matches!(one_of_few(&cid, ready(Ok(()))).await, Err(Error::Busy)), "they are few");
        drop(long);
        assert!(one_of_few(&cid, ready(Ok(()))).await.is_ok());
    }
}
