//! What is left of an owner that is killed, and for how long; how much memory it took before.
//!
//! The owner is this program again, with [`OWNER`] in its environment: it boots a cluster as a scenario does.

use std::process::Stdio;
use std::time::Instant;

use harness::await_until::{Probe, Wait};
use harness::deadlines;
use harness::docker::Engine;
use harness::docker::removal::{self, Selection};
use harness::{Cluster, Error, Kind, Result};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::measure::{Entry, Limit, MEBIBYTE, seconds};

/// Names the cluster that this process is to own.
pub(crate) const OWNER: &str = "HARNESS_BENCH_OWNER";
/// From the SIGKILL until the engine has nothing of it, in seconds.
const GONE: Limit = Limit::Median(10.0);
/// Of the owner's resident memory, at its highest, in MiB.
const RESIDENT: Limit = Limit::Median(60.0);

/// Kills `runs` owners.
pub(crate) async fn measure(engine: &Engine, runs: u16) -> Result<Vec<Entry>> {
    let (mut gone, mut resident) = (Vec::new(), Vec::new());
    for run in 1..=runs {
        let name = format!("bench-{}-{run}", std::process::id());
        let (mut owner, peak) = owner(&name).await?;
        let killed = Instant::now();
        owner.kill().await.map_err(broken)?;
        await_gone(engine, &name).await?;
        let took = seconds(killed.elapsed());
        eprintln!("run {run}: gone {took:.3} s after kill -9, of an owner of {peak:.1} MiB");
        gone.push(took);
        resident.push(peak);
    }
    let gone = Entry::new("reap.kill9", gone, Vec::new(), Some(GONE));
    let resident = Entry::new("owner.resident-peak", resident, Vec::new(), Some(RESIDENT));
    Ok(gone
        .into_iter()
        .chain(resident.map(|entry| entry.of(MEBIBYTE)))
        .collect())
}

/// An owner whose cluster is up, and its highest resident memory until then, in MiB.
async fn owner(name: &str) -> Result<(Child, f64)> {
    let this = std::env::current_exe().map_err(broken)?;
    let mut owner = Command::new(this)
        .env(OWNER, name)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(broken)?;
    let mut lines = BufReader::new(owner.stdout.take().expect("it is piped")).lines();
    let up = Wait::that("the owner's cluster is up", deadlines::AGENT_REGISTERED)
        .for_future(async { lines.next_line().await.map_err(broken) })
        .await?;
    let kibibytes: f64 = up
        .and_then(|line| line.parse().ok())
        .ok_or_else(|| broken("it said nothing"))?;
    Ok((owner, kibibytes / 1024.0))
}

async fn await_gone(engine: &Engine, name: &str) -> Result<()> {
    let selection = Selection::cluster(name);
    Wait::that("everything is gone", deadlines::AGENT_REGISTERED)
        .until(async || match removal::list(engine, &selection).await {
            Ok(left) if left.is_empty() => Probe::Ready(()),
            Ok(left) => Probe::NotYet(format!("{} objects are left", left.len())),
            Err(error) => Probe::Broken(error),
        })
        .await
}

/// What the owner does: boots, says its peak in KiB, and stays until it is killed.
pub(crate) async fn own(name: String) -> Result<()> {
    let _cluster = Cluster::builder().name(name).boot().await?;
    let status = std::fs::read_to_string("/proc/self/status").map_err(broken)?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak = peak.and_then(|peak| peak.split_whitespace().next());
    println!("{}", peak.ok_or_else(|| broken("the kernel tells no VmHWM"))?);
    std::future::pending().await
}

fn broken(cause: impl std::fmt::Display) -> Error {
    Error::new(Kind::Environment, "the owner of a cluster did not do its part").caused_by(cause.to_string())
}
