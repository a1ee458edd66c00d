//! From nothing to a registered agent and back, against `floor.sh`.

use std::path::Path;
use std::time::Instant;

use harness::component::{holder, mesos_agent, own_image, zookeeper};
use harness::docker::Engine;
use harness::docker::network::Subnet;
use harness::image::Images;
use harness::lease::Lease;
use harness::stack::{Source, Stack};
use harness::{Cluster, Error, Kind, Result};
use tokio::process::Command;

use crate::measure::{Entry, Limit, seconds};

/// The promise on both figures.
const RATIO: Limit = Limit::Ratio(1.3);
/// What `floor.sh` is driven with.
const PROGRAMS: [&str; 4] = ["bash", "docker", "curl", "awk"];

#[derive(Clone, Copy)]
struct Took {
    boot: f64,
    teardown: f64,
}

/// Ours and the floor's in turn, so that both see the same machine. The first of each warms caches and does not count.
pub(crate) async fn measure(engine: &Engine, runs: u16) -> Result<Vec<Entry>> {
    let floor = Floor::prepare(engine).await?;
    let (mut ours, mut floors) = (Vec::new(), Vec::new());
    for run in 0..=runs {
        let (mine, subnet) = boot_and_remove().await?;
        eprintln!("run {run}: boot {:.3} s, teardown {:.3} s", mine.boot, mine.teardown);
        let by_hand = match &floor {
            Some(floor) => Some(floor.run(subnet).await?),
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

/// `floor.sh` with the images and labels it is given.
struct Floor {
    images: Vec<String>,
    /// What a killed run leaves behind is removed as ours is.
    lease: std::sync::Arc<Lease>,
}

impl Floor {
    /// None where a program is missing, or the stack is not ours: the script knows our own images only.
    async fn prepare(engine: &Engine) -> Result<Option<Self>> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let there = |program: &&str| std::env::split_paths(&path).any(|folder| folder.join(program).is_file());
        if let Some(missing) = PROGRAMS.iter().find(|program| !there(program)) {
            eprintln!("no floor: the program {missing} is not installed");
            return Ok(None);
        }
        let (images, stack) = (Images::open(engine.clone())?, Stack::load(None)?);
        let mut references = vec![images.ensure(&holder::image()).await?];
        for name in [zookeeper::NAME, mesos_agent::NAME] {
            let Source::Version(version) = &stack.component(name)?.source else {
                eprintln!("no floor: the stack has another image for {name}");
                return Ok(None);
            };
            references.push(images.ensure(&own_image(name, version)).await?);
        }
        let lease = Lease::take(engine, "bench", false).await?;
        Ok(Some(Floor {
            images: references,
            lease,
        }))
    }

    /// `subnet` is the one that a cluster of ours has just left.
    async fn run(&self, subnet: Subnet) -> Result<Took> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/cluster/floor.sh");
        let subnet = subnet.to_string();
        let prefix = subnet.strip_suffix(".0/24").expect("a subnet is a /24");
        let labels = self
            .lease
            .labels()
            .iter()
            .map(|(name, value)| format!("{name}={value}"));
        let output = Command::new("bash")
            .arg(&script)
            .args([&format!("floor-{}", &self.lease.id()[..8]), prefix])
            .args(&self.images)
            .args(labels)
            .kill_on_drop(true)
            .output()
            .await
            .map_err(|error| Error::internal("bash does not start").caused_by(error))?;
        let said = String::from_utf8_lossy(&output.stdout);
        let figure = |name: &str| {
            said.lines()
                .find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
        };
        match (output.status.success(), figure("boot "), figure("teardown ")) {
            (true, Some(boot), Some(teardown)) => Ok(Took { boot, teardown }),
            _ => Err(
                Error::new(Kind::Environment, format!("the floor failed: {}", output.status))
                    .ran(script.display().to_string())
                    .evidence(String::from_utf8_lossy(&output.stderr).into_owned()),
            ),
        }
    }
}
