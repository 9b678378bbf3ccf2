//! Somebody objects once more: no consent given between two objections ever counts, and robots write little.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};
use maily_compliance::{Order, State};

use crate::common::{AS_OF, Service, good, import, list_of, page, set_by, written};

const CAROL: &str = "carol@example.com";
const DAVE: &str = "dave@example.com";
const SENDER: &str = "news@brand.example";
const DAY: i64 = 24 * 60;

fn order(reason: &str) -> Order {
    Order { caller: "olga".to_owned(), reason: reason.to_owned() }
}

/// A service whose clock is set by hand, with a campaign; Carol's link.
async fn service() -> (Service, Arc<AtomicI64>, String) {
    let minutes = Arc::new(AtomicI64::new(0));
    let service = Service::start_with(100, set_by(&minutes)).await;
    import(&service.state, "spring", list_of(&[good(CAROL), good(DAVE)])).await.unwrap();
    let recipients = service.state.recipients(&page("spring", "en-US/vip", "us", 0)).await.unwrap();
    (service, minutes, recipients[0].unsubscribe_token.clone())
}

/// Who is written to by a list of now, in which Carol has agreed so many minutes behind [`AS_OF`].
async fn written_on(state: &State, campaign: &str, agreed: i64) -> Vec<String> {
    let agreed = AS_OF.parse::<Timestamp>().unwrap() + SignedDuration::from_mins(agreed);
    let carol = good(CAROL).replace("2025-01-01T00:00:00Z", &agreed.to_string());
    import(state, campaign, list_of(&[carol, good(DAVE)])).await.unwrap();
    written(state, campaign).await
}

async fn lift(state: &State) {
    let lifted = state.lift(&[CAROL.to_owned()], SENDER, None, order("came back")).await.unwrap();
    assert_eq!(lifted.lifted, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn consent_between_two_objections_does_not_count() {
    for channels in
        ["link link", "link officer", "link erasure", "officer link", "officer officer", "erasure erasure"]
    {
        let (service, minutes, token) = service().await;
        let object = async |state: &State, channel: &str| match channel {
            "link" => state.opt_out(&token).await.unwrap(),
            "officer" => {
                state.suppress(CAROL, order("by telephone")).await.unwrap();
            }
            _ => {
                state.erase(CAROL, order("by letter")).await.unwrap();
            }
        };
        let (first, second) = channels.split_once(' ').unwrap();
        object(&service.state, first).await;
        minutes.store(10 * DAY, Ordering::SeqCst);
        object(&service.state, second).await;
        minutes.store(20 * DAY, Ordering::SeqCst);
        // Also for a process that was not there.
        let service = service.restart_with(100, set_by(&minutes)).await;
        let state = &service.state;
        lift(state).await;
        minutes.store(21 * DAY, Ordering::SeqCst);
        assert_eq!(written_on(state, "between", 5 * DAY).await, [DAVE], "{channels}");
        assert_eq!(written_on(state, "behind", 11 * DAY).await, [CAROL, DAVE], "{channels}");
        assert_eq!(state.find(CAROL).await.unwrap().objections.len(), 2, "{channels}");
        state.verify().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_is_followed_all_day_is_on_record_once_an_hour() {
    let (service, minutes, token) = service().await;
    let state = &service.state;
    let before = state.verify().await.unwrap().links["us"];
    for minute in 0..=150 {
        minutes.store(minute, Ordering::SeqCst);
        state.opt_out(&token).await.unwrap();
    }
    assert_eq!(state.verify().await.unwrap().links["us"], before + 3, "at 0, 61 and 122 minutes");
    minutes.store(DAY, Ordering::SeqCst);
    lift(state).await;
    // The last one that was not put on record came at 150 minutes.
    assert_eq!(written_on(state, "between", 140).await, [DAVE]);
    assert_eq!(written_on(state, "behind", 190).await, [CAROL, DAVE]);
    // What is lifted is objected to anew at once.
    state.opt_out(&token).await.unwrap();
    assert_eq!(written(state, "behind").await, [DAVE]);
    state.verify().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_again_is_on_record_again_also_where_nothing_is_held() {
    let (service, _, _) = service().await;
    let state = &service.state;
    for reason in ["by letter", "by telephone"] {
        assert_eq!(state.erase("nobody@example.com", order(reason)).await.unwrap().rows, 0);
    }
    for (new, reason) in [(true, "by letter"), (false, "by telephone")] {
        assert_eq!(state.suppress(CAROL, order(reason)).await.unwrap(), new);
    }
    for person in ["nobody@example.com", CAROL] {
        let found = state.find(person).await.unwrap();
        let said: Vec<_> = found
            .objections
            .iter()
            .map(|objection| (objection.caller.as_deref(), objection.reason.as_deref()))
            .collect();
        assert_eq!(said, [(Some("olga"), Some("by letter")), (Some("olga"), Some("by telephone"))]);
    }
    state.verify().await.unwrap();
}
