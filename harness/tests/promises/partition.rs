//! Faults of the network: rules in a node's packet filter, which are no objects of the engine.

use harness::doctor::{self, Answer};
use nix::sys::signal::Signal;

use crate::child::{self, Child};
use crate::foreign::Foreign;
use crate::owner_of::{self, CUT, CUT_AND_HANGS, READY, says};
use crate::{REAPED, record};

/// The reason is printed where there can be no partition.
async fn can_be_cut(child: &Child) -> bool {
    let capabilities = doctor::capabilities(&child.engine).await;
    let lacks = ["net-admin", "nftables"]
        .into_iter()
        .find(|name| capabilities.answer(name) == Answer::No);
    if let Some(name) = lacks {
        eprintln!("no network can be cut here: `harness doctor` says why there is no {name}");
    }
    lacks.is_none()
}

/// P9, P12: a test that fails while a node is cut off; who looks at its cluster finds the network whole.
#[tokio::test]
async fn a_partition_heals_before_its_cluster_is_kept() {
    let child = Child::new("cut").await;
    if !can_be_cut(&child).await {
        return;
    }
    let mut owner = owner_of::command(&child, &child.name, CUT);
    owner.env("HARNESS_KEEP", "failed");

    let ended = child::end(owner.spawn().expect("it starts")).await;

    ended.assert_says(&[READY, "kept the cluster"]);
    let notes = record(&child, "owner.ends").notes;
    let told = |part: &str| notes.iter().any(|note| note == part);
    assert!(told("mesos-slave1 is cut from mesos-master1"), "{notes:?}");
    assert!(
        told("healed at its end: mesos-slave1 is cut from mesos-master1"),
        "{notes:?}"
    );
    let health = [
        "mesos-slave1",
        "--",
        "curl",
        "-sSf",
        "--max-time",
        "10",
        "http://mesos-master1:5050/health",
    ];
    child.harness("ssh", &health).await.assert_code(0);
    child.harness("down", &[]).await.assert_code(0);
    child.assert_nothing_left().await;
}

/// P6, P9: nobody heals it; it goes with the network that it is in.
#[tokio::test]
async fn kill_9_in_a_partition_leaves_nothing() {
    let child = Child::new("cut-and-killed").await;
    if !can_be_cut(&child).await {
        return;
    }
    let foreign = Foreign::new(&child).await;
    let mut owner = owner_of::command(&child, &child.name, CUT_AND_HANGS)
        .spawn()
        .expect("it starts");
    says(&mut owner, READY).await;
    let filter = format!("container {}-mesos-slave1-packet-filter", child.name);
    let there = child.objects().await;
    assert!(there.iter().any(|object| object.starts_with(&filter)), "{there:?}");

    child::send(&owner, Signal::SIGKILL);

    owner.wait().await.expect("it ends");
    child.assert_gone_within(REAPED).await;
    foreign.assert_untouched().await;
}
