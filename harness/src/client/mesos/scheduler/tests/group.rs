//! Groups of tasks.

use std::time::Duration;

use serde_json::json;

use super::master::Master;
use crate::client::mesos::scheduler::{TaskGroupSpec, TaskSpec};
use crate::client::mesos::task::TaskState;

fn group() -> TaskGroupSpec {
    TaskGroupSpec::new("pod")
        .task(TaskSpec::command("a", "true").id("a").resources(1.0, 32.0))
        .task(TaskSpec::command("b", "true").id("b").resources(1.0, 32.0))
}

#[tokio::test]
async fn a_group_waits_for_one_agent_that_holds_all_of_it() {
    let master = Master::start().await;
    let framework = master.framework().await;
    // Enough for the tasks, not for their executor; and the two agents do not count together.
    master.offer("O1", "S0", 2.0);
    master.offer("O2", "S1", 2.0);
    let (handles, ()) = tokio::join!(framework.run_group(group()), async {
        let early = tokio::time::timeout(Duration::from_millis(50), master.call("ACCEPT", 1)).await;
        early.expect_err("neither agent holds all of it");
        master.offer("O3", "S0", 0.5);
    });
    let handles = handles.expect("O1 and O3 hold it together");
    let ids: Vec<&str> = handles.iter().map(|task| task.id().as_str()).collect();
    assert_eq!(ids, ["a", "b"]);
    let accept = master.call("ACCEPT", 1).await["accept"].clone();
    assert_eq!(accept["offer_ids"], json!([{"value": "O1"}, {"value": "O3"}]));
    let operations = accept["operations"].as_array().expect("a list");
    assert_eq!(operations.len(), 1);
    assert_eq!(operations[0]["type"], "LAUNCH_GROUP");
    let executor = &operations[0]["launch_group"]["executor"];
    assert_eq!(
        (&executor["type"], &executor["framework_id"]["value"]),
        (&json!("DEFAULT"), &json!("m-0000"))
    );
    assert_eq!(
        master.call("DECLINE", 1).await["decline"]["offer_ids"],
        json!([{"value": "O2"}])
    );

    master.update("b", "TASK_FINISHED", Some("AAA="));
    let end = handles[1].await_terminal().await.expect("it ends");
    assert_eq!(end.state, TaskState::TaskFinished);
    assert_eq!(handles[0].state(), TaskState::TaskStaging, "each has its own updates");
    framework.finish().await.expect("nothing went wrong");
}
