//! The same clusters by hand: `floor.sh`.

use std::path::Path;

use harness::component::{holder, mesos_agent, own_image, zookeeper};
use harness::docker::Engine;
use harness::docker::network::Subnet;
use harness::image::Images;
use harness::lease::Lease;
use harness::stack::{Source, Stack};
use harness::{Error, Kind, Result};
use tokio::process::Command;

/// What the script is driven with.
const PROGRAMS: [&str; 5] = ["bash", "docker", "curl", "awk", "grep"];

/// From nothing to registered agents, and back to nothing, in seconds.
#[derive(Clone, Copy)]
pub(crate) struct Took {
    pub(crate) boot: f64,
    pub(crate) teardown: f64,
}

/// `floor.sh` with the images and labels it is given.
pub(crate) struct Floor {
    images: Vec<String>,
    /// What a killed run leaves behind is removed as ours is.
    lease: std::sync::Arc<Lease>,
}

impl Floor {
    /// None where a program is missing, or the stack is not ours: the script knows our own images only.
    pub(crate) async fn prepare(engine: &Engine) -> Result<Option<Self>> {
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

    /// A cluster of `agents` agents. `subnet` is one that a cluster of ours has just left.
    pub(crate) async fn run(&self, subnet: Subnet, agents: u8) -> Result<Took> {
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
            .args([
                &format!("floor-{}-{prefix}", &self.lease.id()[..8]),
                prefix,
                &agents.to_string(),
            ])
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
