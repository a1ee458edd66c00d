//! The scheduler against an in-process master that streams what a test tells it to, and records every call.

mod endings;
mod group;
mod master;
mod revive;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::post;
use serde_json::{Value, json};

use super::{Framework, FrameworkSpec, TaskSpec};
use crate::Kind;
use crate::await_until::{Probe, Wait};
use crate::client::mesos::TaskState;
use crate::client::testing::serve;
use crate::deadlines::Deadline;
use master::{LONG, Master};

const SHORT: Deadline = Deadline::custom("SHORT", Duration::from_millis(80));

#[tokio::test]
async fn a_task_runs_to_its_end_and_every_update_is_acknowledged() {
    let master = Master::start().await;
    let framework = master.framework().await;
    assert_eq!(framework.id().as_str(), "m-0000");
    master.offer("O1", "S0", 4.0);
    let task = framework
        .run(TaskSpec::command("hello", "echo hi").id("t-1"))
        .await
        .expect("it is launched");
    assert_eq!((task.agent_id().as_str(), task.hostname()), ("S0", "host-S0"));
    assert_eq!(task.state(), TaskState::TaskStaging);

    let accept = master.call("ACCEPT", 1).await;
    assert_eq!(accept["framework_id"]["value"], "m-0000");
    assert_eq!(accept["accept"]["offer_ids"], json!([{"value": "O1"}]));
    assert_eq!(
        accept["accept"]["operations"][0]["launch"]["task_infos"][0]["task_id"]["value"],
        "t-1"
    );

    master.update("t-1", "TASK_RUNNING", Some("AAA="));
    task.await_state(TaskState::TaskRunning).await.expect("it runs");
    master.update("t-1", "TASK_RUNNING", Some("AAA="));
    master.update("t-1", "TASK_FINISHED", Some("BBB="));
    let end = task.await_terminal().await.expect("it ends");
    assert_eq!(end.state, TaskState::TaskFinished);
    assert_eq!(
        task.await_state(TaskState::TaskRunning).await.expect("it was").state,
        TaskState::TaskRunning
    );
    assert_eq!(task.history().len(), 2, "an update that comes again counts once");

    master.call("ACKNOWLEDGE", 3).await;
    let acknowledged: Vec<Value> = master
        .calls("ACKNOWLEDGE")
        .iter()
        .map(|call| call["acknowledge"]["uuid"].clone())
        .collect();
    assert_eq!(acknowledged, ["AAA=", "AAA=", "BBB="]);
    framework.finish().await.expect("nothing went wrong");
    assert_eq!(master.calls("TEARDOWN").len(), 1);
}

#[tokio::test]
async fn an_update_without_uuid_is_not_acknowledged() {
    let master = Master::start().await;
    let framework = master.framework().await;
    master.offer("O1", "S0", 4.0);
    let task = framework
        .run(TaskSpec::command("t", "true").id("t-1"))
        .await
        .expect("launched");
    master.update("t-1", "TASK_LOST", None);
    task.await_terminal().await.expect("it ends");
    framework.finish().await.expect("nothing went wrong");
    assert!(master.calls("ACKNOWLEDGE").is_empty());
}

#[tokio::test]
async fn offers_are_kept_at_first_and_declined_when_nobody_waits() {
    let master = Master::start().await;
    let framework = master.framework().await;
    master.offer("O1", "S0", 4.0);
    master.offer("O2", "S1", 4.0);
    let held = framework
        .await_offer("is of S1", |offer| offer.hostname == "host-S1")
        .await
        .expect("it comes");
    assert_eq!(held.id.as_str(), "O2");
    assert_eq!(framework.offers().len(), 2);
    assert!(
        master.calls("DECLINE").is_empty(),
        "nothing is declined before the first task"
    );

    framework
        .run(TaskSpec::command("t", "true"))
        .await
        .expect("launched on O1");
    master.offer("O3", "S0", 3.9);
    let decline = master.call("DECLINE", 1).await;
    assert_eq!(decline["decline"]["offer_ids"], json!([{"value": "O3"}]));
    assert!(
        decline["decline"]["filters"]["refuse_seconds"]
            .as_f64()
            .is_some_and(|seconds| seconds > 5.0)
    );
    framework
        .launch(&held, TaskSpec::command("t", "true"))
        .await
        .expect("O2 was held all the while");
    assert!(master.calls("REVIVE").is_empty());

    let running = framework.run(TaskSpec::command("again", "true"));
    let (task, ()) = tokio::join!(running, async {
        master.call("REVIVE", 1).await;
        master.offer("O4", "S0", 3.9);
    });
    task.expect("the filters were lifted and an offer came");
    framework.finish().await.expect("nothing went wrong");
}

#[tokio::test]
async fn several_offers_of_one_agent_hold_one_task() {
    let master = Master::start().await;
    let framework = master.framework().await;
    master.offer("O1", "S0", 1.5);
    master.offer("O2", "S1", 1.0);
    master.offer("O3", "S0", 1.0);
    framework
        .run(TaskSpec::command("t", "true").resources(2.0, 32.0))
        .await
        .expect("O1 and O3 hold it together");
    let accept = master.call("ACCEPT", 1).await;
    assert_eq!(accept["accept"]["offer_ids"], json!([{"value": "O1"}, {"value": "O3"}]));
    assert_eq!(
        master.call("DECLINE", 1).await["decline"]["offer_ids"],
        json!([{"value": "O2"}])
    );
    framework.finish().await.expect("nothing went wrong");
}

#[tokio::test]
async fn tasks_run_together_share_offers_and_keep_their_order() {
    let master = Master::start().await;
    let framework = master.framework().await;
    master.offer("O1", "S0", 2.5);
    let spec = |name: &str, cpus| TaskSpec::command(name, "true").id(name).resources(cpus, 32.0);
    let specs = [
        spec("a", 2.0),
        spec("b", 1.0),
        spec("c", 0.5),
        spec("d", 1.0).on_agent("S1".into()),
    ];
    let (handles, ()) = tokio::join!(framework.run_all(specs), async {
        master.call("ACCEPT", 1).await;
        master.offer("O2", "S1", 4.0);
    });
    let ran: Vec<(String, String)> = handles
        .expect("all are launched")
        .iter()
        .map(|task| (task.id().to_string(), task.agent_id().to_string()))
        .collect();
    let on = |task: &str, agent: &str| (task.to_owned(), agent.to_owned());
    assert_eq!(ran, [on("a", "S0"), on("b", "S1"), on("c", "S0"), on("d", "S1")]);
    assert_eq!(master.calls("ACCEPT").len(), 2);
    assert_eq!(
        master.calls("REVIVE").len(),
        1,
        "what is left over is asked for while a task waits, and only then"
    );
    framework.finish().await.expect("nothing went wrong");
}

#[tokio::test]
async fn a_task_that_nothing_holds_is_never_launched_and_the_reason_is_told() {
    let master = Master::start().await;
    let framework = master.framework().await;
    master.offer("O1", "S0", 4.0);
    Wait::that("the offer is there", LONG)
        .until(async || match framework.offers().len() {
            0 => Probe::NotYet("none".to_owned()),
            _ => Probe::Ready(()),
        })
        .await
        .expect("it comes");
    let spec = TaskSpec::command("greedy", "true").resources(8.0, 32.0);
    let error = framework
        .run_within(spec.clone(), SHORT)
        .await
        .expect_err("8 is more than 4");
    assert_eq!(error.kind(), Kind::Deadline);
    let text = error.explain();
    assert!(
        text.contains("host-S0: cpus short by 4 (has 4)"),
        "what the offers lack: {text}"
    );
    assert!(
        text.contains("no agent can ever run it: asks for cpus 8"),
        "what the agents lack: {text}"
    );
    assert_eq!(framework.shortfall(&spec).await.expect("agents").agents.len(), 1);

    let elsewhere = TaskSpec::command("t", "true").on_agent("S9".into());
    let error = framework
        .run_within(elsewhere, SHORT)
        .await
        .expect_err("there is no S9");
    assert!(error.explain().contains("its id is S0, not S9"), "{error:?}");
    framework.finish().await.expect("nothing went wrong");
    assert!(master.calls("ACCEPT").is_empty());
}

#[tokio::test]
async fn a_rescinded_offer_cannot_be_used() {
    let master = Master::start().await;
    let framework = master.framework().await;
    master.offer("O1", "S0", 4.0);
    let offer = framework.await_offer("comes", |_| true).await.expect("it comes");
    master.send(&json!({"type": "RESCIND", "rescind": {"offer_id": {"value": "O1"}}}));
    Wait::that("the offer is gone", LONG)
        .until(async || match framework.offers().len() {
            0 => Probe::Ready(()),
            count => Probe::NotYet(format!("{count} offers")),
        })
        .await
        .expect("it goes");
    let error = framework
        .launch(&offer, TaskSpec::command("t", "true"))
        .await
        .expect_err("it is gone");
    assert!(error.to_string().contains("no longer stands"), "{error}");
    framework.finish().await.expect("nothing went wrong");
}

#[tokio::test]
async fn an_offer_that_is_too_small_is_given_back() {
    let master = Master::start().await;
    let framework = master.framework().await;
    master.offer("O1", "S0", 1.0);
    let offer = framework.await_offer("comes", |_| true).await.expect("it comes");
    let specs = [0.6, 0.6].map(|cpus| TaskSpec::command("t", "true").resources(cpus, 32.0));
    let error = framework
        .launch_all(&offer, specs)
        .await
        .expect_err("1.2 is more than 1");
    assert!(error.to_string().contains("cpus"), "{error}");
    assert_eq!(
        master.call("DECLINE", 1).await["decline"]["offer_ids"],
        json!([{"value": "O1"}])
    );
    framework.finish().await.expect("nothing went wrong");
    assert!(master.calls("ACCEPT").is_empty());
}

#[tokio::test]
async fn a_wait_for_a_state_that_can_no_longer_be_ends_at_once() {
    let master = Master::start().await;
    let framework = master.framework().await;
    master.offer("O1", "S0", 4.0);
    let task = framework
        .run(TaskSpec::command("t", "false").id("t-1"))
        .await
        .expect("launched");
    master.update("t-1", "TASK_FAILED", None);
    let error = task.await_state(TaskState::TaskRunning).await.expect_err("it failed");
    assert_eq!(error.kind(), Kind::Answer);
    assert!(
        error
            .to_string()
            .contains("the task t-1 is over: TASK_FAILED: as the test says"),
        "{error}"
    );
    framework.finish().await.expect("nothing went wrong");
}

#[tokio::test]
async fn kill_and_reconcile_name_task_and_agent() {
    let master = Master::start().await;
    let framework = master.framework().await;
    master.offer("O1", "S0", 4.0);
    let task = framework
        .run(TaskSpec::command("t", "sleep 9").id("t-1"))
        .await
        .expect("launched");
    task.kill().await.expect("accepted");
    task.kill_within(Duration::from_secs(2)).await.expect("accepted");
    task.reconcile().await.expect("accepted");
    framework.reconcile().await.expect("accepted");
    framework.suppress().await.expect("accepted");
    framework.revive().await.expect("accepted");
    let whom = json!({"task_id": {"value": "t-1"}, "agent_id": {"value": "S0"}});
    assert_eq!(master.calls("KILL")[0]["kill"], whom);
    assert_eq!(
        master.calls("KILL")[1]["kill"]["kill_policy"]["grace_period"]["nanoseconds"],
        2_000_000_000_i64
    );
    assert_eq!(master.calls("RECONCILE")[0]["reconcile"], json!({"tasks": [whom]}));
    assert_eq!(master.calls("RECONCILE")[1]["reconcile"], json!({"tasks": []}));
    assert_eq!((master.calls("SUPPRESS").len(), master.calls("REVIVE").len()), (1, 1));
    framework.finish().await.expect("nothing went wrong");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_framework_leaves_and_a_surviving_one_is_torn_down() {
    let master = Master::start().await;
    drop(master.framework().await);
    let stream = || master.inner.stream.lock().expect("no panic").clone();
    Wait::that("the connection is closed", LONG)
        .until(async || match stream().is_none_or(|stream| stream.is_closed()) {
            true => Probe::Ready(()),
            false => Probe::NotYet("it is open".to_owned()),
        })
        .await
        .expect("it closes");
    assert!(master.calls("TEARDOWN").is_empty());

    let spec = FrameworkSpec::new("survivor").failover_timeout(Duration::from_secs(60));
    drop(Framework::subscribe(&master.base, spec).await.expect("taken"));
    assert_eq!(master.calls("TEARDOWN").len(), 1, "the drop waits for the answer");
}

#[tokio::test]
async fn a_framework_comes_back_under_its_id() {
    let master = Master::start().await;
    let spec = FrameworkSpec::new("test").failover_timeout(Duration::from_secs(60));
    let framework = Framework::subscribe(&master.base, spec.clone()).await.expect("taken");
    let id = framework.disconnect().await;
    assert!(master.calls("TEARDOWN").is_empty());
    let framework = Framework::subscribe(&master.base, spec.id(id))
        .await
        .expect("taken again");
    let again = master.calls("SUBSCRIBE").pop().expect("two calls");
    assert_eq!(again["framework_id"]["value"], "m-0000");
    assert_eq!(again["subscribe"]["framework_info"]["id"]["value"], "m-0000");
    framework.finish().await.expect("nothing went wrong");
}

#[tokio::test]
async fn the_leader_is_followed_and_waited_for() {
    let leader = Master::start().await;
    let location = format!("{}/master/api/v1/scheduler", leader.base.trim_start_matches("http:"));
    let asked = Arc::new(Mutex::new(0));
    let follower = Router::new().route(
        "/api/v1/scheduler",
        post(async move || {
            let mut asked = asked.lock().expect("no panic");
            *asked += 1;
            match *asked {
                1 | 2 => (StatusCode::SERVICE_UNAVAILABLE, "No leader elected").into_response(),
                _ => (StatusCode::TEMPORARY_REDIRECT, [("location", location.clone())]).into_response(),
            }
        }),
    );
    let follower = serve(follower).await;
    let framework = Framework::subscribe(&follower, FrameworkSpec::new("test"))
        .await
        .expect("the leader takes it");
    assert_eq!(framework.master(), format!("{}/", leader.base));
    leader.offer("O1", "S0", 4.0);
    framework
        .run(TaskSpec::command("t", "true"))
        .await
        .expect("calls go to the leader");
    framework.finish().await.expect("nothing went wrong");
}

#[tokio::test]
async fn a_refusal_by_the_leader_is_final() {
    let master = Master::start().await;
    master.refuse(
        "SUBSCRIBE",
        StatusCode::BAD_REQUEST,
        "Failed to validate scheduler::Call",
    );
    let error = Framework::subscribe(&master.base, FrameworkSpec::new("test"))
        .await
        .expect_err("refused");
    assert_eq!(error.kind(), Kind::Answer);
    assert!(
        error.explain().contains("Failed to validate scheduler::Call"),
        "{error:?}"
    );
    assert_eq!(master.calls("SUBSCRIBE").len(), 1);
}
