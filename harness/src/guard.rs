//! The guard: runs a program for an owner, and ends it when the owner is gone, even by `kill -9`.
//!
//! `harness conform` starts the test runner through it. The guard leads the runner's process group and reads a pipe whose
//! other end only the owner has. Signals that the owner sends to the group are for the runner; the guard outlives them,
//! and passes on how the runner ended.

use std::ffi::OsString;
use std::os::fd::AsFd as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{ExitStatus, Stdio};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::getpgrp;
use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe;
use tokio::process::Command;
use tokio::signal::unix::{SignalKind, signal};

use crate::error::Context;
use crate::{Error, Kind, Result, deadlines};

/// Runs `program` to its end, or until standard input, a pipe, closes: then it is told to end (SIGTERM), and killed if it
/// has not within [`deadlines::NEXTEST_ENDS`]. Returns its exit code, or 128 and the number of the signal that ended it.
///
/// # Errors
/// [`Kind::Environment`] where the program cannot be started; [`Kind::Usage`] where standard input is no pipe.
pub async fn guard(program: &[OsString]) -> Result<u8> {
    let Some((name, arguments)) = program.split_first() else {
        return Err(Error::usage("a guard has a program to run"));
    };
    let pipe = std::io::stdin().as_fd().try_clone_to_owned();
    let pipe = pipe.and_then(pipe::Receiver::from_owned_fd);
    let mut pipe = pipe.context(Kind::Usage, || "standard input is no pipe".to_owned())?;
    // Caught and forgotten: they are sent to the group, and the program has its own copy of each.
    let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
    let caught = kinds.into_iter().map(signal).collect::<std::io::Result<Vec<_>>>();
    let _caught = caught.context(Kind::Environment, || "signals cannot be caught".to_owned())?;
    let mut child = Command::new(name)
        .args(arguments)
        .stdin(Stdio::null())
        .spawn()
        .context(Kind::Environment, || format!("cannot start {}", name.display()))?;
    let unknown = || format!("{} cannot be waited for", name.display());
    let status = tokio::select! {
        status = child.wait() => Some(status.context(Kind::Environment, unknown)?),
        () = closed(&mut pipe) => None,
    };
    if let Some(status) = status {
        return Ok(code(status));
    }
    let group = getpgrp();
    // A group that cannot be signalled is gone but for this process.
    let _ = killpg(group, Signal::SIGTERM);
    match tokio::time::timeout(deadlines::NEXTEST_ENDS.limit(), child.wait()).await {
        Ok(status) => status.context(Kind::Environment, unknown).map(code),
        Err(_) => {
            let _ = killpg(group, Signal::SIGKILL);
            Ok(code(ExitStatus::from_raw(Signal::SIGKILL as i32)))
        }
    }
}

async fn closed(pipe: &mut pipe::Receiver) {
    let mut byte = [0];
    while pipe.read(&mut byte).await.is_ok_and(|read| read > 0) {}
}

fn code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|number| 128 + number));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX)
}
