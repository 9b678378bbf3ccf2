//! An import is taken back: nobody is written to by it, and what it alone told of objections is lifted.

use maily_compliance::api::Api;
use maily_compliance::officer_types::MessageState;
use maily_compliance::{Error, Order, State};
use maily_proto::compliance as pb;
use maily_proto::compliance::compliance_server::Compliance;
use tonic::{Request, Response, Status};

use crate::common::{Service, days_later, good, import, list_of, page, ticking, written};

fn objecting(email: &str) -> String {
    good(email).replace("false", "true")
}

fn order() -> Order {
    Order { caller: "olga".to_owned(), reason: "the wrong file".to_owned() }
}

const PEOPLE: [&str; 4] = ["ada@example.com", "bob@example.com", "cy@example.com", "dave@example.com"];

async fn everybody(state: &State, campaign: &str) -> Vec<String> {
    import(state, campaign, list_of(&PEOPLE.map(good))).await.unwrap();
    written(state, campaign).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_only_it_brought_is_lifted_for_lists_to_come() {
    let service = Service::start_with(100, ticking()).await;
    let state = &service.state;
    let [ada, bob, cy, dave] = PEOPLE;
    import(state, "first", list_of(&[good(dave), objecting(bob)])).await.unwrap();
    import(
        state,
        "wrong",
        list_of(&[objecting(ada), objecting(bob), objecting(&cy.to_uppercase()), good(dave)]),
    )
    .await
    .unwrap();
    assert_eq!(everybody(state, "under way").await, [dave]);
    // Cy says so himself, too.
    state.suppress(cy, order()).await.unwrap();

    let receipt = state.undo_import("wrong", order()).await.unwrap();
    assert_eq!((receipt.rows, receipt.lifted), (4, 1));
    let again = state.undo_import("wrong", order()).await.unwrap();
    assert_eq!((again.rows, again.lifted), (0, 0));
    assert_eq!(everybody(state, "later").await, [ada, dave]);
    assert_eq!(written(state, "under way").await, [dave], "whoever was left out there stays so");
    let answer = state.hand_off(page("under way", "en-US/vip", "us", 0), "s".into()).await.unwrap();
    assert_eq!((answer.handed_off, answer.suppressed), (1, 0));
    for refused in [
        state.recipients(&page("wrong", "en-US/vip", "us", 0)).await.map(drop),
        state.hand_off(page("wrong", "en-US/vip", "us", 0), "s".into()).await.map(drop),
        import(state, "wrong", list_of(&PEOPLE.map(good))).await.map(drop),
    ] {
        assert!(matches!(refused, Err(Error::Undone)), "{refused:?}");
    }
    let found = state.find(ada).await.unwrap();
    assert!(!found.suppressed && found.objections[0].undone);
    assert!(!found.rows.iter().any(|row| row.campaign == "wrong"), "its rows are gone");
    state.verify().await.unwrap();

    let service = service.restart_with(100, days_later(1)).await;
    assert_eq!(everybody(&service.state, "latest").await, [ada, dave]);
    service.state.verify().await.unwrap();
    let missing = service.state.undo_import("none", order()).await;
    let unknown = "no import is known under this id; `import list` shows them";
    assert!(matches!(missing, Err(Error::NotFound(why)) if why == unknown));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_took_a_list_back_and_why_is_on_record_also_where_it_brought_no_objection() {
    let service = Service::start_with(100, ticking()).await;
    let german = good("erin@example.com").replace(",US,", ",DE,");
    import(&service.state, "bought", list_of(&[good(PEOPLE[0]), german])).await.unwrap();
    let before = service.state.verify().await.unwrap().links;
    for _ in 0..2 {
        service.state.undo_import("bought", order()).await.unwrap();
    }
    let listed = service.state.imports().await.unwrap().imports.remove(0);
    assert_eq!(
        (listed.undone_by.as_deref(), listed.undone_for.as_deref()),
        (Some("olga"), Some("the wrong file"))
    );
    // That, and that its rows are gone; of both regions that had some.
    let links = service.state.verify().await.unwrap().links;
    for (region, added) in [("us", 2), ("eu", 2), ("ca", 0)] {
        assert_eq!(links[region], before[region] + added, "{region}");
    }
    let service = service.restart_with(100, days_later(1)).await;
    assert_eq!(service.state.verify().await.unwrap().links, links);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_evidence_of_messages_that_left_stays() {
    let service = Service::start_with(100, ticking()).await;
    let state = &service.state;
    everybody(state, "sent").await;
    state.hand_off(page("sent", "en-US/vip", "us", 0), "s".into()).await.unwrap();
    state.suppress(PEOPLE[1], order()).await.unwrap();
    let receipt = state.undo_import("sent", order()).await.unwrap();
    assert_eq!(receipt.rows, 0);
    let found = state.find(PEOPLE[0]).await.unwrap();
    assert!(
        found.rows[0].undone
            && found.rows[0].message.state == MessageState::HandedOff
            && found.rows[0].fields.is_some()
    );
    assert!(matches!(state.release(&page("sent", "en-US/vip", "us", 0)).await, Err(Error::Undone)));
    // What it came to can be told: whom the wrong list was sent to is what an authority asks (GDPR 33(3)).
    assert_eq!(state.left_out("sent").await.unwrap(), 1);
    let api = Api::new(state.clone());
    let summary = Request::new(pb::SummaryRequest { campaign_id: "sent".into() });
    assert_eq!(api.summary(summary).await.unwrap().into_inner().rows, 4);
    let invalid = pb::InvalidRowsRequest { campaign_id: "sent".into(), after_line: 0, limit: 0 };
    assert!(api.invalid_rows(Request::new(invalid)).await.unwrap().into_inner().rows.is_empty());
    state.verify().await.unwrap();
}

/// Over the API, where the taking back is an answer.
async fn hand_off(state: &State, campaign: &str, number: u32) -> Result<pb::HandOffReply, Status> {
    let page = Some(page(campaign, "en-US/vip", "us", number));
    let request = Request::new(pb::HandOffRequest { page, segment: "s".into() });
    Api::new(state.clone()).hand_off(request).await.map(Response::into_inner)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_under_way_is_told_which_of_its_pages_came_before() {
    let service = Service::start_with(2, ticking()).await;
    for campaign in ["half", "none"] {
        everybody(&service.state, campaign).await;
    }
    let first = hand_off(&service.state, "half", 0).await.unwrap();
    assert_eq!((first.handed_off, first.undone), (2, false));
    for campaign in ["half", "none"] {
        service.state.undo_import(campaign, order()).await.unwrap();
    }
    let undone = pb::HandOffReply { undone: true, ..pb::HandOffReply::default() };
    let service = service.restart_with(2, days_later(1)).await;
    for _ in 0..2 {
        let again = hand_off(&service.state, "half", 0).await.unwrap();
        assert_eq!(again, first, "the first answer may have been lost");
        // Rows of the other campaign are gone: nothing of it was handed off.
        for (campaign, number) in [("half", 1), ("none", 0), ("none", 1)] {
            let told = hand_off(&service.state, campaign, number).await.unwrap();
            assert_eq!(told, undone, "{campaign} {number}");
        }
    }
    let other = service.state.hand_off(page("half", "en-US/vip", "us", 0), "other".into()).await;
    assert!(matches!(other, Err(Error::OtherSegment)), "{other:?}");
    everybody(&service.state, "later").await;
    for (campaign, undone) in [("half", true), ("none", true), ("later", false)] {
        let summary = Request::new(pb::SummaryRequest { campaign_id: campaign.into() });
        let summary = Api::new(service.state.clone()).summary(summary).await.unwrap().into_inner();
        assert_eq!(summary.undone, undone, "{campaign}");
    }
    service.state.verify().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_refused_list_said_too_is_lifted_with_that_list() {
    let service = Service::start_with(100, ticking()).await;
    let state = &service.state;
    let [ada, _, _, dave] = PEOPLE;
    import(state, "wrong", list_of(&[objecting(ada), good(dave)])).await.unwrap();
    for _ in 0..2 {
        let refused = import(state, "refused", list_of(&[objecting(ada).replace(",US,", ",,")])).await;
        assert!(matches!(refused, Err(Error::List(_))), "{refused:?}");
    }
    assert_eq!(state.find(ada).await.unwrap().objections.len(), 2, "once each");
    assert_eq!(state.undo_import("wrong", order()).await.unwrap().lifted, 0);
    assert_eq!(everybody(state, "later").await, PEOPLE[1..]);
    state.verify().await.unwrap();

    let refused = refused_lists(state).await;
    assert_eq!(refused.len(), 1);
    assert_eq!(state.find(ada).await.unwrap().objections[1].campaign.as_ref(), Some(&refused[0]));
    let receipt = state.undo_import(&refused[0], order()).await.unwrap();
    assert_eq!((receipt.rows, receipt.lifted), (0, 1));
    assert_eq!(everybody(state, "latest").await, PEOPLE);
    // The list that was meant has its campaign.
    assert_eq!(everybody(state, "refused").await, PEOPLE);
    state.verify().await.unwrap();
    let service = service.restart_with(100, days_later(1)).await;
    assert_eq!(everybody(&service.state, "after all").await, PEOPLE);
    service.state.verify().await.unwrap();
}

/// The ids of lists that were refused, whose objections were kept.
async fn refused_lists(state: &State) -> Vec<String> {
    let imports = state.imports().await.unwrap().imports;
    imports.into_iter().filter(|import| import.refused.is_some()).map(|import| import.campaign).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_in_other_words_than_ours_names_the_column_and_is_taken_back() {
    let service = Service::start_with(100, ticking()).await;
    let state = &service.state;
    for (from, to, column) in [("express", "subscribed", "consent"), ("false", "nein", "suppressed")] {
        let rows = PEOPLE.map(|email| good(email).replace(from, to));
        // What a spreadsheet leaves behind them says nothing.
        let list = list_of(&rows) + ",,,,,,,,,,\r\n";
        let refused = import(state, column, list).await.unwrap_err().to_string();
        assert!(refused.contains(&format!("in every row the column {column} has a word")), "{refused}");
        assert!(refused.contains("now stand as having objected, for every later list: 4 ("), "{refused}");
        let id = refused_lists(state).await.pop().unwrap();
        assert!(refused.contains(&format!("import undo {id}")), "{refused}");
        assert_eq!(everybody(state, &format!("{column} later")).await, [""; 0]);
        assert_eq!(state.undo_import(&id, order()).await.unwrap().lifted, 4);
        assert_eq!(everybody(state, &format!("{column} latest")).await, PEOPLE);
    }
    // Where nobody's objection is kept, nothing is left behind.
    let lists = refused_lists(state).await.len();
    let refused = import(state, "nobody's", list_of(&["no row".to_owned()])).await.unwrap_err().to_string();
    assert!(refused.contains("nobody's objection in it is on record"), "{refused}");
    assert_eq!(refused_lists(state).await.len(), lists);
    state.verify().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_list_that_comes_again_behind_a_lifting_counts_anew() {
    let service = Service::start_with(100, ticking()).await;
    let state = &service.state;
    let refused = [objecting(PEOPLE[0]).replace(",US,", ",,")];
    assert!(import(state, "refused", list_of(&refused)).await.is_err());
    let lifted = state.lift(&[PEOPLE[0].to_owned()], "news@brand.example", None, order()).await.unwrap();
    assert_eq!(lifted.lifted, 1);
    assert!(import(state, "refused", list_of(&refused)).await.is_err());
    let found = state.find(PEOPLE[0]).await.unwrap();
    assert_eq!((found.objections.len(), refused_lists(state).await.len()), (2, 2));
    assert!(found.objections[1].at > found.lifts[0].at);
    state.verify().await.unwrap();
}
