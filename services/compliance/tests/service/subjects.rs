//! A person is found, erased, suppressed and lifted, by whatever spelling of their address.

use axum::Extension;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use bytes::Bytes;
use futures::stream;
use jiff::SignedDuration;
use maily_chassis::EdgeCaller;
use maily_compliance::officer_types::{MessageState, ObjectionChannel, Subject};
use maily_compliance::{Config, Error, Order, Sender, State, officer};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::common::{
    AS_OF, Service, clock, config, days_later, good, import, list_of, page, roots, ticking, ticking_by,
    written,
};

fn order(reason: &str) -> Order {
    Order { caller: "olga".to_owned(), reason: reason.to_owned() }
}

async fn import_as(state: &State, campaign: &str, sender: &str, emails: &[&str]) -> Vec<String> {
    let rows: Vec<_> = emails.iter().map(|email| good(email)).collect();
    let chunks = [Ok(Bytes::from(list_of(&rows)))];
    let sender = Sender { country: "US", address: sender };
    state.import(campaign, AS_OF, sender, stream::iter(chunks)).await.unwrap();
    written(state, campaign).await
}

/// As [`import_as`], by a list in which the first has agreed again at this moment.
async fn import_anew(state: &State, campaign: &str, sender: &str, at: &str, emails: &[&str]) -> Vec<String> {
    let mut rows: Vec<_> = emails.iter().map(|email| good(email)).collect();
    rows[0] = rows[0].replace("2025-01-01T00:00:00Z", at);
    let sender = Sender { country: "US", address: sender };
    state.import(campaign, AS_OF, sender, stream::iter([Ok(Bytes::from(list_of(&rows)))])).await.unwrap();
    written(state, campaign).await
}

/// When what somebody objected to was lifted last.
async fn lifted_at(state: &State, email: &str) -> String {
    state.find(email).await.unwrap().lifts.last().unwrap().at.clone()
}

async fn leave(state: &State, campaign: &str, email: &str) {
    let recipients = state.recipients(&page(campaign, "en-US/vip", "us", 0)).await.unwrap();
    let recipient = recipients.iter().find(|recipient| recipient.email == email).unwrap();
    state.opt_out(&recipient.unsubscribe_token).await.unwrap();
}

const SENDER: &str = "news@brand.example";
const CAROL: &str = "Carol@example.com";
const DAVE: &str = "dave@example.com";

#[tokio::test(flavor = "multi_thread")]
async fn everything_about_a_person_is_found_by_any_spelling() {
    let service = Service::start_with(2, ticking()).await;
    let state = &service.state;
    let rows = [
        good(DAVE),
        good(CAROL),
        good("carol@EXAMPLE.com"),
        good("erin@example.com").replace(",US,", ",DE,").replace("express", "none"),
    ];
    import(state, "spring", list_of(&rows)).await.unwrap();
    import_as(state, "summer", SENDER, &[DAVE, CAROL]).await;
    state.hand_off(page("spring", "en-US/vip", "us", 0), "segments/1".into()).await.unwrap();
    leave(state, "summer", CAROL).await;
    state.hand_off(page("summer", "en-US/vip", "us", 0), "segments/2".into()).await.unwrap();
    import(state, "autumn", list_of(&[good(DAVE), good("CAROL@example.com").replace("false", "true")]))
        .await
        .unwrap();

    let carol = state.find(" cARol@Example.COM ").await.unwrap();
    assert_eq!((carol.address.as_str(), carol.suppressed), ("carol@example.com", true));
    let objections: Vec<_> = carol
        .objections
        .iter()
        .map(|at| (at.channel, at.region.as_str(), at.campaign.as_deref(), at.line, at.kind.as_deref()))
        .collect();
    assert_eq!(
        objections,
        [
            (ObjectionChannel::Link, "us", None, None, None),
            (ObjectionChannel::List, "us", Some("autumn"), Some(3), Some("suppressed"))
        ]
    );
    assert!(carol.objections[0].article.as_deref().unwrap().contains("RFC 8058"));
    let rows: Vec<_> = carol
        .rows
        .iter()
        .map(|row| (row.campaign.as_str(), row.line, row.outcome.as_str(), row.message.state))
        .collect();
    assert_eq!(
        rows,
        [
            ("spring", 3, "consent", MessageState::HandedOff),
            ("spring", 4, "duplicate", MessageState::Excluded),
            ("summer", 3, "consent", MessageState::LeftOut),
            ("autumn", 3, "suppressed", MessageState::Excluded),
        ]
    );
    assert_eq!(carol.rows[0].message.segment.as_deref(), Some("segments/1"));
    let fields = carol.rows[0].fields.as_ref().unwrap();
    assert_eq!((fields["email"].as_str(), fields["consent_source"].as_str()), (CAROL, "form"));
    assert!(!fields.contains_key("implied_by"), "empty");

    let erin = state.find("erin@example.com").await.unwrap();
    assert_eq!((erin.rows[0].region.as_str(), erin.rows[0].outcome.as_str()), ("eu", "no_consent"));
    assert!(erin.rows[0].article.contains("GDPR"), "why they were not written to: {}", erin.rows[0].article);
    let nobody = state.find("nobody@example.com").await.unwrap();
    assert!(!nobody.suppressed && nobody.rows.is_empty() && nobody.objections.is_empty());
    for bad in ["", "carol", "a@b", "carol@example.com, dave@example.com"] {
        assert!(matches!(state.find(bad).await, Err(Error::Request(_))), "{bad}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_erased_is_opened_by_nothing_and_not_written_to_again() {
    let service = Service::start_with(100, ticking()).await;
    let state = &service.state;
    assert_eq!(import_as(state, "spring", SENDER, &[CAROL, DAVE]).await, [CAROL, DAVE]);
    state.hand_off(page("spring", "en-US/vip", "us", 0), "s".into()).await.unwrap();
    assert_eq!(import_as(state, "summer", SENDER, &[CAROL, DAVE]).await, [CAROL, DAVE]);
    let receipt = state.erase("carol@example.com", order("asked by letter")).await.unwrap();
    assert_eq!((receipt.erased.clone(), receipt.rows, receipt.suppressed), (vec!["us".to_owned()], 2, true));
    assert!(receipt.unreadable_by.as_str() > "2026-04-02T07:00:00Z", "{}", receipt.unreadable_by);
    let again = state.erase(CAROL, order("once more")).await.unwrap();
    assert_eq!((again.erased.len(), again.rows), (0, 0));

    // Campaigns under way go on without them, and what was handed off is not released.
    assert_eq!(written(state, "summer").await, [DAVE]);
    let released = state.release(&page("spring", "en-US/vip", "us", 0)).await.unwrap();
    assert_eq!((released.records.len(), released.left_out), (1, 1));
    let held = state.find(CAROL).await.unwrap();
    assert!(held.suppressed && held.rows.iter().all(|row| row.fields.is_none()) && held.rows.len() == 2);
    let acts: Vec<_> =
        held.acts.iter().map(|act| (act.act.as_str(), act.caller.as_str(), act.reason.as_str())).collect();
    assert_eq!(acts, [("erased", "olga", "asked by letter")]);
    assert_eq!(held.objections[0].channel, ObjectionChannel::Erasure);
    state.verify().await.unwrap();

    // A list brings nobody back.
    assert_eq!(import_as(state, "autumn", SENDER, &["CAROL@example.com", DAVE]).await, [DAVE]);
    let service = service.restart_with(100, ticking()).await;
    let state = &service.state;
    assert_eq!(import_as(state, "winter", SENDER, &[CAROL, DAVE]).await, [DAVE]);
    assert_eq!(written(state, "summer").await, [DAVE]);
    state.verify().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_again_after_an_erasure_is_another_person() {
    let service = Service::start_with(100, ticking()).await;
    let state = &service.state;
    import_as(state, "spring", SENDER, &[CAROL, DAVE]).await;
    state.hand_off(page("spring", "en-US/vip", "us", 0), "s".into()).await.unwrap();
    state.erase(CAROL, order("asked")).await.unwrap();
    let lifted = state.lift(&[CAROL.to_owned()], SENDER, None, order("signed up again")).await.unwrap();
    assert_eq!((lifted.lifted, lifted.not_suppressed), (1, 0));
    let at = lifted_at(state, CAROL).await;
    assert_eq!(import_anew(state, "summer", SENDER, &at, &[CAROL, DAVE]).await, [CAROL, DAVE]);
    for service in [service] {
        let state = &service.state;
        let held = state.find(CAROL).await.unwrap();
        let fields: Vec<_> =
            held.rows.iter().map(|row| (row.campaign.as_str(), row.fields.is_some())).collect();
        assert_eq!(fields, [("spring", false), ("summer", true)], "the key of today opens nothing of before");
        let released = state.release(&page("spring", "en-US/vip", "us", 0)).await.unwrap();
        assert_eq!((released.records.len(), released.left_out), (1, 1));
        // And goes again.
        assert_eq!(state.erase(CAROL, order("asked again")).await.unwrap().rows, 1);
        assert_eq!(state.find(CAROL).await.unwrap().acts.len(), 2);
        state.verify().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_lifted_is_lifted_for_one_sender_until_the_next_objection() {
    // What is agreed to within an hour of following a link does not count.
    let service = Service::start_with(100, ticking_by(SignedDuration::from_hours(2))).await;
    let state = &service.state;
    import_as(state, "spring", SENDER, &[CAROL, DAVE]).await;
    leave(state, "spring", CAROL).await;
    let people = [CAROL.to_owned(), DAVE.to_owned()];
    let file = Some("asked-again.txt".to_owned());
    let lifted =
        state.lift(&people, "News@Brand.example", file.clone(), order("signed up again")).await.unwrap();
    assert_eq!((lifted.lifted, lifted.not_suppressed), (1, 1));
    let again = state.lift(&people, SENDER, None, order("once more")).await.unwrap();
    assert_eq!((again.lifted, again.not_suppressed), (0, 2), "it is lifted");
    assert_eq!(written(state, "spring").await, [DAVE], "a campaign under way goes on without her");
    let answer = state.hand_off(page("spring", "en-US/vip", "us", 0), "s".into()).await.unwrap();
    assert_eq!((answer.handed_off, answer.suppressed), (1, 1), "the message that was not written");
    let at = lifted_at(state, CAROL).await;
    assert_eq!(import_anew(state, "others", "other@brand.example", &at, &[CAROL, DAVE]).await, [DAVE]);
    assert_eq!(import_anew(state, "nobody's", "", &at, &[CAROL, DAVE]).await, [DAVE]);
    // What she had agreed to before she objected is over, and in the United States, too, nobody writes without more.
    assert_eq!(import_as(state, "as before", SENDER, &[CAROL, DAVE]).await, [DAVE]);
    let without = [good(CAROL).replace("express,2025-01-01T00:00:00Z", "none,"), good(DAVE)];
    import(state, "without", list_of(&without)).await.unwrap();
    assert_eq!(written(state, "without").await, [DAVE]);
    let people = ["CAROL@example.com", DAVE];
    assert_eq!(import_anew(state, "summer", SENDER, &at, &people).await, people);
    let found = state.find(CAROL).await.unwrap();
    assert_eq!((found.lifts[0].caller.as_str(), found.lifts[0].file.clone()), ("olga", file));
    assert_eq!(found.lifts[0].sender.as_deref(), Some(SENDER), "it can be said for whom");
    state.verify().await.unwrap();

    let service = service.restart_with(100, ticking()).await;
    let state = &service.state;
    // The clock of this process stands before the lifting, and what comes now counts all the same.
    assert_eq!(written(state, "summer").await, ["CAROL@example.com", DAVE]);
    leave(state, "summer", "CAROL@example.com").await;
    assert_eq!(written(state, "summer").await, [DAVE]);
    assert_eq!(import_as(state, "autumn", SENDER, &[CAROL, DAVE]).await, [DAVE]);
    let links = state.verify().await.unwrap();
    // A list in which the person objects wins, and is an objection of its own.
    import(state, "winter", list_of(&[good(DAVE), good(CAROL).replace("false", "true")])).await.unwrap();
    assert_eq!(written(state, "winter").await, [DAVE]);
    assert_eq!(state.verify().await.unwrap().links["us"], links.links["us"] + 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_goes_back_brings_nobody_into_a_campaign_under_way() {
    let service = Service::start(100).await;
    import_as(&service.state, "spring", SENDER, &[CAROL, DAVE]).await;
    let service = service.restart_with(100, days_later(-1)).await;
    let state = &service.state;
    leave(state, "spring", CAROL).await;
    assert_eq!(written(state, "spring").await, [DAVE]);
    assert_eq!(state.lift(&[CAROL.to_owned()], SENDER, None, order("came back")).await.unwrap().lifted, 1);
    assert_eq!(written(state, "spring").await, [DAVE]);
    let answer = state.hand_off(page("spring", "en-US/vip", "us", 0), "s".into()).await.unwrap();
    assert_eq!((answer.handed_off, answer.suppressed), (1, 1));
    state.verify().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_forgotten_with_a_region_that_is_configured_no_more() {
    let service = Service::start(100).await;
    import_as(&service.state, "spring", SENDER, &[CAROL, DAVE]).await;
    service.state.close().await;
    let folder = service.folder.path();
    let config = Config { regions: vec!["eu".into()], ..config(folder, 100) };
    let opened = State::open_with(&config, &folder.join("data"), roots(&config), clock()).await;
    let refused = opened.err().unwrap();
    assert!(
        refused.is_permanent() && refused.to_string().contains("lacks a region that has data"),
        "{refused}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn no_key_outlives_the_last_row_of_a_person_who_was_erased() {
    let service = Service::start(100).await;
    import_as(&service.state, "spring", SENDER, &[CAROL, DAVE]).await;
    service.state.erase(CAROL, order("asked")).await.unwrap();
    // A list has her again: she is excluded, and nothing of that row is kept that would need a key.
    import_as(&service.state, "summer", SENDER, &[CAROL, DAVE]).await;
    let again = service.state.erase(CAROL, order("again")).await.unwrap();
    assert_eq!((again.erased.len(), again.rows), (0, 0), "there is nothing to erase");
    let service = service.restart_with(100, days_later(90)).await;
    let state = &service.state;
    assert_eq!(state.retire().await.unwrap(), 1);
    assert_eq!(state.find(CAROL).await.unwrap().rows.len(), 1, "what is left of the first list");
    assert_eq!(
        state.erase(CAROL, order("again")).await.unwrap().erased,
        [""; 0],
        "there is nothing to erase"
    );
    state.verify().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_who_objects_is_kept_but_that_and_why() {
    let service = Service::start(100).await;
    let state = &service.state;
    let rows = [
        format!("{},x", good("erin@example.com")),
        good(DAVE),
        good("erin@example.com"),
        good("ERIN@example.com"),
        good("frank@example.com").replace("express", "withdrawn"),
        good("kid@example.com").replace("1980", "2015"),
    ];
    import(state, "spring", list_of(&rows)).await.unwrap();
    import(state, "summer", list_of(&[good(DAVE), good("frank@example.com")])).await.unwrap();
    let held = async |email: &str| {
        let rows = state.find(email).await.unwrap().rows.into_iter();
        let row = |row: maily_compliance::officer_types::SubjectRow| {
            assert_eq!(row.fields.is_none(), row.not_kept, "{}", row.outcome);
            (row.outcome, row.objected_line, row.objected_kind.unwrap_or_default(), row.not_kept)
        };
        rows.map(row).collect::<Vec<_>>()
    };
    let row = |outcome: &str, line: Option<u64>, kind: &str, not_kept: bool| {
        (outcome.to_owned(), line, kind.to_owned(), not_kept)
    };
    // Why she was not written to: line 2 has a field too many.
    assert_eq!(
        held("erin@example.com").await,
        [row("suppressed", Some(2), "assumed", true), row("duplicate", None, "", true)]
    );
    assert_eq!(
        held("frank@example.com").await,
        [row("withdrawn", Some(6), "withdrawn", true), row("suppressed", None, "", true)]
    );
    assert_eq!(held("kid@example.com").await, [row("minor", None, "", false)]);
    assert_eq!(held(DAVE).await, [row("consent", None, "", false), row("consent", None, "", false)]);
    state.verify().await.unwrap();
    let service = service.restart_with(100, days_later(90)).await;
    assert_eq!(service.state.retire().await.unwrap(), 5, "they go with the others");
    service.state.verify().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_in_a_thousand_rows_is_found_and_erased() {
    let service = Service::start_with(100, ticking()).await;
    let state = &service.state;
    let rows: Vec<_> = (0..1_000).map(|_| good("info@shop.example")).collect();
    import(state, "spring", list_of(&rows)).await.unwrap();
    assert_eq!(state.find("INFO@shop.example").await.unwrap().rows.len(), 1_000);
    assert_eq!(state.erase("info@shop.example", order("asked")).await.unwrap().rows, 1_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_objects_while_it_is_lifted_is_one_or_the_other_for_good() {
    let service = Service::start_now(100).await;
    let people: Vec<String> = (0..60).map(|at| format!("p{at}@mail.example")).collect();
    let state = &service.state;
    // Every third person has not objected before.
    let before = |at: usize| !at.is_multiple_of(3);
    for (at, person) in people.iter().enumerate() {
        if before(at) {
            state.suppress(person, order("by telephone")).await.unwrap();
        }
    }
    let mut late = Vec::new();
    for part in people.chunks(6) {
        let objecting = part.iter().map(|person| state.suppress(person, order("by letter")));
        let lifting = state.lift(part, SENDER, None, order("came back"));
        let (lifted, objected) = tokio::join!(lifting, futures::future::join_all(objecting));
        assert!(lifted.unwrap().lifted >= 4, "those who had objected before");
        assert!(objected.into_iter().all(|objected| objected.is_ok()));
        // Behind the lifting, whatever was under way.
        state.suppress(&part[1], order("changed their mind")).await.unwrap();
        late.push(&part[1]);
    }
    state.verify().await.unwrap();
    let written = async |state: &State, campaign: &str| {
        let rows: Vec<_> = people
            .iter()
            .map(|person| good(person).replace("2025-01-01T00:00:00Z", &jiff::Timestamp::now().to_string()))
            .collect();
        import(state, campaign, list_of(&rows)).await.unwrap();
        written(state, campaign).await
    };
    let before = written(state, "before").await;
    for person in &late {
        assert!(!before.contains(person), "{person} objected last");
    }
    for person in &people {
        let found = state.find(person).await.unwrap();
        let parsed = |at: String| at.parse::<jiff::Timestamp>().unwrap();
        let last = |moments: Vec<String>| moments.into_iter().map(parsed).max();
        let objected = last(found.objections.into_iter().map(|objection| objection.at).collect());
        let lifted = last(found.lifts.into_iter().map(|lift| lift.at).collect());
        assert!(objected.is_some() && objected != lifted, "one is later");
        assert_eq!(before.contains(person), lifted > objected, "{person}: {objected:?} {lifted:?}");
    }
    let service = service.restart_with(100, std::sync::Arc::new(jiff::Timestamp::now)).await;
    assert_eq!(written(&service.state, "after").await, before, "as on record");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_officer_suppresses_whoever_asked_by_other_means() {
    let service = Service::start_with(100, ticking()).await;
    let state = &service.state;
    import_as(state, "spring", SENDER, &[CAROL, DAVE]).await;
    assert!(state.suppress("CAROL@example.com", order("by telephone")).await.unwrap());
    assert!(!state.suppress(CAROL, order("by letter, too")).await.unwrap());
    assert_eq!(written(state, "spring").await, [DAVE]);
    let found = state.find(CAROL).await.unwrap();
    let why = &found.objections[0];
    assert_eq!(
        (why.channel, why.caller.as_deref(), why.reason.as_deref()),
        (ObjectionChannel::Officer, Some("olga"), Some("by telephone"))
    );
    state.verify().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_says_why_and_names_nobody() {
    let service = Service::start(100).await;
    let state = &service.state;
    for reason in
        ["", "  ", "a\nb", &"x".repeat(1_025), "mail of carol@example.com", "see <Carol@Example.com>,"]
    {
        assert!(matches!(state.erase(CAROL, order(reason)).await, Err(Error::Request(_))), "{reason}");
        assert!(matches!(state.suppress(CAROL, order(reason)).await, Err(Error::Request(_))));
        let lifted = state.lift(&[CAROL.to_owned()], SENDER, None, order(reason)).await;
        assert!(matches!(lifted, Err(Error::Request(_))));
        assert!(matches!(state.undo_import("c", order(reason)).await, Err(Error::Request(_))));
    }
    let lift = async |people: &[String], sender: &str| state.lift(people, sender, None, order("why")).await;
    for (people, sender) in [
        (vec![], SENDER),
        (vec![CAROL.to_owned(); 10_001], SENDER),
        (vec!["x".to_owned()], SENDER),
        (vec![CAROL.to_owned()], "brand"),
    ] {
        assert!(matches!(lift(&people, sender).await, Err(Error::Request(_))));
    }
    assert_eq!(state.verify().await.unwrap().links.values().sum::<u64>(), 0);
}

/// What the officer listener answers to a key of olga's.
async fn call(state: &State, path: &str, body: &str) -> (StatusCode, Value) {
    let router = officer::router(state.clone()).layer(Extension(EdgeCaller("olga".to_owned())));
    let request = Request::post(path).header("content-type", "application/json");
    let response = router.oneshot(request.body(Body::from(body.to_owned())).unwrap()).await.unwrap();
    let status = response.status();
    let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    (status, serde_json::from_slice(&body).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_officer_listener_answers_in_json() {
    let service = Service::start_with(100, ticking()).await;
    let state = &service.state;
    import_as(state, "spring", SENDER, &[CAROL, DAVE]).await;
    let carol = json!({ "address": CAROL }).to_string();
    let (status, found) = call(state, "/v1/subjects/find", &carol).await;
    assert_eq!(status, StatusCode::OK);
    let subject: Subject = serde_json::from_value(found.clone()).unwrap();
    assert_eq!((subject.rows.len(), &found["rows"][0]["fields"]["email"]), (1, &json!(CAROL)));
    assert_eq!(call(state, "/v1/subjects/export", &carol).await.1, found);
    let act = json!({ "address": CAROL, "reason": "asked" }).to_string();
    assert_eq!(call(state, "/v1/subjects/suppress", &act).await.1, json!({ "new": true }));
    let lift = json!({ "addresses": [CAROL], "sender": SENDER, "reason": "asked" }).to_string();
    assert_eq!(
        call(state, "/v1/subjects/lift", &lift).await.1,
        json!({ "lifted": 1, "not_suppressed": 0, "unknown_sender": false })
    );
    let (_, listed) = call(state, "/v1/imports/list", "{}").await;
    assert_eq!(
        (
            &listed["imports"][0]["campaign"],
            &listed["imports"][0]["rows"],
            &listed["imports"][0]["undone_at"]
        ),
        (&json!("spring"), &json!(2), &json!(null))
    );
    assert_eq!(call(state, "/v1/subjects/erase", &act).await.1["rows"], 1);
    let (status, verified) = call(state, "/v1/ledger/verify", "{}").await;
    assert_eq!((status, &verified["links"]["us"]), (StatusCode::OK, &json!(2)));
    let undo = json!({ "campaign": "spring", "reason": "the wrong list" }).to_string();
    assert_eq!(
        call(state, "/v1/imports/undo", &undo).await,
        (StatusCode::OK, json!({ "rows": 2, "lifted": 0 }))
    );
    let unknown = json!({ "campaign": "none", "reason": "x" }).to_string();
    assert_eq!(call(state, "/v1/imports/undo", &unknown).await.0, StatusCode::NOT_FOUND);

    for body in ["", "{}", "[]", r#"{"address":"carol"}"#, r#"{"address":1}"#, r#"{"address":"a@b.c","x":1}"#]
    {
        let (status, problem) = call(state, "/v1/subjects/find", body).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{body}");
        assert!(!problem.to_string().contains("carol"), "nothing is quoted: {problem}");
    }
    assert_eq!(call(state, "/v1/subjects", "{}").await.0, StatusCode::NOT_FOUND);
    let get = Request::get("/v1/subjects/find").body(Body::empty()).unwrap();
    let response = officer::router(state.clone()).oneshot(get).await.unwrap();
    assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
}
