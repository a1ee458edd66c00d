//! Contention: memory is given in turn, never twice, and never to what cannot have it.

use std::process::Stdio;

use nix::sys::signal::Signal;
use tokio::io::AsyncWriteExt as _;

use crate::child::{self, Child};
use crate::owner_of::{Machine, READY, RESERVES, RESERVES_TWICE, says};

/// Megabytes of a machine: no cluster boots on it.
const MACHINE: u64 = 10_000_000;

/// Contention: who does not fit waits, who came first is served first, and memory comes back however its owner ends;
/// whatever each has for a temporary folder.
#[tokio::test]
async fn memory_is_given_in_the_order_it_was_asked_for() {
    let child = Child::new("memory").await;
    let machine = Machine::new(&child, MACHINE);
    let spawn = |name: &str, percent: u64| {
        let temporary = child.folder.path().join(name);
        std::fs::create_dir(&temporary).expect("the folder is ours");
        let mut command = machine.reserving(name, RESERVES, MACHINE / 100 * percent);
        command.env("TMPDIR", temporary).spawn().expect("it starts")
    };
    let mut first = spawn("first", 60);
    says(&mut first, READY).await;
    let mut large = spawn("large", 80);
    let said = says(&mut large, "waits for").await.join("\n");
    assert!(
        said.contains("6000000 of 10000000 MB are taken, by first (6000000 MB, process "),
        "{said}"
    );
    let mut small = spawn("small", 15);
    let said = says(&mut small, "waits for").await.join("\n");
    assert!(said.contains("and large asked before it"), "it would fit: {said}");
    child::send(&first, Signal::SIGKILL);
    first.wait().await.expect("it ends");
    says(&mut large, READY).await;
    says(&mut small, READY).await;
    for mut owner in [large, small] {
        child::send(&owner, Signal::SIGTERM);
        owner.wait().await.expect("it ends");
    }
}

/// Contention: two scenarios that each have a cluster and want another of the last memory are not left to hang.
#[tokio::test]
async fn scenarios_that_wait_for_each_other_are_told() {
    let child = Child::new("stuck").await;
    let machine = Machine::new(&child, MACHINE);
    let spawn = |name: &str| {
        let mut command = machine.reserving(name, RESERVES_TWICE, MACHINE / 2);
        command.stdin(Stdio::piped()).spawn().expect("it starts")
    };
    let (mut one, mut other) = (spawn("one"), spawn("other"));
    for owner in [&mut one, &mut other] {
        says(owner, READY).await;
    }
    let on = async |owner: &mut tokio::process::Child| {
        owner
            .stdin
            .as_mut()
            .expect("it is piped")
            .write_all(b"\n")
            .await
            .expect("it reads");
    };
    on(&mut one).await;
    says(&mut one, "one-second waits for").await;
    on(&mut other).await;
    let told = child::end(other).await;
    assert!(!told.status.success());
    told.assert_says(&[
        "other-second needs 5000000 MB",
        "every process that has a cluster waits for another",
    ]);
    says(&mut one, READY).await;
    child::send(&one, Signal::SIGKILL);
    one.wait().await.expect("it ends");
}

/// Contention: what can never be there is not waited for.
#[tokio::test]
async fn a_topology_larger_than_the_machine_is_told_at_once() {
    let child = Child::new("large").await;
    let ended = child
        .harness_with("up", &["--slaves", "9"], &[("HARNESS_MEMORY", "1G")])
        .await;
    ended.assert_code(3);
    ended.assert_says(&[
        &format!("{} needs 1408 MB of memory, and clusters have 1024 MB here", child.name),
        "HARNESS_MEMORY=1G says so",
    ]);
    let ended = child.harness_with("up", &[], &[("HARNESS_MEMORY", "lots")]).await;
    ended.assert_code(64);
    ended.assert_says(&["HARNESS_MEMORY=lots is no amount of memory", "as in 4G"]);
    child.assert_nothing_left().await;
}
