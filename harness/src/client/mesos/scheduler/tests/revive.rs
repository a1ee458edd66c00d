//! What lifts the filters of earlier declines.

use std::time::Duration;

use super::SHORT;
use super::master::Master;
use crate::client::mesos::TaskSpec;

#[tokio::test]
async fn a_revive_waits_for_a_decline_that_is_under_way() {
    let master = Master::start().await;
    let framework = master.framework().await;
    master.offer("O1", "S0", 4.0);
    framework.run(TaskSpec::command("t", "true")).await.expect("launched");
    master.hold_back(Some("DECLINE"));
    master.offer("O2", "S0", 3.9);
    master.call("DECLINE", 1).await;
    let (_, ()) = tokio::join!(framework.run_within(TaskSpec::command("t", "true"), SHORT), async {
        // Were they not in turn, the REVIVE would come while the DECLINE is held.
        let early = tokio::time::timeout(Duration::from_millis(50), master.call("REVIVE", 1)).await;
        early.expect_err("the DECLINE is not answered yet");
        master.hold_back(None);
        master.call("REVIVE", 1).await;
    });
    framework.finish().await.expect("nothing went wrong");
}

#[tokio::test]
async fn a_revive_that_fails_or_is_given_up_is_made_again() {
    let master = Master::start().await;
    let framework = master.framework().await;
    master.offer("O1", "S0", 4.0);
    framework.run(TaskSpec::command("t", "true")).await.expect("launched");
    master.hold_back(Some("REVIVE"));
    tokio::select! {
        made = framework.revive() => panic!("it is not answered: {made:?}"),
        _ = master.call("REVIVE", 1) => {}
    }
    master.hold_back(None);
    let again = framework.await_offer("comes", |_| true);
    let (offer, ()) = tokio::join!(again, async {
        master.call("REVIVE", 2).await;
        master.offer("O2", "S0", 3.9);
    });
    offer.expect("the filters were lifted");
    framework.finish().await.expect("nothing went wrong");
}
