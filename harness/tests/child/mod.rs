//! The `harness` program as a child of a test, with a run, a lease folder and an evidence folder of its own, and a look
//! at what it leaves on the engine. Tests beside it, and their sweeps, do not see its leases.

#![allow(dead_code, reason = "each test binary uses its part")]
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

pub(crate) mod pty;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use bollard::query_parameters::{
    CreateImageOptionsBuilder, ListContainersOptionsBuilder, ListImagesOptionsBuilder, ListNetworksOptionsBuilder,
    ListVolumesOptionsBuilder,
};
use futures_util::StreamExt as _;
use harness::await_until::{Probe, Wait};
use harness::deadlines::Deadline;
use harness::docker::Engine;
use harness::labels::{self, equals};
use nix::sys::signal::Signal;
use nix::unistd::Pid;
use tokio::process::Command;

/// What the first boot on a machine without images takes is not what these tests are about: they run warm.
pub(crate) const PATIENCE: Duration = Duration::from_secs(240);

/// What `up` is told where a test needs no more than ZooKeeper and Mesos.
pub(crate) const BARE: [&str; 2] = ["--services", "none"];

/// One run of the program, or several, under one name.
pub(crate) struct Child {
    pub(crate) engine: Engine,
    pub(crate) name: String,
    pub(crate) folder: tempfile::TempDir,
    run: String,
}

/// How a child ended.
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Child {
    pub(crate) async fn new(what: &str) -> Self {
        let id = uuid::Uuid::new_v4().simple().to_string();
        let folder = tempfile::Builder::new().prefix("harness-").tempdir().unwrap();
        std::fs::create_dir(folder.path().join("tmp")).unwrap();
        Child {
            engine: Engine::connect().await.unwrap(),
            name: format!("test-{what}-{}", &id[..8]),
            folder,
            run: id,
        }
    }

    /// A file in its folder.
    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    /// The label of all that its run makes.
    pub(crate) fn label(&self) -> String {
        equals(labels::RUN, &self.run)
    }

    /// Where its evidence lies.
    pub(crate) fn evidence(&self) -> PathBuf {
        self.folder.path().join("run/evidence")
    }

    /// `program` as a person starts it: nothing of the test run around it is visible, but the run's id, by which its
    /// objects are found again.
    pub(crate) fn command(&self, program: impl AsRef<Path>, args: &[&str]) -> Command {
        let mut command = Command::new(program.as_ref());
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("NEXTEST")) {
            command.env_remove(name);
        }
        command
            .args(args)
            .env("NEXTEST_RUN_ID", &self.run)
            .env("HARNESS_BIN", env!("CARGO_BIN_EXE_harness"))
            .env("HARNESS_RUN_DIR", self.folder.path().join("run"))
            .env("TMPDIR", self.folder.path().join("tmp"))
            .env("NO_COLOR", "1")
            .env_remove("HARNESS_STACK")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    /// `harness VERB --name NAME ARGS…`, to its end. `up` without a word of services boots the bare cluster, since what
    /// most tests judge has nothing to do with them.
    pub(crate) async fn harness(&self, verb: &str, args: &[&str]) -> Ended {
        self.harness_with(verb, args, &[]).await
    }

    /// As [`Child::harness`], with variables in its environment.
    pub(crate) async fn harness_with(&self, verb: &str, args: &[&str], env: &[(&str, &str)]) -> Ended {
        let mut all = vec![verb, "--name", &self.name];
        all.extend(args);
        if verb == "up" && !args.contains(&"--services") {
            all.extend(BARE);
        }
        self.program(&all, env).await
    }

    /// `harness ARGS…`, to its end.
    pub(crate) async fn program(&self, args: &[&str], env: &[(&str, &str)]) -> Ended {
        let mut command = self.command(env!("CARGO_BIN_EXE_harness"), args);
        command.envs(env.iter().copied());
        end(command.spawn().unwrap()).await
    }

    /// The lease of a child that has nothing on the engine yet.
    pub(crate) fn only_lease(&self) -> String {
        let pattern = format!("mesos-harness-{}/leases", nix::unistd::geteuid());
        let folder = self.folder.path().join("tmp").join(pattern);
        let mut files = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name());
        files.next().expect("there is one").into_string().unwrap()
    }

    /// Everything on the engine of this run or of the cluster of this name, as `container x`.
    pub(crate) async fn objects(&self) -> Vec<String> {
        let mut found = self.labelled(&equals(labels::RUN, &self.run)).await;
        found.extend(self.labelled(&equals(labels::CLUSTER, &self.name)).await);
        found.sort();
        found.dedup();
        found
    }

    async fn labelled(&self, label: &str) -> Vec<String> {
        let docker = self.engine.docker();
        let filters = HashMap::from([("label", vec![label])]);
        let containers = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
        let containers = docker.list_containers(Some(containers)).await.unwrap();
        let networks = ListNetworksOptionsBuilder::new().filters(&filters).build();
        let networks = docker.list_networks(Some(networks)).await.unwrap();
        let volumes = ListVolumesOptionsBuilder::new().filters(&filters).build();
        let volumes = docker.list_volumes(Some(volumes)).await.unwrap();
        let containers = containers.into_iter().map(|one| one.names.unwrap_or_default().concat());
        let networks = networks.into_iter().map(|one| one.name.unwrap_or_default());
        let volumes = volumes.volumes.unwrap_or_default().into_iter().map(|one| one.name);
        let kind = |kind: &'static str| move |name: String| format!("{kind} {}", name.trim_start_matches('/'));
        let all = containers.map(kind("container")).chain(networks.map(kind("network")));
        let images = ListImagesOptionsBuilder::new().filters(&filters).build();
        let images = docker.list_images(Some(images)).await.unwrap();
        let images = images.into_iter().map(|one| one.id);
        all.chain(volumes.map(kind("volume")))
            .chain(images.map(kind("image")))
            .collect()
    }

    /// Its cluster as `harness ps --json` lists it, if it does.
    pub(crate) async fn listed(&self) -> Option<serde_json::Value> {
        let all = self.program(&["ps", "--json"], &[]).await;
        all.assert_code(0);
        let all = all.json();
        let mut all = all.as_array().expect("a list").iter();
        all.find(|one| one["name"] == self.name.as_str()).cloned()
    }

    /// The lease of its cluster, as soon as it owns the network.
    pub(crate) async fn lease(&self) -> String {
        let label = equals(labels::CLUSTER, &self.name);
        Wait::that("the network is there", Deadline::custom("BOOT_BEGUN", PATIENCE))
            .until(async || {
                let filters = HashMap::from([("label", vec![label.as_str()])]);
                let options = ListNetworksOptionsBuilder::new().filters(&filters).build();
                let found = self.engine.docker().list_networks(Some(options)).await.unwrap();
                let mut leases = found.into_iter().filter_map(|one| one.labels?.remove(labels::LEASE));
                leases.next().map_or(Probe::NotYet("not yet".to_owned()), Probe::Ready)
            })
            .await
            .unwrap()
    }

    /// Waits for an object of it in whose name, or kind, `part` stands.
    pub(crate) async fn object(&self, part: &str) {
        Wait::that(format!("{part} is there"), Deadline::custom("BOOT_BEGUN", PATIENCE))
            .until(async || match self.objects().await {
                found if found.iter().any(|object| object.contains(part)) => Probe::Ready(()),
                found => Probe::NotYet(format!("there are {found:?}")),
            })
            .await
            .unwrap();
    }

    /// Fails unless everything of it goes within `limit`.
    pub(crate) async fn assert_gone_within(&self, limit: Duration) {
        Wait::that("everything is gone", Deadline::custom("GONE", limit))
            .until(async || match self.objects().await {
                none if none.is_empty() => Probe::Ready(()),
                left => Probe::NotYet(left.join(", ")),
            })
            .await
            .unwrap();
    }

    /// Fails where anything of it is there now.
    pub(crate) async fn assert_nothing_left(&self) {
        assert_eq!(self.objects().await, Vec::<String>::new());
    }
}

impl Drop for Child {
    /// What a failed test leaves; after one that passed there is nothing, which costs one look.
    fn drop(&mut self) {
        let down = std::process::Command::new(env!("CARGO_BIN_EXE_harness"))
            .args(["down", "--name", &self.name])
            .stdin(Stdio::null())
            .output();
        drop(down);
    }
}

impl Ended {
    /// Fails unless it exited with `code`.
    pub(crate) fn assert_code(&self, code: i32) {
        assert_eq!(self.status.code(), Some(code), "{}", self.text());
    }

    /// Fails unless each of `parts` stands in what it said, and no panic.
    pub(crate) fn assert_says(&self, parts: &[&str]) {
        let text = self.text();
        for part in parts {
            assert!(text.contains(part), "{part:?} stands in:\n{text}");
        }
        assert!(!text.contains("panicked"), "{text}");
    }

    /// Its answer, which is one document.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    fn text(&self) -> String {
        format!("{}\n{}{}", self.status, self.stdout, self.stderr)
    }
}

/// Makes the image `name` of one empty file, with `changes` as a Dockerfile has them.
pub(crate) async fn import_empty(engine: &Engine, name: &str, changes: Vec<String>) {
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(0);
    archive.append_data(&mut header, "empty", &[][..]).unwrap();
    let body = bollard::body_full(archive.into_inner().unwrap().into());
    let options = CreateImageOptionsBuilder::new()
        .from_src("-")
        .repo(name)
        .changes(changes);
    let mut steps = engine.docker().create_image(Some(options.build()), Some(body), None);
    while let Some(step) = steps.next().await {
        step.expect("it is imported");
    }
}

/// Waits for the end of a child and what it said.
pub(crate) async fn end(child: tokio::process::Child) -> Ended {
    end_within(child, PATIENCE).await
}

/// As [`end`], for what may take longer.
pub(crate) async fn end_within(child: tokio::process::Child, limit: Duration) -> Ended {
    let output = tokio::time::timeout(limit, child.wait_with_output()).await;
    let output = output.expect("it ends in time").unwrap();
    Ended {
        status: output.status,
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Sends `signal` to a child of this test.
pub(crate) fn send(child: &tokio::process::Child, signal: Signal) {
    let pid = child.id().expect("it was not waited for");
    nix::sys::signal::kill(Pid::from_raw(pid.try_into().unwrap()), signal).unwrap();
}

/// The reaper that holds `lease`: the one process on this machine that was started with this id.
pub(crate) fn reaper_of(lease: &str) -> Pid {
    let wanted = format!("\0reap\0{lease}\0");
    let processes = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let mut pids = processes
        .filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok())
        .filter(|pid| {
            std::fs::read_to_string(format!("/proc/{pid}/cmdline")).is_ok_and(|line| line.ends_with(&wanted))
        });
    Pid::from_raw(pids.next().expect("the lease has a reaper"))
}

/// Waits for the end of a process that is no child of this one.
pub(crate) async fn await_end_of(process: Pid) {
    Wait::that(format!("{process} ends"), Deadline::custom("ENDED", PATIENCE))
        .until(async || match nix::sys::signal::kill(process, None) {
            Err(_) => Probe::Ready(()),
            Ok(()) => Probe::NotYet("it lives".to_owned()),
        })
        .await
        .unwrap();
}
