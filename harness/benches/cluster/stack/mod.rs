//! The full stack: its boot against the same containers by hand, what its Marathon takes its time for, how soon HAProxy
//! follows it, and the memory of each stand-in.

mod apps;
mod by_hand;
mod memory;
mod proxied;
mod ready;

use std::time::Instant;

use harness::{Cluster, Result};

use crate::measure::{Entry, Limit, seconds};
use by_hand::ByHand;

/// Against the same containers, driven by hand.
const BOOT: Limit = Limit::Ratio(1.3);
/// On two cores, as a note.
const BOOT_NOTE: Limit = Limit::Median(2.5);

/// Boots `runs` full stacks, ours and by hand in turn, and asks the last of them.
pub(crate) async fn measure(runs: u16, tasks: u16) -> Result<Vec<Entry>> {
    let (mut ours, mut by_hand) = (Vec::new(), Vec::new());
    for run in 0..=runs {
        let began = Instant::now();
        let cluster = Cluster::builder().for_a_person().full_stack().boot().await?;
        let took = seconds(began.elapsed());
        let floor = ByHand::of(&cluster).await?;
        cluster.down().await?;
        let hand = floor.boot().await?;
        eprintln!("run {run}: full stack {took:.3} s, by hand {hand:.3} s");
        // The first of each warms caches.
        if run > 0 {
            ours.push(took);
            by_hand.push(hand);
        }
    }
    let mut entries = Vec::new();
    entries.extend(Entry::new("stack.boot", ours.clone(), by_hand, Some(BOOT)));
    entries.extend(Entry::new("stack.boot.two-cores", ours, Vec::new(), Some(BOOT_NOTE)));

    let cluster = Cluster::builder().for_a_person().full_stack().boot().await?;
    entries.extend(memory::measure(&cluster).await?);
    entries.extend(apps::started(&cluster, tasks).await?);
    entries.extend(proxied::measure(&cluster, tasks).await?);
    entries.extend(apps::read(&cluster).await?);
    cluster.down().await?;
    entries.extend(apps::docker(tasks).await?);
    entries.extend(apps::thousand().await?);
    Ok(entries)
}
