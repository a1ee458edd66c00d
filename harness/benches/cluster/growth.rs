//! What more agents and a second cluster cost, and what they cost by hand: most of it is the engine's own work for each
//! container, which fills two cores.
//!
//! Of the processor time of one more node, about 200 ms are the engine's for the container that holds its network: Docker
//! 20.10 runs its own program, 75 MB, twice for each network namespace (`libnetwork-setkey`, `set-ipv6`), which is half of
//! it; a container in that namespace takes 80 to 110 ms, `mesos-agent` 80 ms until it is registered. Two cores cannot do
//! that in less than 0.17 s.

use std::time::Instant;

use harness::docker::network::Subnet;
use harness::{Cluster, Result};

use crate::floor::Floor;
use crate::measure::{Entry, Limit, seconds};

/// For each agent beside the first, in seconds.
const PER_AGENT: Limit = Limit::Median(0.15);
/// Two clusters at the same time, against one.
const TWO: Limit = Limit::Ratio(1.6);
/// The larger of the two topologies that the growth is read from.
const AGENTS: u8 = 5;

/// One way to boot, a sample in each place for each run.
#[derive(Default)]
struct Samples {
    further: Vec<f64>,
    one: Vec<f64>,
    two: Vec<f64>,
}

impl Samples {
    fn add(&mut self, (one, five, two): (f64, f64, f64)) {
        self.further.push((five - one) / f64::from(AGENTS - 1));
        self.one.push(one);
        self.two.push(two);
    }
}

/// One agent, five agents and two clusters of one agent, ours and by hand in turn, so that all see the same machine. The
/// first of each does not count.
pub(crate) async fn measure(floor: Option<&Floor>, runs: u16) -> Result<Vec<Entry>> {
    let (mut ours, mut by_hand) = (Samples::default(), Samples::default());
    for run in 0..=runs {
        let (mine, subnets) = Box::pin(boots()).await?;
        let theirs = match floor {
            Some(floor) => Some(boots_by_hand(floor, subnets).await?),
            None => None,
        };
        eprintln!("run {run}: one agent, {AGENTS} agents, two clusters: {mine:.3?} s, by hand {theirs:.3?} s");
        if run > 0 {
            ours.add(mine);
            theirs.into_iter().for_each(|theirs| by_hand.add(theirs));
        }
    }
    let further = Entry::new(
        "boot.each-further-agent",
        ours.further,
        by_hand.further,
        Some(PER_AGENT),
    );
    let two = Entry::new("boot.two-clusters-at-once", ours.two, ours.one, Some(TWO));
    let two_by_hand = Entry::new("boot.two-clusters-at-once.by-hand", by_hand.two, by_hand.one, None);
    Ok(further.into_iter().chain(two).chain(two_by_hand).collect())
}

/// The three figures, and the subnets of the two clusters, which are free again.
async fn boots() -> Result<((f64, f64, f64), [Subnet; 2])> {
    let (one, five) = (boot(1).await?, boot(AGENTS).await?);
    let (two, subnets) = two_at_once().await?;
    Ok(((one, five, two), subnets))
}

/// How long two clusters take that boot together, and their subnets, which are free again.
pub(crate) async fn two_at_once() -> Result<(f64, [Subnet; 2])> {
    let began = Instant::now();
    let boot = || Cluster::builder().for_a_person().boot();
    let (first, second) = tokio::try_join!(boot(), boot())?;
    let two = seconds(began.elapsed());
    let subnets = [first.subnet(), second.subnet()];
    tokio::try_join!(first.down(), second.down())?;
    Ok((two, subnets))
}

async fn boot(slaves: u8) -> Result<f64> {
    let began = Instant::now();
    let cluster = Cluster::builder().for_a_person().slaves(slaves).boot().await?;
    let took = seconds(began.elapsed());
    cluster.down().await?;
    Ok(took)
}

async fn boots_by_hand(floor: &Floor, [first, second]: [Subnet; 2]) -> Result<(f64, f64, f64)> {
    let one = floor.run(first, 1).await?.boot;
    let five = floor.run(first, AGENTS).await?.boot;
    let (a, b) = tokio::try_join!(floor.run(first, 1), floor.run(second, 1))?;
    Ok((one, five, a.boot.max(b.boot)))
}
