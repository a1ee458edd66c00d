//! `dockerd` without an init system: started detached, and again after an unclean stop.

use std::fs::{File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use bollard::Docker;

use super::process::{find_program, log_tail};
use crate::await_until::{Probe, Wait};
use crate::error::Context;
use crate::{Error, Kind, Result, deadlines};

/// Where a `dockerd` keeps what outlives or identifies it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DaemonPaths {
    /// The socket it serves.
    pub socket: PathBuf,
    /// Its process number.
    pub pid_file: PathBuf,
    /// What is worth nothing after a restart: containerd's sockets, mounts, network namespaces.
    pub exec_root: PathBuf,
    /// Images and containers.
    pub data_root: PathBuf,
    /// What it prints. The log of the start before is kept beside it, as `.old`.
    pub log: PathBuf,
    /// Arguments that make it use these paths; empty for the machine's own, so that `/etc/docker/daemon.json` holds.
    pub arguments: Vec<String>,
    /// A program that it is run by, and that program's arguments; empty for the machine's own.
    pub launcher: Vec<String>,
}

impl DaemonPaths {
    /// The machine's one engine.
    #[must_use]
    pub fn system() -> Self {
        DaemonPaths {
            socket: "/var/run/docker.sock".into(),
            pid_file: "/var/run/docker.pid".into(),
            exec_root: "/var/run/docker".into(),
            data_root: "/var/lib/docker".into(),
            log: "/var/log/mesos-harness/dockerd.log".into(),
            arguments: Vec::new(),
            launcher: Vec::new(),
        }
    }

    /// A second engine under `folder`, without networks, beside whatever the machine runs. A socket's path has at most
    /// 107 bytes, so keep it short.
    ///
    /// It lives in a network namespace of its own: a dockerd that is told to have no default bridge removes the
    /// `docker0` it finds, and that one is another engine's. Its containerd namespaces are its own too, for where it
    /// finds a containerd that serves the whole machine.
    #[must_use]
    pub fn private(folder: &Path) -> Self {
        let mut paths = DaemonPaths {
            socket: folder.join("docker.sock"),
            pid_file: folder.join("docker.pid"),
            exec_root: folder.join("exec"),
            data_root: folder.join("data"),
            log: folder.join("dockerd.log"),
            arguments: Vec::new(),
            launcher: Vec::new(),
        };
        let named = [
            ("--host", format!("unix://{}", paths.socket.display())),
            ("--pidfile", paths.pid_file.display().to_string()),
            ("--exec-root", paths.exec_root.display().to_string()),
            ("--data-root", paths.data_root.display().to_string()),
            ("--bridge", "none".to_owned()),
            ("--iptables", "false".to_owned()),
            ("--containerd-namespace", "mesos-harness-private".to_owned()),
            (
                "--containerd-plugins-namespace",
                "mesos-harness-private-plugins".to_owned(),
            ),
        ];
        paths.arguments = named.map(|(name, value)| format!("{name}={value}")).to_vec();
        paths.launcher = vec!["unshare".to_owned(), "--net".to_owned()];
        paths
    }

    /// The `dockerd` that the pid file names, if it is one and lives.
    #[must_use]
    pub fn running(&self) -> Option<i32> {
        live(&self.pid_file, "dockerd")
    }

    fn containerd(&self, file: &str) -> PathBuf {
        self.exec_root.join("containerd").join(file)
    }
}

/// Asks the engine at `socket` whether it is there.
///
/// # Errors
/// Why it does not answer, as a fragment.
pub async fn answers(socket: &Path) -> Result<(), String> {
    let limit = deadlines::ENGINE_LOOK.limit();
    let seconds = limit.as_secs().max(1);
    let docker = Docker::connect_with_unix(&socket.to_string_lossy(), seconds, bollard::API_DEFAULT_VERSION)
        .map_err(|error| error.to_string())?;
    match tokio::time::timeout(limit, docker.ping()).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("no answer within {limit:?}")),
    }
}

pub(super) fn is_forbidden(socket: &Path) -> bool {
    matches!(UnixStream::connect(socket), Err(error) if error.kind() == ErrorKind::PermissionDenied)
}

/// Starts `dockerd`, detached, and awaits its answer. One that lives already but does not answer yet is awaited
/// instead. What an unclean stop left behind is put out of its way first.
///
/// # Errors
/// [`Kind::Environment`] where it exits or does not answer in time; with the log's end.
pub async fn start(paths: &DaemonPaths) -> Result<()> {
    let mut child = match paths.running() {
        Some(_) => None,
        None => {
            clear_stale(paths)?;
            Some(spawn(paths)?)
        }
    };
    let answered = Wait::that("dockerd answers", deadlines::ENGINE_START)
        .blaming(Kind::Environment)
        .until(|| {
            let ended = child.as_mut().and_then(|child| child.try_wait().ok().flatten());
            async move {
                if let Some(status) = ended {
                    return Probe::Broken(Error::new(Kind::Environment, format!("dockerd ended: {status}")));
                }
                match answers(&paths.socket).await {
                    Ok(()) => Probe::Ready(()),
                    Err(reason) => Probe::NotYet(reason),
                }
            }
        })
        .await;
    answered.map_err(|error| {
        error
            .expected("dockerd starts and answers")
            .ran(format!("dockerd {}", paths.arguments.join(" ")).trim_end().to_owned())
            .evidence(log_tail(&paths.log))
            .hint("the end of its log says what this machine lacks")
    })
}

/// Removes the pid files and sockets of processes that are gone.
///
/// dockerd and its containerd believe a pid file whose number belongs to any live process, and after a restart of the
/// machine it may: `/var/run` is not always emptied.
fn clear_stale(paths: &DaemonPaths) -> Result<()> {
    let mut stale = vec![paths.pid_file.clone()];
    let containerd_pid = paths.containerd("containerd.pid");
    if live(&containerd_pid, "containerd").is_none() {
        stale.push(containerd_pid);
    }
    let sockets = [
        paths.socket.clone(),
        paths.exec_root.join("metrics.sock"),
        paths.containerd("containerd.sock"),
        paths.containerd("containerd.sock.ttrpc"),
        paths.containerd("containerd-debug.sock"),
    ];
    let refused = |socket: &PathBuf| matches!(UnixStream::connect(socket), Err(error) if error.kind() == ErrorKind::ConnectionRefused);
    stale.extend(sockets.into_iter().filter(refused));
    for path in stale {
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                let summary = format!("{}, left by an engine that is gone, cannot be removed", path.display());
                return Err(Error::new(Kind::Environment, summary).caused_by(error));
            }
            _ => {}
        }
    }
    Ok(())
}

/// The process that `pid_file` names, if it lives and runs `program`.
fn live(pid_file: &Path, program: &str) -> Option<i32> {
    let pid: i32 = std::fs::read_to_string(pid_file).ok()?.trim().parse().ok()?;
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    // A zombie keeps its name.
    (field("Name:") == Some(program) && field("State:").is_some_and(|state| !state.starts_with('Z'))).then_some(pid)
}

/// In a session of its own, holding none of our files: it outlives us, our terminal and a kill of our process group,
/// and nobody waits for a pipe that it inherited (make's job server is one).
fn spawn(paths: &DaemonPaths) -> Result<Child> {
    const CLOSE_INHERITED: &str = r#"
        for descriptor in /proc/self/fd/*; do
            number=${descriptor##*/}
            [ "$number" -le 2 ] || eval "exec $number>&-"
        done
        exec setsid "$@""#;
    let dockerd = find_program("dockerd").ok_or_else(|| {
        Error::new(Kind::Environment, "there is no dockerd").hint("on Debian and Ubuntu: apt-get install docker.io")
    })?;
    let log = fresh_log(&paths.log)?;
    let errors = log.try_clone().context(Kind::Environment, || {
        format!("{} cannot be written", paths.log.display())
    })?;
    let search = std::env::var("PATH").unwrap_or_default() + ":/usr/sbin:/sbin:/usr/bin:/bin";
    Command::new("bash")
        .args(["-c", CLOSE_INHERITED, "bash"])
        .args(&paths.launcher)
        .arg(&dockerd)
        .args(&paths.arguments)
        .env("PATH", search)
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(errors)
        .spawn()
        .context(Kind::Environment, || format!("{} cannot be started", dockerd.display()))
}

fn fresh_log(path: &Path) -> Result<File> {
    let unusable = || format!("{} cannot be written", path.display());
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).context(Kind::Environment, unusable)?;
    }
    if path.exists() {
        let mut old = path.as_os_str().to_owned();
        old.push(".old");
        std::fs::rename(path, old).context(Kind::Environment, unusable)?;
    }
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .context(Kind::Environment, unusable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixListener;

    #[test]
    fn only_what_nobody_uses_is_cleared() {
        let folder = tempfile::tempdir().unwrap();
        let paths = DaemonPaths::private(folder.path());
        std::fs::create_dir_all(paths.exec_root.join("containerd")).unwrap();
        // The pid file names a live process that is no dockerd: this one.
        std::fs::write(&paths.pid_file, std::process::id().to_string()).unwrap();
        std::fs::write(paths.containerd("containerd.pid"), "1").unwrap();
        drop(UnixListener::bind(&paths.socket).unwrap());
        let served = paths.containerd("containerd.sock");
        let _server = UnixListener::bind(&served).unwrap();
        assert_eq!(paths.running(), None);

        clear_stale(&paths).unwrap();
        assert!(!paths.pid_file.exists());
        assert!(
            !paths.containerd("containerd.pid").exists(),
            "process 1 is no containerd"
        );
        assert!(!paths.socket.exists(), "nobody listens there");
        assert!(served.exists(), "somebody listens there");
    }

    #[test]
    fn a_process_is_known_by_number_and_name() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pid");
        assert_eq!(live(&file, "x"), None);
        std::fs::write(&file, std::process::id().to_string()).unwrap();
        let thread_group = std::fs::read_to_string(format!("/proc/{}/comm", std::process::id())).unwrap();
        assert!(live(&file, thread_group.trim()).is_some());
        std::fs::write(&file, i32::MAX.to_string()).unwrap();
        assert_eq!(live(&file, thread_group.trim()), None);
    }
}
