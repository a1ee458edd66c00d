//! What the child processes of these tests do: this test binary again, with `owner` as its one test.

use std::process::Stdio;

use harness::Cluster;
use harness::client::mesos::{FrameworkSpec, TaskSpec, TaskState};
use harness::docker::exec::ExecSpec;
use harness::docker::{ContainerSpec, Engine, container, network, volume};
use harness::evidence::{self, Verdict};
use harness::image::{ImageSpec, Images};
use harness::labels::{self, Labels};
use harness::lease::Lease;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

use crate::child::{self, Child};
use crate::view::View;

const ROLE: &str = "TEST_OWNER_ROLE";
const NAME: &str = "TEST_OWNER_NAME";
const MEGABYTES: &str = "TEST_OWNER_MEGABYTES";
/// What an owner says when it has what it is to have.
pub(crate) const READY: &str = "the owner is ready";

/// An object of every kind under one lease, the container paused.
pub(crate) const EVERYTHING: &str = "everything";
/// A cluster, and a test that never ends.
pub(crate) const HANGS: &str = "hangs";
/// A cluster whose agent enforces limits, a task on it, and a test that never ends.
pub(crate) const LIMITS: &str = "limits";
/// A cluster whose slave has a Docker: a container on its bridge, a network, volumes, an image, a build that fails.
pub(crate) const DOCKER: &str = "docker";
/// A cluster, and a check that does not hold.
pub(crate) const FAILS: &str = "fails";
/// A cluster whose slave is cut off from its master, and a check that does not hold.
pub(crate) const CUT: &str = "cut";
/// The same, and a test that never ends.
pub(crate) const CUT_AND_HANGS: &str = "cut and hangs";
/// A cluster, a check that holds, and an ordinary end.
pub(crate) const PASSES: &str = "passes";
/// A cluster with a task, and a wait for the task's end, which does not come.
pub(crate) const WAITS: &str = "waits";
/// A network, from the subnet [`WANTED`] on.
pub(crate) const NETWORK: &str = "network";
/// The subnet of [`SEED`]: in a part of the pool where those of clusters, that begin anywhere, seldom are.
pub(crate) const WANTED: &str = "10.127.240.0/24";
const SEED: u16 = 63 * 256 + 240;
/// Memory and nothing else.
pub(crate) const RESERVES: &str = "reserves";
/// Memory twice, as two clusters of one scenario.
pub(crate) const RESERVES_TWICE: &str = "reserves twice";

/// A child in `role` about the cluster of this name.
pub(crate) fn command(child: &Child, name: &str, role: &str) -> Command {
    let this = std::env::current_exe().expect("it runs");
    let mut command = child.command(this, &["--exact", "owner", "--ignored", "--nocapture"]);
    command
        .env(ROLE, role)
        .env(NAME, name)
        // As nextest names it: so its evidence is found.
        .env("NEXTEST_TEST_NAME", "owner::ends")
        .stdout(Stdio::null());
    command
}

/// A machine of its own for memory: what other tests have on the engine does not count on it, and what it has not for
/// them.
pub(crate) struct Machine<'a> {
    pub(crate) child: &'a Child,
    pub(crate) megabytes: u64,
    view: View,
}

impl<'a> Machine<'a> {
    pub(crate) fn new(child: &'a Child, megabytes: u64) -> Self {
        let view = View::of(child.folder.path(), &child.label());
        Machine { child, megabytes, view }
    }

    /// What whoever runs on it is told.
    pub(crate) fn env(&self) -> [(&'static str, String); 3] {
        let ledger = self.child.folder.path().join("ledger").display().to_string();
        [
            ("HARNESS_MEMORY", self.megabytes.to_string()),
            ("HARNESS_LEDGER", ledger),
            ("DOCKER_HOST", self.view.address()),
        ]
    }

    /// A child in `role` that takes so much of it.
    pub(crate) fn reserving(&self, name: &str, role: &str, megabytes: u64) -> Command {
        let mut command = command(self.child, name, role);
        command.env(MEGABYTES, megabytes.to_string()).envs(self.env());
        command
    }
}

/// The lines an owner says up to one with `part`.
pub(crate) async fn says(owner: &mut tokio::process::Child, part: &str) -> Vec<String> {
    let errors = owner.stderr.as_mut().expect("it is piped");
    let mut lines = BufReader::with_capacity(1, errors).lines();
    let mut said = Vec::new();
    while let Some(line) = lines.next_line().await.expect("it is read") {
        let last = line.contains(part);
        said.push(line);
        if last {
            return said;
        }
    }
    panic!("{part:?} was not said, but {said:#?}");
}

/// Does what its environment tells.
pub(crate) async fn act() -> Verdict {
    let (Ok(role), Ok(name)) = (std::env::var(ROLE), std::env::var(NAME)) else {
        return evidence::skipped("it is for other tests");
    };
    let megabytes = std::env::var(MEGABYTES).ok().and_then(|text| text.parse().ok());
    match role.as_str() {
        EVERYTHING => everything(&name).await?,
        LIMITS => limits(&name).await?,
        DOCKER => docker(&name).await?,
        NETWORK => {
            let engine = Engine::connect().await?;
            let lease = Lease::take(&engine, NETWORK, false).await?;
            let subnet = network::create(&engine, &name, lease.labels(), SEED).await?;
            eprintln!("subnet {}", subnet.expect("the name is its own"));
            eprintln!("{READY}");
            park();
        }
        WAITS => return waits(&name).await,
        CUT | CUT_AND_HANGS => return cut(&name, role == CUT_AND_HANGS).await,
        RESERVES | RESERVES_TWICE => {
            let engine = Engine::connect().await?;
            let first = Lease::take(&engine, RESERVES, false).await?;
            first.admit(&name, megabytes.unwrap_or_default()).await?;
            eprintln!("{READY}");
            if role == RESERVES_TWICE {
                // Told to go on.
                let mut line = String::new();
                std::io::stdin().read_line(&mut line).expect("it is piped");
                let second = Lease::take(&engine, RESERVES, false).await?;
                second
                    .admit(&format!("{name}-second"), megabytes.unwrap_or_default())
                    .await?;
                eprintln!("{READY}");
                park();
            }
            park();
        }
        _ => {}
    }
    let mut builder = Cluster::builder().name(&name).slaves(0);
    if let Some(megabytes) = megabytes {
        builder = builder.memory(megabytes);
    }
    let cluster = builder.boot().await?;
    eprintln!("{READY}");
    if role == HANGS {
        park();
    }
    harness::check!(role != FAILS, "the owner was told to fail");
    cluster.finish().await
}

/// Blocks its runtime, as a loop without an end does.
fn park() -> ! {
    loop {
        std::thread::park();
    }
}

async fn everything(name: &str) -> harness::Result<()> {
    let engine = Engine::connect().await?;
    let lease = Lease::take(&engine, EVERYTHING, false).await?;
    let labels = lease.labels();
    network::create(&engine, name, labels, 7).await?;
    volume::create(&engine, name, labels.clone()).await?;
    let debian = Images::open(engine.clone())?.ensure(&ImageSpec::new("debian")).await?;
    let spec = ContainerSpec::new(name, debian, labels.clone()).entrypoint(["sleep", "infinity"]);
    spec.create(&engine).await?;
    container::start(&engine, name).await?;
    engine
        .request("pause", "docker pause", engine.docker().pause_container(name))
        .await?;
    temporary_image(&engine, name, labels).await;
    eprintln!("lease {}", lease.id());
    eprintln!("{READY}");
    park();
}

async fn limits(name: &str) -> harness::Result<()> {
    let cluster = Cluster::builder().name(name).enforced_limits().boot().await?;
    let framework = cluster.framework(FrameworkSpec::new(LIMITS)).await?;
    let task = framework.run(TaskSpec::command("stays", "sleep 1000")).await?;
    task.await_state(TaskState::TaskRunning).await?;
    eprintln!("{READY}");
    park();
}

async fn waits(name: &str) -> Verdict {
    let cluster = Cluster::builder().name(name).boot().await?;
    let framework = cluster.framework(FrameworkSpec::new(WAITS).checkpoint()).await?;
    let task = framework.run(TaskSpec::command("stays", "sleep 1000")).await?;
    task.await_state(TaskState::TaskRunning).await?;
    eprintln!("{READY}");
    let end = task.await_terminal().await?;
    harness::check!(end.state == TaskState::TaskFinished);
    cluster.finish().await
}

async fn cut(name: &str, hangs: bool) -> Verdict {
    let cluster = Cluster::builder().name(name).boot().await?;
    let _partition = cluster.partition(cluster.slave(1)?, &[&cluster.master()]).await?;
    eprintln!("{READY}");
    if hangs {
        park();
    }
    harness::check!(false, "the owner was told to fail");
    cluster.finish().await
}

async fn docker(name: &str) -> harness::Result<()> {
    let cluster = Cluster::builder().name(name).docker().boot().await?;
    let shell = cluster.shell(cluster.slave(1)?).await?;
    let line = "docker run -d --name web -p 31000:80 -v named:/named -v /nameless debian:bookworm sleep infinity && \
                docker rm -f $(docker create -v /left debian:bookworm) && docker network create own && \
                printf 'FROM debian:bookworm\\nVOLUME /x\\nRUN true\\n' | docker build -t own:1 - && \
                docker create own:1 && ! printf 'FROM own:1\\nRUN touch /y\\nRUN false\\n' | docker build - && \
                docker ps -a --format '{{.Names}} {{.Status}}'";
    let spec = ExecSpec::new(["bash", "-c", line]).within(harness::deadlines::IMAGE_BUILD);
    let said = shell.run(spec).await?.success()?;
    eprintln!("{}", said.stdout);
    eprintln!("{READY}");
    park();
}

/// An empty image with the labels of a lease, and with no tag.
async fn temporary_image(engine: &Engine, name: &str, labels: &Labels) {
    let changes: Vec<String> = labels
        .iter()
        .map(|(key, value)| format!("LABEL {key}={value}"))
        .collect();
    assert!(labels.contains_key(labels::LEASE));
    child::import_empty(engine, &format!("{name}-temporary"), changes).await;
}
