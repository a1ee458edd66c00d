//! The owner of a cluster, as a scenario is, that ends as the test around it wants: this test binary again.

use std::process::Stdio;

use futures_util::future::try_join_all;
use harness::docker::{Engine, volume};
use harness::lease::Lease;
use harness::{Cluster, Error};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};

use crate::child::Child;

/// Tells [`act`] how to end, and names its cluster.
const OWNER_ENDS: &str = "TEST_OWNER_ENDS";
const OWNER_CLUSTER: &str = "TEST_OWNER_CLUSTER";
/// The end of an owner that never gets anything whole.
const CREATES: &str = "creates for ever";
/// What [`act`] says when its cluster is up.
pub(crate) const UP: &str = "the cluster of the owner is up";
/// Ends of an owner that has its cluster, once it is told to go on.
pub(crate) const PANICS: &str = "panics";
pub(crate) const RETURNS: &str = "returns early";
/// Ends of an owner whose cluster boots yet.
pub(crate) const PANICS_IN_ITS_BOOT: &str = "panics in its boot";
pub(crate) const DROPS_ITS_BOOT: &str = "drops its boot";

/// Does what its environment tells.
pub(crate) async fn act() -> harness::Result<()> {
    let (Ok(ends), Ok(name)) = (std::env::var(OWNER_ENDS), std::env::var(OWNER_CLUSTER)) else {
        return Ok(());
    };
    if ends == CREATES {
        return create_for_ever(&name).await;
    }
    let boot = Cluster::builder().name(name).slaves(0).boot();
    if ends == PANICS_IN_ITS_BOOT || ends == DROPS_ITS_BOOT {
        tokio::select! {
            booted = boot => booted.map(|_| eprintln!("{UP}"))?,
            // The panic is here, where it meets the boot under way, and not in the arm: that comes after both.
            () = async {
                told_to_go_on().await;
                assert!(ends == DROPS_ITS_BOOT, "as told");
            } => {}
        }
        return Err(Error::internal("the boot was dropped"));
    }
    let cluster = boot.await?;
    eprintln!("{UP}");
    if ends == PANICS || ends == RETURNS {
        told_to_go_on().await;
    }
    match ends.as_str() {
        PANICS => panic!("as told"),
        RETURNS => cluster.slave(7).map(drop),
        // What a test runner ends by a signal: it blocks its runtime, as a loop without an end does.
        _ => loop {
            std::thread::park();
        },
    }
}

async fn told_to_go_on() {
    let mut line = String::new();
    let read = BufReader::new(tokio::io::stdin()).read_line(&mut line).await;
    read.expect("it is piped");
}

/// Tells an owner that waits for it.
pub(crate) async fn go_on(owner: &mut tokio::process::Child) {
    let input = owner.stdin.as_mut().expect("it is piped");
    input.write_all(b"\n").await.expect("it reads");
}

/// Volumes under a lease, as fast as the engine makes them.
async fn create_for_ever(name: &str) -> harness::Result<()> {
    let engine = Engine::connect().await?;
    let lease = Lease::take(&engine, CREATES, false).await?;
    eprintln!("{}", lease.id());
    let makers = (0..8).map(async |maker| {
        // A volume that is there is left as it is: requests without an end, and never more to remove than this.
        for number in (0..50_u64).cycle() {
            volume::create(&engine, &format!("{name}-{maker}-{number}"), lease.labels().clone()).await?;
        }
        Ok(())
    });
    try_join_all(makers).await.map(drop)
}

/// Waits until an owner says `last`.
pub(crate) async fn lines_to(owner: &mut tokio::process::Child, last: &str) {
    // A byte at a time: what it says afterwards is for others.
    let errors = owner.stderr.as_mut().expect("it is piped");
    let mut lines = BufReader::with_capacity(1, errors).lines();
    while lines.next_line().await.expect("it is read").expect("it comes up") != last {}
}

/// An owner that creates for ever, and its lease, as soon as something is there.
pub(crate) async fn creating(child: &Child) -> (tokio::process::Child, String) {
    let mut owner = owner_that(child, CREATES).spawn().expect("it starts");
    let mut lease = String::new();
    let mut errors = BufReader::new(owner.stderr.as_mut().expect("it is piped"));
    errors.read_line(&mut lease).await.expect("it is read");
    child.object("volume").await;
    (owner, lease.trim().to_owned())
}

/// This test binary again, to run [`act`].
pub(crate) fn owner_that(child: &Child, ends: &str) -> tokio::process::Command {
    let this = std::env::current_exe().expect("it runs");
    let mut command = child.command(this, &["--exact", "owner", "--ignored", "--nocapture"]);
    command
        .env(OWNER_ENDS, ends)
        .env(OWNER_CLUSTER, &child.name)
        // As nextest names it: so its evidence is found.
        .env("NEXTEST_TEST_NAME", "owner::ends")
        .stdin(Stdio::piped())
        .stdout(Stdio::null());
    command
}
