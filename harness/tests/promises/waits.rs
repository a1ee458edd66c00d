//! P11: what a scenario waits for, by the clients of its cluster and without a word of containers and logs.

use harness::component::{mesos_agent, mesos_master};
use harness::docker::container;
use harness::report::Outcome;

use crate::child::{self, Child};
use crate::owner_of::{self, READY, WAITS, says};
use crate::record;

fn container(child: &Child, node: &str, component: &str) -> String {
    format!("{}-{node}-{component}", child.name)
}

/// Killed from outside: the scenario did nothing to it. The deadline of the wait is an hour, so that it is not what ends
/// it.
#[tokio::test]
async fn a_component_that_dies_ends_what_its_scenario_waits_for() {
    let child = Child::new("bereft").await;
    let mut owner = owner_of::command(&child, &child.name, WAITS);
    owner.env("HARNESS_DEADLINES", "TASK_STATE=3600");
    let mut owner = owner.spawn().expect("it starts");
    says(&mut owner, READY).await;
    let agent = container(&child, "mesos-slave1", mesos_agent::NAME);

    container::kill(&child.engine, &agent).await.expect("it runs");

    let ended = child::end(owner).await;
    ended.assert_code(101);
    ended.assert_says(&[
        &format!("the container {agent} exited with status 137 while waiting until"),
        "stays",
        &format!("last lines of {agent}:\n"),
        "Launching executor",
    ]);
    assert_eq!(record(&child, "owner.ends").outcome, Some(Outcome::Failed));
    child.assert_nothing_left().await;
}

#[tokio::test]
async fn what_a_scenario_waits_for_in_vain_shows_the_logs_that_matter() {
    let child = Child::new("in-vain").await;
    let mut owner = owner_of::command(&child, &child.name, WAITS);
    owner.env("HARNESS_DEADLINES", "TASK_STATE=15");

    let ended = child::end(owner.spawn().expect("it starts")).await;
    ended.assert_code(101);
    ended.assert_says(&[
        "in vain until",
        "(TASK_STATE)",
        &format!(
            "last lines of {} (Up ",
            container(&child, "mesos-master1", mesos_master::NAME)
        ),
        &format!(
            "last lines of {} (Up ",
            container(&child, "mesos-slave1", mesos_agent::NAME)
        ),
    ]);
    assert_eq!(record(&child, "owner.ends").outcome, Some(Outcome::Failed));
    child.assert_nothing_left().await;
}
