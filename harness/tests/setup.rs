//! Set-up on the real thing: an engine of its own, started, killed and started again, beside the machine's.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

use std::path::Path;
use std::process::{Command, Stdio};

use bollard::Docker;
use bollard::models::{ContainerCreateBody, HostConfig};
use bollard::query_parameters::{CreateContainerOptionsBuilder, CreateImageOptionsBuilder, StartContainerOptions};
use futures_util::StreamExt;
use harness::setup::daemon::{self, DaemonPaths};
use harness::setup::find_program;
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, geteuid, getsid};

const NAME: &str = "setup-left-running";

/// An engine that a test may kill. What it started ends with it.
struct Private {
    paths: DaemonPaths,
    // Removed last: after the engine is gone.
    _folder: tempfile::TempDir,
}

impl Private {
    /// `None` where this machine cannot run a second engine: the test then says why and checks nothing. That is no
    /// excuse where the project's own set-up would have installed what is lacking.
    fn new() -> Option<Self> {
        let programs = ["dockerd", "containerd", "iptables", "cc", "unshare"];
        let lacking: Vec<_> = programs
            .into_iter()
            .filter(|name| find_program(name).is_none())
            .collect();
        let ours_to_install = geteuid().is_root() && std::env::var_os("DOCKER_HOST").is_none();
        assert!(!ours_to_install || lacking.is_empty(), "lacking: {lacking:?}");
        if !geteuid().is_root() || !lacking.is_empty() {
            eprintln!("not checked: a second engine needs root and {programs:?}; lacking: {lacking:?}");
            return None;
        }
        let folder = tempfile::Builder::new().prefix("mh-").tempdir_in("/tmp").unwrap();
        let paths = DaemonPaths::private(folder.path());
        Some(Private { paths, _folder: folder })
    }

    fn docker(&self) -> Docker {
        let socket = self.paths.socket.to_string_lossy();
        Docker::connect_with_unix(&socket, 20, bollard::API_DEFAULT_VERSION).unwrap()
    }

    fn containerd(&self) -> Option<i32> {
        let file = self.paths.exec_root.join("containerd/containerd.pid");
        std::fs::read_to_string(file).ok()?.trim().parse().ok()
    }
}

impl Drop for Private {
    fn drop(&mut self) {
        let containerd = self.containerd();
        for (pid, signal) in [(self.paths.running(), Signal::SIGTERM), (containerd, Signal::SIGKILL)] {
            if let Some(pid) = pid {
                end(pid, signal);
            }
        }
        // An engine that was killed leaves its data folder mounted upon itself.
        let data = &self.paths.data_root;
        let _ = Command::new("umount")
            .arg("--lazy")
            .arg(data)
            .stderr(Stdio::null())
            .status();
    }
}

/// Signals a process and awaits its end, for 20 s at most. Our own children stay as zombies: those have ended.
fn end(pid: i32, signal: Signal) {
    let _ = kill(Pid::from_raw(pid), signal);
    let lives = format!("grep -qs '^State:.[^Z]' /proc/{pid}/status");
    let script = format!("while {lives}; do sleep 0.02; done");
    let _ = Command::new("timeout").args(["20", "sh", "-c", &script]).status();
}

/// An image with one program that sleeps for ever.
async fn import_image(docker: &Docker, folder: &Path) {
    let (source, program) = (folder.join("pause.c"), folder.join("pause"));
    std::fs::write(&source, "#include <unistd.h>\nint main(void) { for (;;) pause(); }\n").unwrap();
    let mut compile = Command::new("cc");
    compile.args(["-static", "-o"]).arg(&program).arg(&source);
    assert!(compile.stdin(Stdio::null()).status().unwrap().success());
    let mut archive = tar::Builder::new(Vec::new());
    archive.append_path_with_name(&program, "pause").unwrap();
    let body = bollard::body_full(archive.into_inner().unwrap().into());
    let options = CreateImageOptionsBuilder::new().from_src("-").repo(NAME).build();
    let mut steps = docker.create_image(Some(options), Some(body), None);
    while let Some(step) = steps.next().await {
        step.unwrap();
    }
}

async fn run_container(docker: &Docker) {
    let body = ContainerCreateBody {
        image: Some(NAME.to_owned()),
        cmd: Some(vec!["/pause".to_owned()]),
        // As process 1 it would ignore SIGTERM, and hold up the engine's own stop.
        stop_signal: Some("SIGKILL".to_owned()),
        host_config: Some(HostConfig {
            network_mode: Some("none".to_owned()),
            ..HostConfig::default()
        }),
        ..ContainerCreateBody::default()
    };
    let options = CreateContainerOptionsBuilder::new().name(NAME).build();
    docker.create_container(Some(options), body).await.unwrap();
    docker
        .start_container(NAME, None::<StartContainerOptions>)
        .await
        .unwrap();
}

async fn is_running(docker: &Docker) -> bool {
    let found = docker.inspect_container(NAME, None).await.unwrap();
    found.state.and_then(|state| state.running).unwrap()
}

#[tokio::test]
async fn an_engine_comes_up_again_after_kill_9() {
    let Some(private) = Private::new() else { return };
    let paths = &private.paths;
    daemon::start(paths).await.unwrap();
    let first = paths.running().expect("the pid file names it");
    assert_eq!(
        getsid(Some(Pid::from_raw(first))).unwrap().as_raw(),
        first,
        "a session of its own"
    );
    let network = |process: &str| std::fs::read_link(format!("/proc/{process}/ns/net")).unwrap();
    assert_ne!(
        network(&first.to_string()),
        network("self"),
        "it cannot touch the machine's bridges"
    );
    for descriptor in std::fs::read_dir(format!("/proc/{first}/fd")).unwrap() {
        let number = descriptor.unwrap().file_name().into_string().unwrap();
        let target = std::fs::read_link(format!("/proc/{first}/fd/{number}")).unwrap_or_default();
        let standard = number.parse::<u32>().unwrap() <= 2;
        let expected = if number == "0" {
            Path::new("/dev/null")
        } else {
            &*paths.log
        };
        assert!(
            !standard || target == expected,
            "descriptor {number} is {}",
            target.display()
        );
    }

    // Starting a second one over a living one only awaits it.
    daemon::start(paths).await.unwrap();
    assert_eq!(paths.running(), Some(first));

    let docker = private.docker();
    import_image(&docker, paths.data_root.parent().unwrap()).await;
    run_container(&docker).await;
    assert!(is_running(&docker).await);

    end(first, Signal::SIGKILL);
    // There is none where the whole machine has one containerd.
    if let Some(containerd) = private.containerd() {
        end(containerd, Signal::SIGKILL);
    }
    assert!(daemon::answers(&paths.socket).await.is_err());
    // As after a restart of the machine: the numbers belong to others by now.
    let other = std::process::id().to_string();
    std::fs::write(&paths.pid_file, &other).unwrap();
    std::fs::create_dir_all(paths.exec_root.join("containerd")).unwrap();
    std::fs::write(paths.exec_root.join("containerd/containerd.pid"), &other).unwrap();

    daemon::start(paths).await.unwrap();
    let docker = private.docker();
    assert!(!is_running(&docker).await, "the engine knows that it ended");
    docker
        .start_container(NAME, None::<StartContainerOptions>)
        .await
        .unwrap();
    assert!(is_running(&docker).await, "and can start it again");
    assert!(
        paths.log.with_extension("log.old").exists(),
        "the log of the start before is kept"
    );
}

#[tokio::test]
async fn an_engine_that_cannot_start_shows_its_log() {
    let Some(mut private) = Private::new() else { return };
    private
        .paths
        .arguments
        .push("--storage-driver=no-such-driver".to_owned());
    let error = daemon::start(&private.paths)
        .await
        .expect_err("there is no such driver");
    assert_eq!(error.kind(), harness::Kind::Environment);
    let text = error.explain();
    for part in [
        "dockerd ended: exit status: 1",
        "no-such-driver",
        "dockerd.log, its end:",
    ] {
        assert!(text.contains(part), "{part} stands in {text}");
    }
}
