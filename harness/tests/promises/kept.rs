//! P12: clusters that stay for a person to look at.

use harness::report::Outcome;
use nix::sys::signal::Signal;

use crate::child::{self, Child};
use crate::memory::MACHINE;
use crate::owner_of::{self, FAILS, PASSES, READY, RESERVES, reserving, says};
use crate::record;

/// P12: a failed scenario's cluster stays, says how to enter and remove it, and takes its memory until it goes.
#[tokio::test]
async fn a_cluster_is_kept_on_demand() {
    let child = Child::new("kept").await;
    let mut owner = reserving(&child, &child.name, FAILS, MACHINE / 2, MACHINE);
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

    // Who asks for more than the rest waits for it, and boots when a person has removed it.
    let next = format!("{}-next", child.name);
    let mut waits = reserving(&child, &next, RESERVES, MACHINE / 2 + 1, MACHINE)
        .spawn()
        .expect("it starts");
    let said = says(&mut waits, "waits for").await.join("\n");
    assert!(said.contains(&format!("kept: `{remove}` removes it")), "{said}");
    child.harness("down", &[]).await.assert_code(0);
    says(&mut waits, READY).await;
    child::send(&waits, Signal::SIGKILL);
    waits.wait().await.expect("it ends");
    child.assert_nothing_left().await;
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
