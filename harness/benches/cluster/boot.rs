//! From nothing to a registered agent and back, against `floor.sh`.

use std::time::Instant;

use harness::docker::network::Subnet;
use harness::{Cluster, Result};

use crate::floor::{Floor, Took};
use crate::measure::{Entry, Limit, seconds};

/// The promise on both figures.
const RATIO: Limit = Limit::Ratio(1.3);

/// Ours and the floor's in turn, so that both see the same machine. The first of each warms caches and does not count.
pub(crate) async fn measure(floor: Option<&Floor>, runs: u16) -> Result<Vec<Entry>> {
    let (mut ours, mut floors) = (Vec::new(), Vec::new());
    for run in 0..=runs {
        let (mine, subnet) = boot_and_remove().await?;
        eprintln!("run {run}: boot {:.3} s, teardown {:.3} s", mine.boot, mine.teardown);
        let by_hand = match floor {
            Some(floor) => Some(floor.run(subnet, 1).await?),
            None => None,
        };
        if let Some(took) = by_hand {
            eprintln!("      by hand {:.3} s, teardown {:.3} s", took.boot, took.teardown);
        }
        if run > 0 {
            ours.push(mine);
            floors.extend(by_hand);
        }
    }
    let boots = |took: &[Took]| took.iter().map(|took| took.boot).collect();
    let teardowns = |took: &[Took]| took.iter().map(|took| took.teardown).collect();
    let boot = Entry::new("boot.agent-registered", boots(&ours), boots(&floors), Some(RATIO));
    let teardown = Entry::new("teardown", teardowns(&ours), teardowns(&floors), Some(RATIO));
    Ok(boot.into_iter().chain(teardown).collect())
}

async fn boot_and_remove() -> Result<(Took, Subnet)> {
    let started = Instant::now();
    let cluster = Cluster::builder().for_a_person().boot().await?;
    let boot = seconds(started.elapsed());
    let subnet = cluster.subnet();
    let booted = Instant::now();
    cluster.down().await?;
    let teardown = seconds(booted.elapsed());
    Ok((Took { boot, teardown }, subnet))
}
