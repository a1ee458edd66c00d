//! The promises of `harness/DESIGN.md` beyond those of one lease: a test runner that times out, two runs at once,
//! removals that fail, clusters that are kept, memory that is not there, a run that is killed, what a scenario waits for.

mod cgroups;
#[path = "../child/mod.rs"]
mod child;
mod crowd;
#[path = "../child/foreign.rs"]
mod foreign;
#[allow(dead_code, reason = "the tests of leases use the rest of it")]
#[path = "../child/gate.rs"]
mod gate;
mod interrupted;
mod kept;
mod memory;
mod node_docker;
#[path = "owner.rs"]
mod owner_of;
mod partition;
#[path = "../child/refusing.rs"]
mod refusing;
#[path = "../child/view.rs"]
mod view;
mod waits;

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use child::Child;
use foreign::Foreign;
use gate::Gate;
use harness::await_until::{Probe, Wait};
use harness::deadlines::Deadline;
use harness::docker::volume;
use harness::evidence::{ScenarioRecord, Verdict};
use harness::labels::{self, Labels};
use harness::report::Outcome;
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use owner_of::{EVERYTHING, HANGS, PASSES, READY, says};
use refusing::{Refusal, Refusing};
use serde_json::json;

/// The promise for what no code of its owner can remove, on a machine that is not busy with other tests.
const PROMISED: Duration = Duration::from_secs(10);
/// The same beside other tests.
const REAPED: Duration = Duration::from_secs(60);

/// Not a test of its own: what the children of the tests here are.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "other tests run it, in a child"]
async fn owner() -> Verdict {
    owner_of::act().await
}

fn record(child: &Child, attempt: &str) -> ScenarioRecord {
    let file = child.evidence().join(attempt).join("scenario.json");
    let text = std::fs::read(&file).expect("the scenario was recorded");
    serde_json::from_slice(&text).expect("it reads back")
}

/// P4, P3: nextest ends a test that takes too long by SIGTERM, and gives it a grace period.
#[tokio::test]
async fn a_test_that_nextest_times_out_keeps_its_logs_and_removes_all() {
    let child = Child::new("nextest").await;
    let foreign = Foreign::new(&child).await;
    let mut nextest = nextest(&child, "40s", "30s");
    nextest.stdout(Stdio::piped());
    let ended = child::end(nextest.spawn().expect("it starts")).await;
    child.assert_nothing_left().await;
    // That of tests that failed.
    ended.assert_code(100);
    ended.assert_says(&[READY, "TERMINATING", "TIMEOUT", "removing what was created", "removed "]);
    let record = record(&child, "owner");
    assert_eq!(
        record.outcome,
        Some(Outcome::NotRun),
        "the timeout is the runner's to tell"
    );
    assert!(record.cleanup.created > 3, "{:?}", record.cleanup);
    assert_eq!(record.cleanup.removed, record.cleanup.created);
    let log = format!("logs-{}-mesos-master1-mesos-master.log", child.name);
    assert!(record.attachments.contains(&log), "{:?}", record.attachments);
    foreign.assert_untouched().await;
}

/// P6: where the grace period is over, nextest kills the group of a test that removes yet; its reaper goes on.
#[tokio::test]
async fn a_test_that_nextest_kills_leaves_all_to_the_reaper() {
    let child = Child::new("nextest-kills").await;
    // Neither the test nor its reaper removes anything before it opens.
    let gate = Gate::closed_to(child.folder.path(), "DELETE", "/");
    let mut nextest = nextest(&child, "10s", "1s");
    nextest.stdout(Stdio::piped()).env("DOCKER_HOST", gate.address());
    let ended = child::end(nextest.spawn().expect("it starts")).await;
    ended.assert_code(100);
    ended.assert_says(&["TERMINATING", "TIMEOUT", "removing what was created"]);
    assert!(!ended.stderr.contains("removed "), "it had not ended: {}", ended.stderr);
    assert_ne!(child.objects().await, Vec::<String>::new(), "{}", ended.stderr);
    let reaper = child::reaper_of(&child.lease().await);
    gate.open();
    child.assert_gone_within(REAPED).await;
    child::await_end_of(reaper).await;
}

/// nextest over this test binary, which it need not build, with a profile that loses patience after `period`.
fn nextest(child: &Child, period: &str, grace: &str) -> tokio::process::Command {
    let root = harness::workspace::checkout();
    let metadata = std::process::Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(&root)
        .output()
        .expect("cargo is there");
    let metadata = String::from_utf8(metadata.stdout).expect("cargo writes UTF-8");
    let known: serde_json::Value = serde_json::from_str(&metadata).expect("cargo writes JSON");
    let package = known["packages"]
        .as_array()
        .and_then(|packages| packages.iter().find(|package| package["name"] == "harness"));
    let this = std::env::current_exe().expect("it runs");
    let binaries = json!({
        "rust-build-meta": {
            "target-directory": known["target_directory"],
            "base-output-directories": ["debug"],
            "non-test-binaries": {}, "build-script-out-dirs": {}, "linked-paths": [],
        },
        "rust-binaries": {"harness::promises": {
            "binary-id": "harness::promises", "binary-name": "promises", "kind": "test", "build-platform": "target",
            "package-id": package.expect("it is a package of the workspace")["id"], "binary-path": this,
        }},
    });
    let config = format!(
        "[profile.default]\nslow-timeout = {{ period = \"{period}\", terminate-after = 1, grace-period = \"{grace}\" }}\n"
    );
    let path = |path: PathBuf| path.to_str().expect("a path of ours is UTF-8").to_owned();
    let config = path(child.file("nextest.toml", &config));
    let metadata = path(child.file("cargo.json", &metadata));
    let binaries = path(child.file("binaries.json", &binaries.to_string()));
    let arguments = [
        "nextest",
        "run",
        "--config-file",
        &config,
        "--cargo-metadata",
        &metadata,
        "--binaries-metadata",
        &binaries,
        "--run-ignored",
        "only",
        "-E",
        "test(=owner)",
    ];
    let owner = owner_of::command(child, &child.name, HANGS);
    let mut command = child.command("cargo-nextest", &arguments);
    for (name, value) in owner
        .as_std()
        .get_envs()
        .filter(|(name, _)| name.to_string_lossy().starts_with("TEST_"))
    {
        command.env(name, value.expect("it is set"));
    }
    command.current_dir(root);
    command
}

/// P6, P14: a paused container cannot be told anything, and an image is no object of a cluster. The whole group of
/// processes is killed, as a test runner and the end of a terminal do it.
#[tokio::test]
async fn kill_9_of_the_group_leaves_nothing_of_any_kind() {
    let child = Child::new("everything").await;
    let foreign = Foreign::new(&child).await;
    let mut owner = owner_of::command(&child, &child.name, EVERYTHING);
    let mut owner = owner.process_group(0).spawn().expect("it starts");
    let group = owner.id().and_then(|id| i32::try_from(id).ok()).expect("it runs");
    let said = says(&mut owner, READY).await;
    let lease = said
        .iter()
        .find_map(|line| line.strip_prefix("lease "))
        .expect("it said so");
    let reaper = child::reaper_of(lease);
    kill(reaper, Signal::SIGSTOP).expect("it is ours");
    killpg(Pid::from_raw(group), Signal::SIGKILL).expect("it is ours");
    owner.wait().await.expect("it ends");
    let left = child.objects().await;
    for kind in ["container ", "network ", "volume ", "image "] {
        assert!(left.iter().any(|object| object.starts_with(kind)), "{kind} of {left:?}");
    }
    kill(reaper, Signal::SIGCONT).expect("it is ours");
    child.assert_gone_within(PROMISED).await;
    child::await_end_of(reaper).await;
    foreign.assert_untouched().await;
}

/// P8: two people, or two runs, at the same moment; and two who want the same name.
#[tokio::test]
async fn two_clusters_boot_at_once_and_do_not_meet() {
    let (one, other) = tokio::join!(Child::new("one"), Child::new("other"));
    let foreign = Foreign::new(&one).await;
    let args = &["--slaves", "1"];
    // Not yet a cluster that is up: who asks for it is told so, and nothing is made or changed.
    let gate = Gate::closed_to(one.folder.path(), "POST", "/containers/create");
    let address = gate.address();
    let held = [("DOCKER_HOST", address.as_str())];
    let first = one.harness_with("up", args, &held);
    let (first, second, third) = tokio::join!(first, other.harness("up", args), async {
        gate.holds_one().await;
        let third = one.harness("up", args).await;
        gate.open();
        third
    });
    first.assert_code(0);
    second.assert_code(0);
    third.assert_code(64);
    third.assert_says(&[
        &format!("another process boots or uses the cluster {}", one.name),
        "--name",
    ]);
    let clusters = harness::cluster::clusters(&one.engine).await.expect("it lists");
    let of = |child: &Child| {
        clusters
            .iter()
            .find(|cluster| cluster.name == child.name)
            .expect("it is up")
    };
    assert_ne!(of(&one).subnet, of(&other).subnet);
    assert_eq!(of(&one).containers.len(), of(&other).containers.len());
    one.harness("down", &[]).await.assert_code(0);
    one.assert_nothing_left().await;
    other.harness("status", &[]).await.assert_says(&["mesos-agent"]);
    other.harness("down", &[]).await.assert_code(0);
    other.assert_nothing_left().await;
    foreign.assert_untouched().await;
}

/// Who enters a node of a scenario that runs makes containers there: they belong to the scenario, and go with it.
#[tokio::test]
async fn a_look_into_a_running_scenario_goes_with_it() {
    let child = Child::new("looked").await;
    let mut owner = owner_of::command(&child, &child.name, HANGS)
        .spawn()
        .expect("it starts");
    says(&mut owner, READY).await;
    let looked = child
        .harness("ssh", &["mesos-master1", "--", "sudo", "docker", "ps"])
        .await;
    looked.assert_code(0);
    child::send(&owner, Signal::SIGTERM);
    child::end(owner).await.assert_code(143);
    child.assert_nothing_left().await;
}

/// P13: what cannot be removed is named in the error and counted in the evidence, and the next sweep takes it.
#[tokio::test]
async fn a_removal_that_fails_is_loud() {
    let child = Child::new("refused").await;
    let foreign = Foreign::new(&child).await;
    let engine = Refusing::new(
        child.folder.path(),
        Refusal {
            method: "DELETE",
            part: "/networks/",
            message: "the bridge is busy, by the test",
        },
    );
    let mut owner = owner_of::command(&child, &child.name, PASSES);
    owner
        .env("DOCKER_HOST", engine.address())
        .env("HARNESS_DEADLINES", "TEARDOWN=20");
    let ended = child::end(owner.spawn().expect("it starts")).await;
    assert!(!ended.status.success(), "{}", ended.stderr);
    let network = format!("network {}", child.name);
    ended.assert_says(&[
        &format!("1 objects of the cluster {} could not be removed", child.name),
        &format!("evidence: {network}"),
        "the bridge is busy, by the test",
        &format!("ran:      harness down --name {}", child.name),
    ]);
    let record = record(&child, "owner.ends");
    assert_eq!(record.outcome, Some(Outcome::Errored));
    assert_eq!(
        record.cleanup.created,
        record.cleanup.removed + 1,
        "{:?}",
        record.cleanup
    );
    assert!(
        record.cleanup.leaked.iter().any(|leak| leak.starts_with(&network)),
        "{:?}",
        record.cleanup
    );

    let env = [
        ("DOCKER_HOST", engine.address()),
        ("HARNESS_DEADLINES", "TEARDOWN=20".to_owned()),
    ];
    let env = env.each_ref().map(|(name, value)| (*name, value.as_str()));
    let down = child.harness_with("down", &[], &env).await;
    down.assert_code(3);
    down.assert_says(&["could not be removed", "the bridge is busy, by the test"]);
    assert_eq!(child.objects().await, std::slice::from_ref(&network));

    // Its reaper, which fares no better, holds the lease until it gives up.
    Wait::that("a sweep takes it", Deadline::custom("SWEPT", 4 * REAPED))
        .until(async || {
            let swept = child.program(&["sweep"], &[]).await;
            swept.assert_code(0);
            match swept.stdout.contains(&format!("removed {network}")) {
                true => Probe::Ready(()),
                false => Probe::NotYet(swept.stdout),
            }
        })
        .await
        .expect("it does");
    child.assert_nothing_left().await;
    foreign.assert_untouched().await;
    // What it could not do is told to whoever reads of the run.
    let told = harness::evidence::reaped(&child.folder.path().join("run"));
    let [told] = &told[..] else {
        panic!("one reaper failed: {told:?}");
    };
    assert!(
        told.contains(&network) && told.contains("the bridge is busy, by the test"),
        "{told}"
    );
}

/// P7: a run sweeps before it begins, here one whose scenarios then do not build.
#[tokio::test]
async fn a_run_sweeps_first() {
    let child = Child::new("sweeps").await;
    let foreign = Child::new("foreign").await;
    let lease = uuid::Uuid::new_v4().simple().to_string();
    for (name, lease) in [(&child.name, lease.as_str()), (&foreign.name, "another machine's")] {
        let labels = [
            (labels::HARNESS, "0"),
            (labels::LEASE, lease),
            (labels::CLUSTER, name),
            (labels::CREATED, &labels::now().to_string()),
        ];
        let labels = labels.map(|(key, value)| (key.to_owned(), value.to_owned()));
        volume::create(&child.engine, name, Labels::from(labels))
            .await
            .expect("it is made");
    }
    // Nobody holds it: its owner and its reaper are dead.
    child.file(
        &format!("tmp/mesos-harness-{}/leases/{lease}", nix::unistd::geteuid()),
        "",
    );
    let conform = child.program(&["conform"], &[("CARGO", "/bin/false")]).await;
    conform.assert_code(3);
    conform.assert_says(&[
        &format!("removed what a dead run left behind: volume {}", child.name),
        "the scenarios do not build",
    ]);
    child.assert_nothing_left().await;
    assert_eq!(foreign.objects().await, [format!("volume {}", foreign.name)]);
    foreign.harness("down", &[]).await.assert_code(0);
    foreign.assert_nothing_left().await;
}

/// A run that is killed takes the test runner with it, which ends its tests in order.
#[tokio::test]
async fn kill_9_of_the_run_ends_its_test_runner() {
    let child = Child::new("guard").await;
    let script = "trap 'echo told to end > told; exit 7' TERM; echo ready; while :; do sleep 0.05; done";
    let told = child.folder.path().join("told");
    // The shell is what holds the pipe, as a run does; the guard is its child.
    let guard = env!("CARGO_BIN_EXE_harness");
    let holder = format!(
        "mkfifo pipe; {guard} guard -- sh -c \"{script}\" < pipe > out & exec 3> pipe; echo $! >&2; exec sleep 1000"
    );
    let mut command = child.command("sh", &["-c", &holder]);
    command.current_dir(child.folder.path()).process_group(0);
    let mut run = command.spawn().expect("it starts");
    let guard = says(&mut run, "").await.concat();
    let out = child.folder.path().join("out");
    let ready = Wait::that("the runner is there", Deadline::custom("RUNNER", REAPED)).until(async || {
        match std::fs::read_to_string(&out) {
            Ok(text) if text == "ready\n" => Probe::Ready(()),
            other => Probe::NotYet(format!("{other:?}")),
        }
    });
    ready.await.expect("it starts");
    child::send(&run, Signal::SIGKILL);
    run.wait().await.expect("it ends");
    child::await_end_of(Pid::from_raw(guard.parse().expect("a number"))).await;
    assert_eq!(std::fs::read_to_string(told).expect("it was told"), "told to end\n");
}
