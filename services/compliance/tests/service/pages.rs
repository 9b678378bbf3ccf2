//! Pages: their recipients, hand-off and release, repeated and out of order.

use std::collections::HashSet;

use maily_compliance::{Error, HandOff};

use crate::common::{Service, days_later, good, import, list, list_of, page, pages};

#[tokio::test(flavor = "multi_thread")]
async fn every_recipient_is_on_one_page_in_the_order_of_lines() {
    let service = Service::start(7).await;
    import(&service.state, "c", list(100)).await.unwrap();
    let mut seen = HashSet::new();
    for at in pages("c", 100, 7) {
        let recipients = service.state.recipients(&at).await.unwrap();
        assert!((1..=7).contains(&recipients.len()));
        assert!(recipients.is_sorted_by_key(|recipient| recipient.line));
        for recipient in recipients {
            let number = recipient.line - 2;
            assert_eq!(recipient.email, format!("p{number}@mail.example"));
            assert_eq!(recipient.first_name, format!("Name{number}"));
            assert!(seen.insert(recipient.line));
        }
    }
    assert_eq!(seen.len(), 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_exist_is_not_found() {
    let service = Service::start(50).await;
    import(&service.state, "c", list(100)).await.unwrap();
    for (at, missing) in [
        (page("d", "en-GB/seg0", "us", 0), "no import of this campaign has finished"),
        (page("c", "en-GB/seg9", "us", 0), "the campaign has no such cohort"),
        (page("c", "en-GB/seg0", "xx", 0), "there is no such region"),
        (page("c", "en-GB/seg0", "ca", 0), "the cohort has no such page in the region"),
        (page("c", "en-GB/seg0", "us", 1), "the cohort has no such page in the region"),
    ] {
        for error in [
            service.state.recipients(&at).await.unwrap_err(),
            service.state.hand_off(at.clone(), "s".into()).await.unwrap_err(),
            service.state.release(&at).await.unwrap_err(),
        ] {
            assert!(matches!(error, Error::NotFound(text) if text == missing), "{error}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_was_handed_off_is_released_and_the_first_answer_stays() {
    let service = Service::start(10).await;
    import(&service.state, "c", list(60)).await.unwrap();
    let at = page("c", "en-GB/seg0", "us", 0);
    assert!(matches!(service.state.release(&at).await, Err(Error::NotHandedOff)));
    let before = service.state.recipients(&at).await.unwrap();
    for gone in [3, 9] {
        service.state.opt_out(&before[gone].unsubscribe_token).await.unwrap();
    }
    let left = service.state.recipients(&at).await.unwrap();
    assert_eq!(left.len(), 8);
    assert_eq!(
        service.state.hand_off(at.clone(), "one".into()).await.unwrap(),
        HandOff { handed_off: 8, suppressed: 2, expired: 0 }
    );
    // An opt-out behind the hand-off changes no answer, and yet the message leaves no more.
    service.state.opt_out(&before[0].unsubscribe_token).await.unwrap();
    assert_eq!(
        service.state.hand_off(at.clone(), "one".into()).await.unwrap(),
        HandOff { handed_off: 8, suppressed: 2, expired: 0 }
    );
    let other = service.state.hand_off(at.clone(), "two".into()).await;
    assert!(matches!(other, Err(Error::OtherSegment)));
    assert!(matches!(service.state.hand_off(at.clone(), String::new()).await, Err(Error::Request(_))));

    let service = service.restart(10).await;
    assert_eq!(
        service.state.hand_off(at.clone(), "one".into()).await.unwrap(),
        HandOff { handed_off: 8, suppressed: 2, expired: 0 }
    );
    let released = service.state.release(&at).await.unwrap();
    assert_eq!(released.left_out, 1);
    let released: Vec<_> =
        released.records.into_iter().map(|record| (record.line, record.record_key)).collect();
    let wanted: Vec<_> = left
        .into_iter()
        .filter(|recipient| recipient.line != before[0].line)
        .map(|recipient| (recipient.line, recipient.record_key))
        .collect();
    assert_eq!(released, wanted, "the keys are those that the messages were sealed with");
    assert_eq!(service.state.recipients(&at).await.unwrap().len(), 7);
    assert_eq!(service.state.verify().await.unwrap().links["us"], 1 + 3 + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_had_consented_for_a_time_is_not_released_behind_it() {
    let service = Service::start(100).await;
    let canadian = |email: &str| good(email).replace(",US,en-US,", ",CA,en-CA,");
    // Six months from then it is the second of April.
    let implied = canadian("a@example.ca").replace("express,2025-01-01", "implied,2025-10-02");
    import(&service.state, "c", list_of(&[implied, canadian("b@example.ca")])).await.unwrap();
    let at = page("c", "en-CA/vip", "ca", 0);
    assert_eq!(service.state.hand_off(at.clone(), "one".into()).await.unwrap().handed_off, 2);
    assert_eq!(service.state.release(&at).await.unwrap().records.len(), 2);
    assert_eq!(service.state.left_out("c").await.unwrap(), 0);
    // Nobody objects to anything.
    let service = service.restart_with(100, days_later(40)).await;
    let released = service.state.release(&at).await.unwrap();
    let left: Vec<_> = released.records.iter().map(|record| record.line).collect();
    assert_eq!((left, released.left_out), (vec![3], 1));
    assert_eq!(service.state.left_out("c").await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn record_keys_are_of_one_message_each() {
    let service = Service::start(100).await;
    import(&service.state, "c", list(60)).await.unwrap();
    import(&service.state, "d", list(60)).await.unwrap();
    let mut keys = HashSet::new();
    for campaign in ["c", "d"] {
        for at in pages(campaign, 60, 100) {
            let recipients = service.state.recipients(&at).await.unwrap();
            keys.extend(recipients.into_iter().map(|recipient| recipient.record_key));
        }
    }
    assert_eq!(keys.len(), 120);
    assert!(keys.iter().all(|key| key.len() == 32));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_opt_out_holds_for_later_campaigns_in_every_region() {
    let service = Service::start(100).await;
    import(&service.state, "c", list(6)).await.unwrap();
    let token = service.state.recipients(&page("c", "en-GB/seg0", "us", 0)).await.unwrap()[0]
        .unsubscribe_token
        .clone();
    service.state.opt_out(&token).await.unwrap();
    let service = service.restart(100).await;
    // The same address, now in the other region.
    import(
        &service.state,
        "d",
        list(6).replace(",US,", ",XX,").replace(",DE,", ",US,").replace(",XX,", ",DE,"),
    )
    .await
    .unwrap();
    let left = service.state.recipients(&page("d", "en-GB/seg0", "eu", 0)).await;
    assert!(matches!(left, Err(Error::NotFound(_))), "its only recipient has opted out");
    // A list imported before the opt-out asks again at the hand-off.
    assert_eq!(
        service.state.hand_off(page("c", "en-GB/seg0", "us", 0), "s".into()).await.unwrap(),
        HandOff { handed_off: 0, suppressed: 1, expired: 0 }
    );
    assert!(service.state.release(&page("c", "en-GB/seg0", "us", 0)).await.unwrap().records.is_empty());
}
