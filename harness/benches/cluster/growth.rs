//! What more agents and a second cluster cost.

use std::time::Instant;

use harness::{Cluster, Result};

use crate::measure::{Entry, Limit, seconds};

/// For each agent beside the first, in seconds.
const PER_AGENT: Limit = Limit::Median(0.15);
/// Two clusters at the same time, against one.
const TWO: Limit = Limit::Ratio(1.6);
/// The larger of the two topologies that the growth is read from.
const AGENTS: u8 = 5;

/// One agent, five agents and two clusters of one agent, in turn, so that all three see the same machine. The first of
/// each does not count.
pub(crate) async fn measure(runs: u16) -> Result<Vec<Entry>> {
    let (mut grown, mut ones, mut twos) = (Vec::new(), Vec::new(), Vec::new());
    for run in 0..=runs {
        let one = boot(1).await?;
        let five = boot(AGENTS).await?;
        let two = two_at_once().await?;
        eprintln!("run {run}: one agent {one:.3} s, {AGENTS} agents {five:.3} s, two clusters {two:.3} s");
        if run > 0 {
            grown.push((five - one) / f64::from(AGENTS - 1));
            ones.push(one);
            twos.push(two);
        }
    }
    let grown = Entry::new("boot.each-further-agent", grown, Vec::new(), Some(PER_AGENT));
    let two = Entry::new("boot.two-clusters-at-once", twos, ones, Some(TWO));
    Ok(grown.into_iter().chain(two).collect())
}

async fn boot(slaves: u8) -> Result<f64> {
    let began = Instant::now();
    let cluster = Cluster::builder().for_a_person().slaves(slaves).boot().await?;
    let took = seconds(began.elapsed());
    cluster.down().await?;
    Ok(took)
}

async fn two_at_once() -> Result<f64> {
    let began = Instant::now();
    let boot = || Cluster::builder().for_a_person().boot();
    let (one, other) = tokio::try_join!(boot(), boot())?;
    let took = seconds(began.elapsed());
    tokio::try_join!(one.down(), other.down())?;
    Ok(took)
}
