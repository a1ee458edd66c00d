//! The Docker engine: the one that answers, else one installed and started here.

use std::path::Path;

use super::daemon::{self, DaemonPaths};
use super::packages::{self, is_debian, is_root};
use super::process::{find_program, run_logged};
use super::{Say, Work, lock};
use crate::await_until::{Probe, Wait};
use crate::docker::Engine;
use crate::{Error, Kind, Result, deadlines};

const PACKAGES: [&str; 2] = ["docker.io", "iptables"];

/// Connects to an engine, and installs and starts one where none answers.
///
/// # Errors
/// [`Kind::Environment`]: `DOCKER_HOST` names an engine that does not answer (no other is ever started beside it), this
/// user may not use the local one, or it cannot be installed or started; with what to do.
pub async fn ensure(say: Say<'_>) -> Result<Engine> {
    let named = std::env::var_os("DOCKER_HOST").is_some_and(|host| !host.is_empty());
    let paths = DaemonPaths::system();
    if named {
        let hint = "DOCKER_HOST names this engine: start it, or unset DOCKER_HOST to use one on this machine";
        return Engine::connect().await.map_err(|error| error.hint(hint));
    }
    if daemon::answers(&paths.socket).await.is_ok() {
        return Engine::connect().await;
    }
    if daemon::is_forbidden(&paths.socket) {
        return Err(forbidden(&paths.socket));
    }
    let _lock = lock(say).await?;
    if daemon::answers(&paths.socket).await.is_err() {
        provide(&paths, say).await?;
    }
    Engine::connect().await
}

async fn provide(paths: &DaemonPaths, say: Say<'_>) -> Result<()> {
    if !cfg!(target_os = "linux") || !is_root() {
        return Err(by_hand());
    }
    let lacking = find_program("dockerd").is_none() || find_program("iptables").is_none();
    if lacking {
        if !is_debian() {
            return Err(by_hand());
        }
        let log = paths.log.with_file_name("apt.log");
        packages::install(&PACKAGES, &log, say).await?;
    }
    if Path::new("/run/systemd/system").is_dir() {
        return start_service(paths, say).await;
    }
    let work = Work::begin(say, format!("starting dockerd (log: {})", paths.log.display()));
    daemon::start(paths).await?;
    work.done();
    Ok(())
}

/// systemd looks after the engine where it runs the machine.
async fn start_service(paths: &DaemonPaths, say: Say<'_>) -> Result<()> {
    let work = Work::begin(say, "starting the docker service");
    let hint = "`systemctl status docker` and `journalctl -u docker` show more";
    let log = paths.log.with_file_name("systemctl.log");
    run_logged(&["systemctl", "start", "docker"], &[], &log, deadlines::ENGINE_START)
        .await
        .map_err(|error| error.hint(hint))?;
    Wait::that("the docker service answers", deadlines::ENGINE_START)
        .blaming(Kind::Environment)
        .until(async || match daemon::answers(&paths.socket).await {
            Ok(()) => Probe::Ready(()),
            Err(reason) => Probe::NotYet(reason),
        })
        .await
        .map_err(|error| error.hint(hint))?;
    work.done();
    Ok(())
}

fn forbidden(socket: &Path) -> Error {
    Error::new(
        Kind::Environment,
        format!("this user may not use the Docker engine at {}", socket.display()),
    )
    .expected("read and write access to that socket")
    .ran("docker version")
    .hint("as root: usermod -aG docker USER, and start the engine where none runs; then log in again")
}

fn by_hand() -> Error {
    let installed = find_program("dockerd").is_some();
    let mut remedy = match (cfg!(target_os = "linux"), installed, is_debian()) {
        (false, ..) => "start Docker Desktop or another engine".to_owned(),
        (true, true, _) => "as root: systemctl start docker (or run dockerd)".to_owned(),
        (true, false, true) => format!("as root: apt-get install {}", PACKAGES.join(" ")),
        (true, false, false) => "install Docker Engine 20.10 or newer from your distribution and start it".to_owned(),
    };
    if !is_root() {
        remedy += "; then, as root: usermod -aG docker USER, and log in again";
    }
    Error::new(
        Kind::Environment,
        "no Docker engine answers, and set-up cannot start one here",
    )
    .expected("an engine that answers, or root on Debian or Ubuntu to install one")
    .ran("docker version")
    .hint(format!("{remedy}; or set DOCKER_HOST to an engine elsewhere"))
}
