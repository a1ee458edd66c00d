//! The promises of a lease, on a real engine: however its owner ends, what it made is removed, and nothing else is.
//!
//! Owners are processes of their own: the program, or this test binary, which runs [`owner`] in a child.

#[path = "../child/mod.rs"]
mod child;
#[path = "../child/foreign.rs"]
mod foreign;
#[path = "../child/gate.rs"]
mod gate;
#[path = "owner.rs"]
mod owner_of;
#[allow(dead_code, reason = "the gate uses a part of it")]
#[path = "../child/refusing.rs"]
mod refusing;

use std::time::Duration;

use bollard::models::{NetworkConnectRequest, NetworkDisconnectRequest};
use child::Child;
use foreign::Foreign;
use gate::Gate;
use nix::sys::signal::{Signal, kill};
use owner_of::{DROPS_ITS_BOOT, PANICS, PANICS_IN_ITS_BOOT, RETURNS, UP, creating, go_on, lines_to, owner_that};
use rstest::rstest;

/// For what no code of its owner can remove. The promise is ten seconds, which `promises` holds to alone on the machine and
/// `make bench` measures; beside other tests it may take longer.
const REAPED: Duration = Duration::from_secs(60);

/// Not a test of its own: what the children of the tests here are.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "other tests run it, in a child"]
async fn owner() -> harness::Result<()> {
    owner_of::act().await
}

/// `harness up`, until its lease owns the cluster's network.
async fn booting(child: &Child) -> (tokio::process::Child, String) {
    let running = up(child).spawn().expect("it starts");
    let lease = child.lease().await;
    (running, lease)
}

/// `harness up`, held before its first container: its network is there, and nothing else is asked of the engine.
async fn held(child: &Child) -> (tokio::process::Child, String, Gate) {
    held_at(child, "/containers/create").await
}

/// `harness up`, held at the first request to make or start what `part` of a path says.
async fn held_at(child: &Child, part: &'static str) -> (tokio::process::Child, String, Gate) {
    let gate = Gate::closed_to(child.folder.path(), "POST", part);
    let running = up(child).env("DOCKER_HOST", gate.address()).spawn();
    gate.holds_one().await;
    (running.expect("it starts"), child.lease().await, gate)
}

fn up(child: &Child) -> tokio::process::Command {
    let args = [&["up", "--name", &child.name], &child::BARE[..]].concat();
    child.command(env!("CARGO_BIN_EXE_harness"), &args)
}

#[tokio::test]
async fn kill_9_in_the_middle_of_a_boot_leaves_all_to_the_reaper() {
    let child = Child::new("kill9").await;
    let foreign = Foreign::new(&child).await;
    let (mut up, lease) = booting(&child).await;
    let reaper = child::reaper_of(&lease);
    // Stopped, so that what is there at the owner's end can be looked at.
    kill(reaper, Signal::SIGSTOP).expect("it is ours");
    child::send(&up, Signal::SIGKILL);
    up.wait().await.expect("it ends");
    assert!(!child.objects().await.is_empty(), "the owner itself removed nothing");
    kill(reaper, Signal::SIGCONT).expect("it is ours");
    child.assert_gone_within(REAPED).await;
    foreign.assert_untouched().await;
}

#[tokio::test]
async fn a_signal_in_the_middle_of_a_boot_removes_all_before_the_end() {
    // The second comes while the boot waits for a container, whose removal it must not take for a failure.
    for (signal, code, after) in [
        (Signal::SIGTERM, 143, "network"),
        (Signal::SIGINT, 130, "mesos-slave1-mesos-agent"),
        (Signal::SIGHUP, 129, "mesos-master1-zookeeper"),
    ] {
        let child = Child::new("signal").await;
        let foreign = Foreign::new(&child).await;
        let (up, lease) = booting(&child).await;
        child.object(after).await;
        // It does not help.
        let reaper = child::reaper_of(&lease);
        kill(reaper, Signal::SIGSTOP).expect("it is ours");
        child::send(&up, signal);
        let ended = child::end(up).await;
        let left = child.objects().await;
        kill(reaper, Signal::SIGCONT).expect("it is ours");
        assert_eq!(left, Vec::<String>::new(), "{signal}");
        ended.assert_code(code);
        ended.assert_says(&["removing what was created"]);
        assert!(!ended.stderr.contains("error:"), "{}", ended.stderr);
        assert!(!child.evidence().exists(), "a removed container is no failed one");
        foreign.assert_untouched().await;
    }
}

/// Whatever is asked of the engine when the signal comes is removed as well.
#[tokio::test]
async fn a_signal_removes_what_is_created_at_that_moment() {
    let child = Child::new("creates").await;
    let (owner, lease) = creating(&child).await;
    let reaper = child::reaper_of(&lease);
    kill(reaper, Signal::SIGSTOP).expect("it is ours");
    child::send(&owner, Signal::SIGTERM);
    let ended = child::end(owner).await;
    let left = child.objects().await;
    kill(reaper, Signal::SIGCONT).expect("it is ours");
    assert_eq!(left, Vec::<String>::new(), "{}", ended.stderr);
    assert_eq!(ended.status.code(), Some(143), "{}", ended.stderr);
}

#[tokio::test]
async fn the_reaper_removes_what_is_created_at_the_moment_of_a_kill_9() {
    let child = Child::new("creates").await;
    let (mut owner, lease) = creating(&child).await;
    let reaper = child::reaper_of(&lease);
    child::send(&owner, Signal::SIGKILL);
    owner.wait().await.expect("it ends");
    child.assert_gone_within(REAPED).await;
    child::await_end_of(reaper).await;
    child.assert_nothing_left().await;
}

/// The engine holds nothing of it yet when it is killed, and makes the cluster's network afterwards.
#[tokio::test]
async fn kill_9_while_the_first_object_is_asked_for_leaves_nothing() {
    let child = Child::new("first").await;
    let gate = Gate::closed_to(child.folder.path(), "POST", "/networks/create");
    let mut up = up(&child)
        .env("DOCKER_HOST", gate.address())
        .spawn()
        .expect("it starts");
    gate.holds_one().await;
    let reaper = child::reaper_of(&child.only_lease());
    // Its looks begin when the engine has made the network, however long that takes.
    kill(reaper, Signal::SIGSTOP).expect("it is ours");
    child::send(&up, Signal::SIGKILL);
    up.wait().await.expect("it ends");
    gate.open();
    gate.one_passed().await;
    kill(reaper, Signal::SIGCONT).expect("it is ours");
    child::await_end_of(reaper).await;
    child.assert_nothing_left().await;
}

#[tokio::test]
async fn a_second_ctrl_c_ends_at_once_and_leaves_the_rest_to_the_reaper() {
    let child = Child::new("twice").await;
    // No removal comes to an end before the gate opens: who ends before that did not wait for one.
    let gate = Gate::closed_to(child.folder.path(), "DELETE", "/");
    let up = up(&child)
        .env("DOCKER_HOST", gate.address())
        .spawn()
        .expect("it starts");
    let lease = child.lease().await;
    child::send(&up, Signal::SIGINT);
    gate.holds_one().await;
    child::send(&up, Signal::SIGINT);
    let ended = child::end(up).await;
    ended.assert_code(130);
    ended.assert_says(&["removing what was created", "leaving at once"]);
    assert_ne!(child.objects().await, Vec::<String>::new());
    let reaper = child::reaper_of(&lease);
    gate.open();
    child.assert_gone_within(REAPED).await;
    child::await_end_of(reaper).await;
}

/// A plain `cargo nextest run` sweeps as `up` and `conform` do, and so does `cargo test`, whose processes have no run's id.
#[rstest]
#[case::of_nextest(Some(uuid::Uuid::new_v4().to_string()))]
#[case::of_cargo(None)]
#[tokio::test]
async fn the_first_lease_of_the_next_run_sweeps(#[case] run: Option<String>) {
    let child = Child::new("next").await;
    let (mut up, lease, _gate) = held(&child).await;
    kill(child::reaper_of(&lease), Signal::SIGKILL).expect("it is ours");
    child::send(&up, Signal::SIGKILL);
    up.wait().await.expect("it ends");
    assert_ne!(child.objects().await, Vec::<String>::new(), "nobody removed it");

    let mut next = owner_that(&child, RETURNS);
    match run {
        Some(run) => next.env("NEXTEST_RUN_ID", run),
        None => next.env_remove("NEXTEST_RUN_ID"),
    };
    let mut next = next.spawn().expect("it starts");
    go_on(&mut next).await;
    child::end(next)
        .await
        .assert_says(&["no node mesos-slave7 runs in the cluster"]);
    child.assert_nothing_left().await;
}

/// Both killed: only a sweep can know. It takes what was never handed over, of a cluster that was to be kept too.
#[tokio::test]
async fn owner_and_reaper_killed_leave_all_to_the_sweep() {
    let child = Child::new("sweep").await;
    let foreign = Foreign::new(&child).await;
    let beside = Child::new("beside").await;
    beside.harness("up", &["--slaves", "0"]).await.assert_code(0);
    let kept = beside.objects().await;

    // Every container is made, and those of ZooKeeper and the nodes run.
    let (mut up, lease, _gate) = held_at(&child, "mesos-master/start").await;
    let nothing = child.program(&["sweep"], &[]).await;
    nothing.assert_code(0);
    nothing.assert_says(&["0 leftovers removed"]);
    kill(child::reaper_of(&lease), Signal::SIGKILL).expect("it is ours");
    child::send(&up, Signal::SIGKILL);
    up.wait().await.expect("it ends");
    let left = child.objects().await;
    for kind in ["container ", "network ", "volume "] {
        assert!(left.iter().any(|object| object.starts_with(kind)), "{kind} of {left:?}");
    }

    // Another user's sweep, or one on another machine, knows nothing of this lease, and leaves it alone.
    beside.program(&["sweep"], &[]).await.assert_code(0);
    assert_eq!(child.objects().await, left);

    let swept = child.program(&["sweep"], &[]).await;
    swept.assert_code(0);
    swept.assert_says(&[&format!("removed network {}", child.name)]);
    child.assert_nothing_left().await;
    assert_eq!(beside.objects().await, kept);
    beside.harness("down", &[]).await.assert_code(0);
    foreign.assert_untouched().await;
}

/// `up` clears away what a dead run left, and says so.
#[tokio::test]
async fn the_next_up_sweeps() {
    let child = Child::new("next").await;
    let (mut dead, lease, _gate) = held(&child).await;
    kill(child::reaper_of(&lease), Signal::SIGKILL).expect("it is ours");
    child::send(&dead, Signal::SIGKILL);
    dead.wait().await.expect("it ends");
    let up = child.harness("up", &["--slaves", "0"]).await;
    up.assert_code(0);
    up.assert_says(&["removed what a dead run left behind", " is up after "]);
    child.harness("down", &[]).await.assert_code(0);
    child.assert_nothing_left().await;
}

#[tokio::test]
async fn a_cluster_outlives_up_until_down() {
    let child = Child::new("keep").await;
    let foreign = Foreign::new(&child).await;
    child.harness("up", &[]).await.assert_code(0);
    // Added by a later command, without a lease of its own.
    child.harness("start", &["mesos-slave2"]).await.assert_code(0);
    let there = child.objects().await;
    for part in [
        "mesos-slave1-mesos-agent",
        "mesos-slave2-mesos-agent",
        "mesos-slave2-work",
    ] {
        assert!(
            there.iter().any(|object| object.ends_with(part)),
            "{part} is among {there:?}"
        );
    }
    child.program(&["sweep"], &[]).await.assert_code(0);
    assert_eq!(child.objects().await, there, "a sweep leaves it alone");
    child.harness("status", &[]).await.assert_says(&["mesos-slave2"]);

    child.harness("down", &[]).await.assert_code(0);
    child.assert_nothing_left().await;
    foreign.assert_untouched().await;
}

fn assert_logs_were_kept(child: &Child) {
    let text = kept_log(child, "mesos-master");
    assert!(text.contains("Elected as the leading master"), "{text}");
}

/// The log of a component of the owner's master, as it is in the evidence.
fn kept_log(child: &Child, component: &str) -> String {
    let folder = child.evidence().join("owner.ends");
    let log = folder.join(format!("logs-{}-mesos-master1-{component}.log", child.name));
    std::fs::read_to_string(log).expect("the log was kept")
}

/// The owner does all of it: its reaper is stopped meanwhile.
#[rstest]
#[case::panic(PANICS, "as told")]
#[case::early_return(RETURNS, "no node mesos-slave7 runs in the cluster")]
#[case::panic_in_a_boot(PANICS_IN_ITS_BOOT, "as told")]
#[case::dropped_boot(DROPS_ITS_BOOT, "the boot was dropped")]
#[tokio::test]
async fn whoever_ends_early_keeps_the_logs_and_removes_all_before_its_end(#[case] ends: &str, #[case] says: &str) {
    let child = Child::new("drop").await;
    let foreign = Foreign::new(&child).await;
    let is_up = [PANICS, RETURNS].contains(&ends);
    // Every container of a boot is made then, and ZooKeeper runs.
    let gate = Gate::closed_to(child.folder.path(), "POST", "mesos-master/start");
    let mut owner = owner_that(&child, ends);
    if !is_up {
        owner.env("DOCKER_HOST", gate.address());
    }
    let mut owner = owner.spawn().expect("it starts");
    match is_up {
        true => lines_to(&mut owner, UP).await,
        false => gate.holds_one().await,
    }
    let reaper = child::reaper_of(&child.lease().await);
    kill(reaper, Signal::SIGSTOP).expect("it is ours");
    assert_ne!(child.objects().await, Vec::<String>::new());

    go_on(&mut owner).await;

    let ended = child::end(owner).await;
    let left = child.objects().await;
    kill(reaper, Signal::SIGCONT).expect("it is ours");
    assert_eq!(left, Vec::<String>::new(), "{}", ended.stderr);
    assert!(!ended.status.success(), "{ends}");
    assert!(ended.stderr.contains(says), "{says} stands in {}", ended.stderr);
    assert!(!ended.stderr.contains(UP), "{}", ended.stderr);
    match is_up {
        true => assert_logs_were_kept(&child),
        false => assert_ne!(kept_log(&child, "zookeeper"), ""),
    }
    child::await_end_of(reaper).await;
    child.assert_nothing_left().await;
    foreign.assert_untouched().await;
}

/// What nextest does to a test that takes too long.
#[tokio::test]
async fn a_hung_owner_that_is_told_to_end_keeps_the_logs_and_removes_all() {
    let child = Child::new("hung").await;
    let mut owner = owner_that(&child, "never").spawn().expect("it starts");
    lines_to(&mut owner, UP).await;
    child::send(&owner, Signal::SIGTERM);
    let status = owner.wait().await.expect("it ends");
    child.assert_nothing_left().await;
    assert_eq!(status.code(), Some(143));
    assert_logs_were_kept(&child);
}

/// The container of [`Foreign`] goes on the cluster's network too.
async fn join(child: &Child) {
    let request = NetworkConnectRequest {
        container: format!("{}-foreign", child.name),
        endpoint_config: None,
    };
    let joined = child.engine.docker().connect_network(&child.name, request).await;
    joined.expect("it is there");
}

/// It leaves that network, which it must still be on.
async fn leave(child: &Child) {
    let request = NetworkDisconnectRequest {
        container: format!("{}-foreign", child.name),
        force: None,
    };
    let left = child.engine.docker().disconnect_network(&child.name, request).await;
    left.expect("nobody took it off");
}

/// An endpoint keeps a network from going; only one without a container is nobody's.
#[tokio::test]
async fn a_persons_container_on_a_clusters_network_is_named_and_stays_there() {
    let child = Child::new("guest").await;
    let foreign = Foreign::new(&child).await;
    child.harness("up", &["--slaves", "0"]).await.assert_code(0);
    join(&child).await;
    let down = child
        .harness_with("down", &[], &[("HARNESS_DEADLINES", "TEARDOWN=5")])
        .await;
    down.assert_code(3);
    let name = &child.name;
    down.assert_says(&[&format!("a container is on the network {name}: {name}-foreign")]);
    leave(&child).await;
    child.harness("down", &[]).await.assert_code(0);
    child.assert_nothing_left().await;
    foreign.assert_untouched().await;
}

/// P14: a reaper that is told of no lease has nothing to remove, and asks no engine for anything.
#[tokio::test]
async fn a_reaper_without_a_lease_is_refused() {
    let child = Child::new("reaper").await;
    let refused = child
        .program(&["reap", ""], &[("DOCKER_HOST", "unix:///nonexistent.sock")])
        .await;
    refused.assert_code(64);
    refused.assert_says(&["a lease has an id"]);
}
