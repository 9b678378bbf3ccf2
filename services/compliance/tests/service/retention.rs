//! What is old goes by itself, and with it the keys of people of whom nothing else is held.

use maily_compliance::api::Api;
use maily_compliance::{Error, State};
use maily_proto::compliance as pb;
use maily_proto::compliance::compliance_server::Compliance;
use tonic::Request;

use crate::common::{HEADER, Service, days_later, import, page};

const ADA: &str = "ada@example.com";
const MINOR: &str = "kid@example.com";

fn list() -> String {
    let row = |email: &str, year: u32| {
        format!("1,{email},X,US,en-US,vip,{year},express,2025-01-01T00:00:00Z,form,false\n")
    };
    [HEADER, &row(ADA, 1980), &row(MINOR, 2020), "no row\n"].concat()
}

async fn invalid(state: &State) -> usize {
    let request = pb::InvalidRowsRequest { campaign_id: "c".into(), after_line: 0, limit: 0 };
    Api::new(state.clone()).invalid_rows(Request::new(request)).await.unwrap().into_inner().rows.len()
}

async fn rows(state: &State, email: &str) -> usize {
    state.find(email).await.unwrap().rows.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn excluded_and_invalid_rows_go_first_and_the_rest_years_later() {
    let service = Service::start(100).await;
    import(&service.state, "c", list()).await.unwrap();
    let service = service.restart_with(100, days_later(89)).await;
    assert_eq!(service.state.retire().await.unwrap(), 0);
    assert_eq!((invalid(&service.state).await, rows(&service.state, MINOR).await), (1, 1));

    let service = service.restart_with(100, days_later(90)).await;
    let state = &service.state;
    assert_eq!(state.retire().await.unwrap(), 1);
    assert_eq!(state.retire().await.unwrap(), 0);
    assert_eq!((invalid(state).await, rows(state, MINOR).await, rows(state, ADA).await), (0, 0, 1));
    assert_eq!(state.recipients(&page("c", "en-US/vip", "us", 0)).await.unwrap().len(), 1);
    let summary =
        Api::new(state.clone()).summary(Request::new(pb::SummaryRequest { campaign_id: "c".into() })).await;
    assert_eq!(summary.unwrap().into_inner().excluded["invalid"], 1, "counts stay");
    state.verify().await.unwrap();

    let service = service.restart_with(100, days_later(3 * 365)).await;
    let state = &service.state;
    assert_eq!(state.retire().await.unwrap(), 1);
    assert_eq!(rows(state, ADA).await, 0);
    let refused = state.recipients(&page("c", "en-US/vip", "us", 0)).await;
    assert!(matches!(refused, Err(Error::Removed)));
    state.verify().await.unwrap();
    let service = service.restart_with(100, days_later(3 * 365)).await;
    service.state.verify().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_old_may_be_taken_back_and_erased_at_the_same_time() {
    let order = || maily_compliance::Order { caller: "olga".into(), reason: "the wrong list".into() };
    for days in [90, 3 * 365] {
        let service = Service::start(2).await;
        for campaign in ["c", "d", "e"] {
            import(&service.state, campaign, list()).await.unwrap();
        }
        let service = service.restart_with(2, days_later(days)).await;
        let state = &service.state;
        let (retired, undone, erased) =
            tokio::join!(state.retire(), state.undo_import("d", order()), state.erase(MINOR, order()));
        let (retired, undone) = (retired.unwrap(), undone.unwrap());
        erased.unwrap();
        let (kept, all) = if days == 90 { (2, 4) } else { (0, 6) };
        assert_eq!(retired + undone.rows, all, "each row goes once: {retired} {undone:?}");
        assert_eq!((rows(state, ADA).await, rows(state, MINOR).await), (kept, 0));
        state.verify().await.unwrap();
        let service = service.restart_with(2, days_later(days)).await;
        service.state.verify().await.unwrap();
        assert_eq!(service.state.retire().await.unwrap(), 0);
        let refused = service.state.recipients(&page("d", "en-US/vip", "us", 0)).await;
        assert!(matches!(refused, Err(Error::Undone)), "{refused:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_left_out_is_told_when_the_rows_are_no_more() {
    let service = Service::start(100).await;
    import(&service.state, "c", list()).await.unwrap();
    service.state.hand_off(page("c", "en-US/vip", "us", 0), "s".into()).await.unwrap();
    let order = maily_compliance::Order { caller: "olga".into(), reason: "asked".into() };
    service.state.suppress(ADA, order).await.unwrap();
    assert_eq!(service.state.left_out("c").await.unwrap(), 1);
    let service = service.restart_with(100, days_later(3 * 365)).await;
    service.state.retire().await.unwrap();
    assert_eq!((rows(&service.state, ADA).await, service.state.left_out("c").await.unwrap()), (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_in_another_list_keeps_their_key() {
    let service = Service::start(100).await;
    import(&service.state, "c", list()).await.unwrap();
    let service = service.restart_with(100, days_later(60)).await;
    import(&service.state, "d", list()).await.unwrap();
    let service = service.restart_with(100, days_later(90)).await;
    let state = &service.state;
    assert_eq!(state.retire().await.unwrap(), 1);
    let kid = state.find(MINOR).await.unwrap();
    assert_eq!((kid.rows.len(), kid.rows[0].campaign.as_str()), (1, "d"));
    assert!(kid.rows[0].fields.is_some(), "the other row opens");
    // Nothing of them is left, and neither is their key: there is nothing to erase.
    let service = service.restart_with(100, days_later(150)).await;
    assert_eq!(service.state.retire().await.unwrap(), 1);
    let order = maily_compliance::Order { caller: "olga".into(), reason: "asked".into() };
    assert_eq!(service.state.erase(MINOR, order).await.unwrap().erased, [""; 0]);
    service.state.verify().await.unwrap();
}
