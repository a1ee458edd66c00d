//! The promises of a lease, on a real engine: however its owner ends, what it made is removed, and nothing else is.
//!
//! Owners are processes of their own: the program, or this test binary, which runs [`owner`] in a child.

mod child;
#[path = "child/gate.rs"]
mod gate;
#[allow(dead_code, reason = "the gate uses a part of it")]
#[path = "child/refusing.rs"]
mod refusing;

use std::process::Stdio;
use std::time::Duration;

use bollard::models::{ContainerCreateBody, NetworkCreateRequest};
use bollard::query_parameters::{CreateContainerOptionsBuilder, RemoveContainerOptionsBuilder, RemoveImageOptions};
use child::Child;
use futures_util::future::try_join_all;
use gate::Gate;
use harness::Cluster;
use harness::docker::{Engine, volume};
use harness::lease::Lease;
use nix::sys::signal::{Signal, kill};
use tokio::io::{AsyncBufReadExt as _, BufReader};

/// The promise for what no code of its owner can remove.
const REAPED: Duration = Duration::from_secs(10);
/// Tells [`owner`] how to end, and names its cluster.
const OWNER_ENDS: &str = "TEST_OWNER_ENDS";
const OWNER_CLUSTER: &str = "TEST_OWNER_CLUSTER";
/// The end of an owner that never gets anything whole.
const CREATES: &str = "creates for ever";
/// What [`owner`] says when its cluster is up.
const UP: &str = "the cluster of the owner is up";

/// A container and a network that are none of ours, present while a test runs, and gone after it.
struct Foreign {
    engine: Engine,
    name: String,
    ids: [String; 2],
}

impl Foreign {
    async fn new(child: &Child) -> Self {
        let (engine, name) = (child.engine.clone(), format!("foreign-{}", child.name));
        let docker = engine.docker();
        // Not of an image of ours: a container has the labels of its image.
        child::import_empty(&engine, &name, Vec::new()).await;
        let request = NetworkCreateRequest {
            name: name.clone(),
            ..NetworkCreateRequest::default()
        };
        let network = docker.create_network(request).await.expect("it is created");
        let body = ContainerCreateBody {
            image: Some(name.clone()),
            cmd: Some(vec!["/empty".to_owned()]),
            ..ContainerCreateBody::default()
        };
        let options = CreateContainerOptionsBuilder::new().name(&name).build();
        let container = docker
            .create_container(Some(options), body)
            .await
            .expect("it is created");
        let ids = [container.id, network.id];
        Foreign { engine, name, ids }
    }

    /// Fails where either was touched.
    async fn assert_untouched(self) {
        let docker = self.engine.docker();
        let container = docker.inspect_container(&self.name, None).await.expect("it is there");
        let network = docker.inspect_network(&self.name, None).await.expect("it is there");
        assert_eq!([container.id, network.id].map(Option::unwrap_or_default), self.ids);
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        let name = self.name.clone();
        let removal = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(async {
                // A connection is driven by the runtime that made it.
                let engine = Engine::connect().await.expect("it answers");
                let docker = engine.docker();
                let options = RemoveContainerOptionsBuilder::new().force(true).build();
                docker.remove_container(&name, Some(options)).await.expect("it goes");
                docker.remove_network(&name).await.expect("it goes");
                let image = docker.remove_image(&name, None::<RemoveImageOptions>, None).await;
                image.expect("it goes");
            });
        });
        // Its panic is told by itself; another one here, in a test that failed, would hide why.
        let _ = removal.join();
    }
}

/// `harness up`, until its lease owns the cluster's network.
async fn booting(child: &Child) -> (tokio::process::Child, String) {
    let running = up(child).spawn().expect("it starts");
    let lease = child.lease().await;
    (running, lease)
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
    child::send(&up, Signal::SIGKILL);
    up.wait().await.expect("it ends");
    gate.open();
    gate.one_passed().await;
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

/// A plain `cargo nextest run` sweeps as `up` and `conform` do.
#[tokio::test]
async fn the_first_lease_of_the_next_run_sweeps() {
    let child = Child::new("next").await;
    let (mut up, lease) = booting(&child).await;
    kill(child::reaper_of(&lease), Signal::SIGKILL).expect("it is ours");
    child::send(&up, Signal::SIGKILL);
    up.wait().await.expect("it ends");
    assert_ne!(child.objects().await, Vec::<String>::new(), "nobody removed it");

    let next_run = uuid::Uuid::new_v4().to_string();
    let mut next = owner_that(&child, "returns early");
    let next = next.env("NEXTEST_RUN_ID", next_run).spawn().expect("it starts");
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

    let (mut up, lease) = booting(&child).await;
    let nothing = child.program(&["sweep"], &[]).await;
    nothing.assert_code(0);
    nothing.assert_says(&["0 leftovers removed"]);
    kill(child::reaper_of(&lease), Signal::SIGKILL).expect("it is ours");
    child::send(&up, Signal::SIGKILL);
    up.wait().await.expect("it ends");
    let left = child.objects().await;
    assert!(!left.is_empty(), "nobody removed it");

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
    let (mut dead, lease) = booting(&child).await;
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

/// Not a test of its own: the owner of a cluster, as a scenario is, that ends as the test around it wants.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "other tests run it, in a child"]
async fn owner() -> harness::Result<()> {
    let (Ok(ends), Ok(name)) = (std::env::var(OWNER_ENDS), std::env::var(OWNER_CLUSTER)) else {
        return Ok(());
    };
    if ends == CREATES {
        return create_for_ever(&name).await;
    }
    let cluster = Cluster::builder().name(name).slaves(0).boot().await?;
    eprintln!("{UP}");
    match ends.as_str() {
        "panics" => panic!("as told"),
        "returns early" => return cluster.slave(7).map(drop),
        // What a test runner ends by a signal: it blocks its runtime, as a loop without an end does.
        _ => loop {
            std::thread::park();
        },
    }
}

/// Volumes under a lease, as fast as the engine makes them.
async fn create_for_ever(name: &str) -> harness::Result<()> {
    let engine = Engine::connect().await?;
    let lease = Lease::take(&engine, CREATES, false).await?;
    eprintln!("{}", lease.id());
    let makers = (0..8).map(async |maker| {
        for number in 0_u64.. {
            volume::create(&engine, &format!("{name}-{maker}-{number}"), lease.labels().clone()).await?;
        }
        Ok(())
    });
    try_join_all(makers).await.map(drop)
}

/// An owner that creates for ever, and its lease, as soon as something is there.
async fn creating(child: &Child) -> (tokio::process::Child, String) {
    let mut owner = owner_that(child, CREATES).spawn().expect("it starts");
    let mut lease = String::new();
    let mut errors = BufReader::new(owner.stderr.as_mut().expect("it is piped"));
    errors.read_line(&mut lease).await.expect("it is read");
    child.object("volume").await;
    (owner, lease.trim().to_owned())
}

/// This test binary again, to run [`owner`].
fn owner_that(child: &Child, ends: &str) -> tokio::process::Command {
    let this = std::env::current_exe().expect("it runs");
    let mut command = child.command(this, &["--exact", "owner", "--ignored", "--nocapture"]);
    command
        .env(OWNER_ENDS, ends)
        .env(OWNER_CLUSTER, &child.name)
        // As nextest names it: so its evidence is found.
        .env("NEXTEST_TEST_NAME", "owner::ends")
        .stdout(Stdio::null());
    command
}

fn assert_logs_were_kept(child: &Child) {
    let folder = child.evidence().join("owner.ends");
    let log = folder.join(format!("logs-{}-mesos-master1-mesos-master.log", child.name));
    let text = std::fs::read_to_string(&log).expect("the master's log was kept");
    assert!(text.contains("Elected as the leading master"), "{text}");
}

#[tokio::test]
async fn a_panic_and_an_early_return_keep_the_logs_and_remove_all_before_the_end() {
    for (ends, says) in [
        ("panics", "as told"),
        ("returns early", "no node mesos-slave7 runs in the cluster"),
    ] {
        let child = Child::new("drop").await;
        let foreign = Foreign::new(&child).await;
        let ended = child::end(owner_that(&child, ends).spawn().expect("it starts")).await;
        child.assert_nothing_left().await;
        assert!(!ended.status.success(), "{ends}");
        for part in [UP, says] {
            assert!(ended.stderr.contains(part), "{part} stands in {}", ended.stderr);
        }
        assert_logs_were_kept(&child);
        foreign.assert_untouched().await;
    }
}

/// What nextest does to a test that takes too long.
#[tokio::test]
async fn a_hung_owner_that_is_told_to_end_keeps_the_logs_and_removes_all() {
    let child = Child::new("hung").await;
    let mut owner = owner_that(&child, "never").spawn().expect("it starts");
    let mut lines = BufReader::new(owner.stderr.take().expect("it is piped")).lines();
    loop {
        let line = lines.next_line().await.expect("it is read").expect("it comes up");
        if line == UP {
            break;
        }
    }
    child::send(&owner, Signal::SIGTERM);
    let status = owner.wait().await.expect("it ends");
    child.assert_nothing_left().await;
    assert_eq!(status.code(), Some(143));
    assert_logs_were_kept(&child);
}
