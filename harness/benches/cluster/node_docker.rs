//! What a node's Docker costs: the docker command line through it, against the same on the engine's own socket. Both
//! run in turn, and in containers of one image.

use harness::component::shell;
use harness::docker::exec::{ExecSpec, exec};
use harness::docker::{ContainerSpec, Engine, Place, Selection, container, engine, removal};
use harness::image::ImageSpec;
use harness::lease::Lease;
use harness::{Cluster, Error, Kind, Result, deadlines};

use crate::measure::{Entry, Limit};

/// Of `docker run`, through the proxy and not.
const RUN: Limit = Limit::Ratio(1.10);
/// The log that is read: long enough to be a stream, short enough for an engine's JSON.
const LOG_BYTES: &str = "32M";
const IMAGE: &str = "debian:bookworm";

/// `runs` containers each way, and as many readings of one log; the first of each does not count.
pub(crate) async fn measure(runs: u16) -> Result<Vec<Entry>> {
    let cluster = Cluster::builder().for_a_person().docker().boot().await?;
    let node = cluster.slave(1)?.clone();
    let ours = cluster.shell(&node).await?.container().to_owned();
    let lease = Lease::take(cluster.engine(), "bench", false).await?;
    let direct = direct(&cluster, &lease).await?;
    let holder = format!("container:{}", node.container("holder"));
    let engine = cluster.engine();
    let write =
        format!("docker run -d --name log --net host {IMAGE} sh -c 'yes a line of a log | head -c {LOG_BYTES}'");
    timed(engine, &ours, &format!("{write} && docker wait log")).await?;
    let image = cluster.images().ensure(&ImageSpec::new("debian")).await?;
    let (mut entries, log) = (
        [(Vec::new(), Vec::new()), (Vec::new(), Vec::new())],
        node.container("log"),
    );
    for run in 0..=runs {
        let commands = [
            (
                format!("docker run --rm --net host {IMAGE} true"),
                format!("docker run --rm --net {holder} {image} true"),
            ),
            (
                "docker logs log | wc -c".to_owned(),
                format!("docker logs {log} | wc -c"),
            ),
        ];
        for ((through, floor), (by_node, by_engine)) in entries.iter_mut().zip(commands) {
            let (one, other) = (
                timed(engine, &ours, &by_node).await?,
                timed(engine, &direct, &by_engine).await?,
            );
            if run > 0 {
                through.push(one);
                floor.push(other);
            }
        }
    }
    let removed = removal::remove(cluster.engine(), &Selection::lease(lease.id())).await;
    cluster.down().await?;
    if !removed.leaked.is_empty() {
        return Err(Error::new(Kind::Cleanup, "the bench left something").evidence(removed.leaked.join("\n")));
    }
    let [(run, run_floor), (log, log_floor)] = entries;
    let run = Entry::new("docker.run-through-the-node", run, run_floor, Some(RUN));
    let log = Entry::new("docker.log-of-32-MB-through-the-node", log, log_floor, None);
    Ok(run.into_iter().chain(log).collect())
}

/// A container with the same docker command line, and the engine's own socket. It is no part of the cluster.
async fn direct(cluster: &Cluster, lease: &Lease) -> Result<String> {
    let image = cluster.images().ensure(&shell::image()).await?;
    let name = format!("{}-bench-direct", cluster.name());
    let spec = ContainerSpec::new(&name, image, lease.labels().clone())
        .place(Place::Sealed)
        .mount(&engine::socket(), "/var/run/docker.sock")
        .entrypoint(["sleep", "infinity"]);
    spec.create(cluster.engine()).await?;
    container::start(cluster.engine(), &name).await?;
    Ok(name)
}

/// The seconds that a shell's line takes, by the clock of the shell: how it gets there does not count.
async fn timed(engine: &Engine, container: &str, line: &str) -> Result<f64> {
    let script = format!("s=$(date +%s%N); {{ {line}; }} >/dev/null 2>&1 || exit 1; e=$(date +%s%N); echo $((e - s))");
    let spec = ExecSpec::new(["bash", "-c", &script]).within(deadlines::IMAGE_BUILD);
    let said = exec(engine, container, spec).await?.success()?.stdout;
    let nanoseconds: f64 = said
        .trim()
        .parse()
        .map_err(|_| Error::new(Kind::Environment, format!("no time but {said:?}")))?;
    Ok(nanoseconds / 1e9)
}
