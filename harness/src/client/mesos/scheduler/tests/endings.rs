//! How a subscription ends, and who is told.

use axum::http::StatusCode;
use serde_json::json;

use super::master::Master;
use crate::client::mesos::scheduler::{Framework, TaskSpec};
use crate::{Error, Kind};

/// What every wait and call says after the subscription broke.
async fn broken(framework: Framework, said: &str) -> Error {
    let error = framework
        .await_offer("comes", |_| true)
        .await
        .expect_err("the subscription is over");
    assert!(error.explain().contains(said), "{said} stands in {error:?}");
    let error = framework
        .run(TaskSpec::command("t", "true"))
        .await
        .expect_err("the subscription is over");
    assert!(error.explain().contains(said), "{said} stands in {error:?}");
    framework
        .finish()
        .await
        .expect_err("the background's error is reported")
}

/// As `broken`, where a task is being waited for when it happens.
async fn broken_under_a_wait(breaks: impl FnOnce(&Master), said: &str) -> Error {
    let master = Master::start().await;
    let framework = master.framework().await;
    master.offer("O1", "S0", 4.0);
    let task = framework
        .run(TaskSpec::command("t", "sleep 9").id("t-1"))
        .await
        .expect("launched");
    breaks(&master);
    let error = task.await_terminal().await.expect_err("the subscription is over");
    assert!(error.explain().contains(said), "{said} stands in {error:?}");
    broken(framework, said).await
}

#[tokio::test]
async fn a_lost_subscription_ends_every_wait() {
    let error = broken_under_a_wait(Master::hang_up, "the master ended the event stream").await;
    assert_eq!(error.kind(), Kind::Answer);
}

#[tokio::test]
async fn an_error_event_ends_every_wait() {
    let event = json!({"type": "ERROR", "error": {"message": "Framework has been removed"}});
    broken_under_a_wait(
        |master| master.send(&event),
        "the master refuses the framework: Framework has been removed",
    )
    .await;
}

#[tokio::test]
async fn a_refused_acknowledgement_is_not_lost() {
    let breaks = |master: &Master| {
        master.refuse("ACKNOWLEDGE", StatusCode::FORBIDDEN, "Framework is not subscribed");
        master.update("t-1", "TASK_RUNNING", Some("AAA="));
    };
    let error = broken_under_a_wait(breaks, "Framework is not subscribed").await;
    assert!(
        error.explain().contains("ACKNOWLEDGE"),
        "the curl line names the call: {error:?}"
    );
}

#[tokio::test]
async fn a_teardown_is_told_to_every_later_wait() {
    let master = Master::start().await;
    let framework = master.framework().await;
    master.offer("O1", "S0", 4.0);
    let task = framework
        .run(TaskSpec::command("t", "sleep 9"))
        .await
        .expect("launched");
    framework.teardown().await.expect("accepted");
    framework.teardown().await.expect("once is enough");
    let error = task.await_terminal().await.expect_err("it was torn down");
    assert!(error.to_string().contains("it was torn down"), "{error}");
    framework.finish().await.expect("it was asked for");
    assert_eq!(master.calls("TEARDOWN").len(), 1);
}

#[tokio::test]
async fn a_refused_teardown_is_reported() {
    let master = Master::start().await;
    let framework = master.framework().await;
    master.refuse("TEARDOWN", StatusCode::INTERNAL_SERVER_ERROR, "no");
    master.hang_up_after_teardown();
    let error = framework.finish().await.expect_err("it was refused");
    assert!(error.explain().contains("500"), "{error:?}");
}

#[tokio::test]
async fn an_event_that_cannot_be_read_is_not_lost() {
    let master = Master::start().await;
    let framework = master.framework().await;
    master.send(&json!({"type": "UPDATE"}));
    broken(framework, "an event of the type UPDATE has no `update`").await;
}
