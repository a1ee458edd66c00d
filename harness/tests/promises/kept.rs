//! P12: clusters that stay for a person to look at.

use harness::report::Outcome;
use nix::sys::signal::Signal;

use crate::child::{self, Child};
use crate::gate::Gate;
use crate::owner_of::{self, FAILS, Machine, PASSES, READY, RESERVES, says};
use crate::record;

/// P12: a failed scenario's cluster stays, says how to enter and remove it, and takes its memory until it goes.
#[tokio::test]
async fn a_cluster_is_kept_on_demand() {
    let child = Child::new("kept").await;
    let machine = Machine::new(&child, 1000);
    let mut owner = machine.reserving(&child.name, FAILS, 500);
    owner.env("HARNESS_KEEP", "failed");
    let ended = child::end(owner.spawn().expect("it starts")).await;
    assert!(!ended.status.success(), "{}", ended.stderr);
    let (enter, remove) = (
        format!("harness ssh --name {} mesos-master1", child.name),
        format!("harness down --name {}", child.name),
    );
    ended.assert_says(&["kept the cluster", &enter, &remove]);
    let record = record(&child, "owner.ends");
    assert_eq!(record.outcome, Some(Outcome::Failed));
    assert_eq!((record.cleanup.removed, record.cleanup.leaked.len()), (0, 0));
    assert!(
        record.notes.iter().any(|note| note.contains(&remove)),
        "{:?}",
        record.notes
    );

    let there = child.objects().await;
    assert_eq!(there.len() as u64, record.cleanup.created);
    let swept = child.program(&["sweep"], &[]).await;
    swept.assert_says(&["0 leftovers removed"]);
    assert_eq!(child.objects().await, there, "a sweep leaves it alone");
    let listed = child.program(&["ps"], &[]).await;
    let line = listed
        .stdout
        .lines()
        .find(|line| line.contains(&child.name))
        .expect("it is listed");
    assert!(line.contains("kept") && line.contains("owner::ends"), "{line}");
    let entered = child.harness("ssh", &["mesos-master1", "--", "hostname"]).await;
    assert_eq!(entered.stdout.trim(), "mesos-master1");

    tokio::join!(slaves_are_counted(&machine), sessions_that_never_begin(&child));
    // Who asks for more than the rest waits for it, and boots when a person has removed it; so does one on another
    // machine with the same engine, that has the network's word for it.
    let mut waiting = Vec::new();
    for (name, megabytes, ledger) in [("next", 373, "ledger"), ("elsewhere", 501, "another")] {
        let mut next = machine.reserving(&format!("{}-{name}", child.name), RESERVES, megabytes);
        next.env("HARNESS_LEDGER", child.folder.path().join(ledger));
        let mut next = next.spawn().expect("it starts");
        let said = says(&mut next, "waits for").await.join("\n");
        let by = format!("{} (500 MB, kept: `{remove}` removes it)", child.name);
        assert!(said.contains(&by), "{said}");
        waiting.push(next);
    }
    child.harness("down", &[]).await.assert_code(0);
    for mut next in waiting {
        says(&mut next, READY).await;
        child::send(&next, Signal::SIGKILL);
        next.wait().await.expect("it ends");
    }
    child.assert_nothing_left().await;
}

/// Contention: a slave that is added later needs its memory too, and takes it: 500 MB of 1000 are taken before.
async fn slaves_are_counted(machine: &Machine<'_>) {
    let child = machine.child;
    let there = child.objects().await;
    let mut env = machine.env().to_vec();
    env.extend([
        ("HARNESS_MEMORY", "627".to_owned()),
        ("HARNESS_DEADLINES", "ADMISSION=10".to_owned()),
    ]);
    let start = async |env: &[(&'static str, String)]| {
        let env: Vec<_> = env.iter().map(|(name, value)| (*name, value.as_str())).collect();
        child.harness_with("start", &["mesos-slave1"], &env).await
    };
    let refused = start(&env).await;
    refused.assert_code(3);
    refused.assert_says(&[
        &format!("mesos-slave1 of {} waits for 128 MB of memory", child.name),
        "500 of 627 MB are taken",
    ]);
    assert_eq!(child.objects().await, there);
    start(&machine.env()).await.assert_code(0);
}

/// P10: an engine that takes what begins a session, and never answers.
async fn sessions_that_never_begin(child: &Child) {
    let silent = async |folder: &str, part: &'static str| {
        let folder = child.folder.path().join(folder);
        std::fs::create_dir(&folder).expect("the folder is ours");
        let gate = Gate::closed_to(&folder, "POST", part);
        let address = gate.address();
        let env = [
            ("DOCKER_HOST", address.as_str()),
            ("HARNESS_DEADLINES", "ENGINE_REQUEST=8"),
        ];
        let ended = child.harness_with("exec", &["mesos-master1", "--", "true"], &env).await;
        ended.assert_code(3);
        let container = format!("{}-mesos-master1-mesos-master", child.name);
        ended.assert_says(&[
            "in vain until a session",
            "(ENGINE_REQUEST)",
            &format!("docker exec {container} true"),
        ]);
    };
    // The one makes it, the other starts it.
    tokio::join!(silent("made", "/exec HTTP"), silent("started", "/exec/"));
}

/// A scenario that passes is removed where only failed ones stay, and stays where all do.
#[tokio::test]
async fn only_what_was_asked_for_is_kept() {
    for (keep, stays) in [("failed", false), ("always", true)] {
        let child = Child::new("keeps").await;
        let mut owner = owner_of::command(&child, &child.name, PASSES);
        owner.env("HARNESS_KEEP", keep);
        let ended = child::end(owner.spawn().expect("it starts")).await;
        ended.assert_code(0);
        assert_eq!(record(&child, "owner.ends").outcome, Some(Outcome::Passed));
        assert_eq!(!child.objects().await.is_empty(), stays, "{keep}: {}", ended.stderr);
        child.harness("down", &[]).await.assert_code(if stays { 0 } else { 64 });
        child.assert_nothing_left().await;
    }
}

#[tokio::test]
async fn a_wrong_word_for_what_to_keep_is_told_before_anything_is_made() {
    let child = Child::new("word").await;
    let mut owner = owner_of::command(&child, &child.name, PASSES);
    owner.env("HARNESS_KEEP", "sometimes");
    let ended = child::end(owner.spawn().expect("it starts")).await;
    ended.assert_says(&["HARNESS_KEEP=sometimes", "failed or always"]);
    let conform = child.program(&["conform", "--keep", "sometimes"], &[]).await;
    conform.assert_code(64);
    conform.assert_says(&["sometimes", "failed or always"]);
    child.assert_nothing_left().await;
}
