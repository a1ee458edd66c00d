//! What a cluster that runs is wrongly asked for.

use super::child::Child;

/// Of another Mesos than the default stack.
const OTHER_STACK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/stacks/mesos-1.9.toml");

/// One cluster, and every wrong thing that can be asked of it.
#[tokio::test]
async fn what_a_running_cluster_is_wrongly_asked_for() {
    let child = Child::new("asked").await;
    let first = child.harness("up", &[]).await;
    first.assert_code(0);
    let booted = child.objects().await;
    let again = child.harness("up", &[]).await;
    again.assert_code(0);
    again.assert_says(&[&format!("the cluster {} is up already", child.name), "mesos-slave1"]);
    let other = child.harness("up", &["--stack", OTHER_STACK]).await;
    other.assert_code(64);
    other.assert_says(&["is up already, of the stack default and not of", "harness down"]);
    assert_eq!(child.objects().await, booted, "nothing was made");

    of_nodes_that_run(&child).await;
    of_nodes_that_are_stopped(&child).await;
    child.harness("down", &[]).await.assert_code(0);
    child.assert_nothing_left().await;
}

/// `harness VERB ARGS…` is wrong usage, and says each of `parts`.
async fn refuses(child: &Child, verb: &str, args: &[&str], parts: &[&str]) {
    let ended = child.harness(verb, args).await;
    ended.assert_code(64);
    ended.assert_says(parts);
}

async fn of_nodes_that_run(child: &Child) {
    let name = &child.name;
    refuses(
        child,
        "start",
        &["mesos-slave1"],
        &[
            "mesos-slave1 runs already",
            &format!("`harness stop --name {name} mesos-slave1`"),
        ],
    )
    .await;
    refuses(
        child,
        "start",
        &["mesos-master2"],
        &[
            "was booted without mesos-master2",
            "expected: mesos-master1, its only master, or any slave",
        ],
    )
    .await;
    refuses(
        child,
        "logs",
        &["mesos-master1", "mesos-agent"],
        &[
            "mesos-master1 has no component mesos-agent",
            "expected: one of zookeeper, mesos-master",
        ],
    )
    .await;
}

async fn of_nodes_that_are_stopped(child: &Child) {
    let name = &child.name;
    child.harness("stop", &["mesos-slave1"]).await.assert_code(0);
    let start = format!("`harness start --name {name} mesos-slave1` starts it");
    refuses(
        child,
        "ssh",
        &["mesos-slave1"],
        &["no node mesos-slave1 runs", "expected: one of mesos-master1", &start],
    )
    .await;
    refuses(child, "stop", &["mesos-slave1"], &["no node mesos-slave1 runs"]).await;
    refuses(child, "logs", &["mesos-slave7"], &["no node mesos-slave7 runs"]).await;
    // The engine keeps the log of what has stopped.
    let log = child.harness("logs", &["mesos-slave1"]).await;
    log.assert_code(0);
    log.assert_says(&["Registered with master"]);

    child.harness("stop", &["mesos-master1"]).await.assert_code(0);
    let cluster = harness::Cluster::attach(child.engine.clone(), name)
        .await
        .expect("it is up");
    assert_eq!(
        cluster.master().address(),
        cluster.subnet().address(11),
        "a stopped master has its address"
    );
    cluster.mesos().version().await.expect_err("and answers nothing");
    refuses(
        child,
        "start",
        &["mesos-slave1"],
        &[
            "no master runs in the cluster",
            &format!("harness start --name {name} mesos-master1"),
        ],
    )
    .await;
    refuses(
        child,
        "ssh",
        &["mesos-slave1"],
        &["expected: a node that runs; none does"],
    )
    .await;
    child.harness("start", &["mesos-master1"]).await.assert_code(0);
}
