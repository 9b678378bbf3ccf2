//! Pages: recipients and their keys, the hand-off that stays, and opting out before and behind it.

use std::collections::{BTreeSet, HashSet};

use futures::future::join_all;
use maily_proto::compliance::{HandOffRequest, Page, Recipient, RecipientsRequest, ReleaseRequest};
use tonic::Code;

use super::{Calls as _, Compliance, PAGE, Row, code, list, page, plain};

/// What names a message and opens it.
type Keys = Vec<(u64, Vec<u8>)>;

fn keys(recipients: &[Recipient]) -> Keys {
    recipients.iter().map(|recipient| (recipient.line, recipient.record_key.clone())).collect()
}

/// Everybody who may be written to, once, in the order of the lines, with all that a message needs.
pub async fn every_recipient_is_on_one_page(service: &impl Compliance) {
    let cohort = |at: usize| if at.is_multiple_of(2) { ("en-GB", "a") } else { ("en-GB", "b") };
    let country = |at: usize| ["GB", "DE", "US"][at % 3];
    let rows = (0..20).map(|at| Row { at, country: country(at), cohort: cohort(at) }.line());
    let lines = rows.map(|line| line.replace("person4@mail.example", "Person.4@MAIL.Example"));
    service.import("c", list(lines)).await;
    let mut seen = BTreeSet::new();
    for cohort in service.summary("c").await.unwrap().cohorts {
        for region in &cohort.regions {
            let place = |page| Page {
                campaign_id: "c".into(),
                cohort: cohort.name.clone(),
                region: region.region.clone(),
                page,
            };
            let mut lines = Vec::new();
            for number in 0..region.pages {
                let recipients = service.recipients(&place(number)).await.unwrap();
                let rest = region.recipients - u64::from(number * PAGE);
                assert_eq!(recipients.len() as u64, rest.min(PAGE.into()), "every page but the last is full");
                recipients.iter().for_each(complete);
                lines.extend(recipients.iter().map(|recipient| recipient.line));
            }
            assert!(lines.is_sorted());
            seen.extend(lines);
        }
    }
    assert_eq!(seen, (2..22).collect());
}

fn complete(recipient: &Recipient) {
    let at = recipient.line - 2;
    let email = if at == 4 { "Person.4@mail.example".into() } else { format!("person{at}@mail.example") };
    assert_eq!((&recipient.email, &recipient.first_name), (&email, &format!("Name{at}")));
    assert_eq!(recipient.record_key.len(), 32);
    let url_safe = |c: char| c.is_ascii_alphanumeric() || "-_.~".contains(c);
    assert!(!recipient.unsubscribe_token.is_empty() && recipient.unsubscribe_token.chars().all(url_safe));
}

/// A page that is merged again after a crash has to be sealed under the keys that are released later.
pub async fn keys_are_the_same_again_and_of_one_message(service: &impl Compliance) {
    let mut all = HashSet::new();
    for campaign in ["c", "d"] {
        service.import(campaign, plain(6)).await;
        for number in 0..2 {
            let first = service.recipients(&page(campaign, number)).await.unwrap();
            let again = service.recipients(&page(campaign, number)).await.unwrap();
            assert_eq!(first, again);
            all.extend(first.into_iter().map(|recipient| recipient.record_key));
        }
    }
    assert_eq!(all.len(), 12, "no two messages share a key");
}

/// A page beyond the end, or of what the list has not, is a fault of the caller, and no empty page.
pub async fn what_is_no_page_is_not_found(service: &impl Compliance) {
    service.import("c", plain(4)).await;
    let good = page("c", 1);
    service.recipients(&good).await.unwrap();
    for missing in [
        Page { page: 2, ..good.clone() },
        Page { page: u32::MAX, ..good.clone() },
        Page { cohort: "en-GB/other".into(), ..good.clone() },
        Page { region: "us".into(), ..good.clone() },
        Page { region: "mars".into(), ..good.clone() },
    ] {
        assert_eq!(code(service.recipients(&missing).await), Code::NotFound, "{missing:?}");
        assert_eq!(code(service.hand_off(&missing, "s").await), Code::NotFound, "{missing:?}");
        assert_eq!(code(service.release(&missing).await), Code::NotFound, "{missing:?}");
    }
    let mut client = service.client();
    assert_eq!(code(client.recipients(RecipientsRequest { page: None }).await), Code::InvalidArgument);
    assert_eq!(code(client.release(ReleaseRequest { page: None }).await), Code::InvalidArgument);
    let nowhere = HandOffRequest { page: None, segment: "s".into() };
    assert_eq!(code(client.hand_off(nowhere).await), Code::InvalidArgument);
}

/// Repeated, a hand-off answers what it answered first, whoever left meanwhile; another segment is another hand-off.
pub async fn a_hand_off_stays_as_it_was(service: &impl Compliance) {
    service.import("c", plain(4)).await;
    let recipients = service.recipients(&page("c", 0)).await.unwrap();
    assert_eq!(service.hand_off(&page("c", 0), "one").await.unwrap(), (3, 0));
    service.opt_out(recipients[0].unsubscribe_token.clone()).await;
    assert_eq!(service.hand_off(&page("c", 0), "one").await.unwrap(), (3, 0));
    assert_eq!(code(service.hand_off(&page("c", 0), "two").await), Code::FailedPrecondition);
    // Other pages are handed off on their own.
    assert_eq!(service.hand_off(&page("c", 1), "two").await.unwrap(), (1, 0));
}

/// The segment is what the messages are looked for in.
pub async fn a_malformed_hand_off_is_refused(service: &impl Compliance) {
    service.import("c", plain(1)).await;
    for segment in [String::new(), "x".repeat(1_025)] {
        assert_eq!(code(service.hand_off(&page("c", 0), &segment).await), Code::InvalidArgument);
    }
    assert_eq!(service.hand_off(&page("c", 0), &"x".repeat(1_024)).await.unwrap(), (1, 0));
}

/// Who opts out before the hand-off is left out of the page and of what is handed off, and their key stays shut.
pub async fn who_opted_out_gets_no_message_and_no_key(service: &impl Compliance) {
    service.import("c", plain(3)).await;
    let before = service.recipients(&page("c", 0)).await.unwrap();
    for _ in 0..2 {
        service.opt_out(before[1].unsubscribe_token.clone()).await;
    }
    let left = [before[0].clone(), before[2].clone()];
    assert_eq!(service.recipients(&page("c", 0)).await.unwrap(), left);
    assert_eq!(service.hand_off(&page("c", 0), "s").await.unwrap(), (2, 1));
    assert_eq!(service.recipients(&page("c", 0)).await.unwrap(), left);
    assert_eq!(released(service, &page("c", 0)).await, keys(&left));
}

/// Nothing before the hand-off; behind it all that was handed off, but for who has left since.
pub async fn only_what_was_handed_off_is_released(service: &impl Compliance) {
    service.import("c", plain(6)).await;
    assert_eq!(code(service.release(&page("c", 0)).await), Code::FailedPrecondition);
    let recipients = service.recipients(&page("c", 0)).await.unwrap();
    service.hand_off(&page("c", 0), "s").await.unwrap();
    assert_eq!((released(service, &page("c", 0)).await, service.left_out("c").await), (keys(&recipients), 0));
    service.opt_out(recipients[2].unsubscribe_token.clone()).await;
    for _ in 0..2 {
        assert_eq!(released(service, &page("c", 0)).await, keys(&recipients[..2]));
        assert_eq!(service.left_out("c").await, 1);
    }
    assert_eq!(service.recipients(&page("c", 0)).await.unwrap(), recipients[..2]);
    assert_eq!(code(service.release(&page("c", 1)).await), Code::FailedPrecondition);
}

async fn released(service: &impl Compliance, page: &Page) -> Keys {
    let records = service.release(page).await.unwrap();
    records.into_iter().map(|record| (record.line, record.record_key)).collect()
}

/// An opt-out is of the person, not of the campaign: those under way leave them out, later ones exclude them.
pub async fn an_opt_out_holds_for_later_campaigns(service: &impl Compliance) {
    service.import("c", plain(2)).await;
    service.import("under way", plain(2)).await;
    let recipients = service.recipients(&page("c", 0)).await.unwrap();
    service.opt_out(recipients[0].unsubscribe_token.clone()).await;
    assert_eq!(service.hand_off(&page("under way", 0), "s").await.unwrap(), (1, 1));
    service.import("later", plain(2)).await;
    let summary = service.summary("later").await.unwrap();
    assert_eq!((summary.excluded, summary.cohorts[0].recipients), ([("suppressed".into(), 1)].into(), 1));
}

/// People leave while pages are handed off: each of them is either released or left out, and who had the answer before
/// the hand-off began is left out.
pub async fn hand_offs_and_opt_outs_come_one_after_the_other(service: &impl Compliance) {
    const PEOPLE: u32 = 30;
    service.import("c", plain(PEOPLE as usize)).await;
    let mut pages = Vec::new();
    for number in 0..PEOPLE / PAGE {
        pages.push(service.recipients(&page("c", number)).await.unwrap());
    }
    // The first of each page in time, the second while the page is handed off.
    join_all(pages.iter().map(|recipients| service.opt_out(recipients[0].unsubscribe_token.clone()))).await;
    let leaves = pages.iter().map(|recipients| service.opt_out(recipients[1].unsubscribe_token.clone()));
    let places: Vec<_> = (0..PEOPLE / PAGE).map(|number| page("c", number)).collect();
    let hand_offs = places.iter().map(|place| service.hand_off(place, "s"));
    let (_, hand_offs) = futures::join!(join_all(leaves), join_all(hand_offs));
    for ((place, recipients), answer) in places.iter().zip(&pages).zip(hand_offs) {
        let (handed_off, suppressed) = answer.unwrap();
        assert_eq!(handed_off + suppressed, PAGE);
        // Who left behind the hand-off was handed off, and is left out all the same.
        let released = released(service, place).await;
        let stayed = keys(recipients);
        assert!(!released.contains(&stayed[0]) && !released.contains(&stayed[1]));
        assert!(released.contains(&stayed[2]) && released.len() <= handed_off as usize);
        assert!(released.iter().all(|record| stayed.contains(record)));
        assert_eq!(service.hand_off(place, "s").await.unwrap(), (handed_off, suppressed));
    }
}
