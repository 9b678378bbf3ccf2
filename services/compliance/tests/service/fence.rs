//! One process at a time.

use std::time::Duration;

use maily_compliance::Error;

use crate::common::{Service, import, list, open, page};

#[tokio::test(flavor = "multi_thread")]
async fn a_second_process_takes_over_and_the_first_learns_of_it() {
    let first = Service::start(10).await;
    import(&first.state, "c", list(30)).await.unwrap();
    let second = open(first.folder.path(), 10).await;
    // Even when nobody calls it.
    let lost = tokio::time::timeout(Duration::from_secs(30), first.state.lost()).await.unwrap();
    assert_eq!(lost.to_string(), "another process has taken the databases over");
    let refused = first.state.hand_off(page("c", "en-GB/seg0", "us", 0), "s".into()).await;
    assert!(matches!(refused, Err(Error::Store(_))));
    assert_eq!(second.hand_off(page("c", "en-GB/seg0", "us", 0), "s".into()).await.unwrap().handed_off, 5);
    second.verify().await.unwrap();
}
