//! Drives nextest as a child in a process group of its own, and hands signals on to it.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::signal::unix::{Signal as Stream, SignalKind, signal};

use super::{Options, Prepared, absolute, filterset};
use crate::await_until::Wait;
use crate::deadlines::{self, Deadline};
use crate::error::Context;
use crate::evidence::place::RUN_DIRECTORY;
use crate::keep::{self, Keep};
use crate::lease;
use crate::report::runner::read_list;
use crate::stack::STACK_VARIABLE;
use crate::{Error, Kind, Result};

/// nextest's exit code for tests that failed: the report says which.
const TESTS_FAILED: i32 = 100;
/// The scenarios are the library of their crate. Selecting them by a filter, and not by `-p`, leaves the features of
/// all dependencies as every other build of the workspace has them: nothing compiles twice.
const SCENARIOS: &str = "package(scenarios)";
/// The log of the build, in the run's folder.
const BUILD_LOG: &str = "build.log";
/// Lines of the build's log that an error shows.
const BUILD_TAIL: usize = 30;

/// The signals that end a run.
#[derive(Debug)]
pub struct Interrupt {
    streams: Vec<(Signal, Stream)>,
}

impl Interrupt {
    /// Takes over SIGINT, SIGTERM and SIGHUP.
    ///
    /// # Errors
    /// [`Kind::Environment`] where the process cannot.
    pub fn install() -> Result<Self> {
        // Building images takes leases for a moment; their handler would end the process, and nextest would run on.
        crate::interrupt::defer();
        let failed = || "the signal handlers cannot be installed".to_owned();
        let kinds = [
            (Signal::SIGINT, SignalKind::interrupt()),
            (Signal::SIGTERM, SignalKind::terminate()),
            (Signal::SIGHUP, SignalKind::hangup()),
        ];
        let streams = kinds
            .into_iter()
            .map(|(number, kind)| signal(kind).map(|stream| (number, stream)));
        Ok(Interrupt {
            streams: streams
                .collect::<std::io::Result<_>>()
                .context(Kind::Environment, failed)?,
        })
    }

    async fn next(&mut self) -> Signal {
        std::future::poll_fn(|context| {
            let found = self
                .streams
                .iter_mut()
                .find_map(|(number, stream)| match stream.poll_recv(context) {
                    std::task::Poll::Ready(Some(())) => Some(*number),
                    _ => None,
                });
            found.map_or(std::task::Poll::Pending, std::task::Poll::Ready)
        })
        .await
    }

    /// Ends `future` when a signal comes: for what needs no orderly end.
    ///
    /// # Errors
    /// [`Kind::Interrupted`], or the future's own.
    pub(super) async fn or<T>(&mut self, future: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::select! {
            done = future => done,
            number = self.next() => Err(interrupted(number)),
        }
    }
}

fn interrupted(number: Signal) -> Error {
    Error::new(Kind::Interrupted, format!("{number} came before the first scenario"))
}

/// How nextest ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) status: ExitStatus,
    pub(super) interrupted: bool,
}

impl Ended {
    /// What is wrong, where the results do not already say it.
    pub(super) fn problem(&self) -> Option<String> {
        let expected = self.interrupted || matches!(self.status.code(), Some(0 | TESTS_FAILED));
        (!expected).then(|| {
            format!(
                "nextest ended with {}, which is neither success nor failed tests",
                self.status
            )
        })
    }
}

/// nextest, for one run.
#[derive(Debug)]
pub(super) struct Nextest {
    program: PathBuf,
    root: PathBuf,
    directory: PathBuf,
    stack: Option<PathBuf>,
    keep: Keep,
}

impl Nextest {
    pub(super) fn new(options: &Options, prepared: &Prepared, directory: &Path) -> Self {
        Nextest {
            program: prepared.nextest.clone(),
            root: options.root.clone(),
            directory: absolute(directory),
            stack: options.stack.as_deref().map(absolute),
            keep: options.keep,
        }
    }

    /// Where nextest puts the results of the profile: always under the workspace's own `target/`.
    pub(super) fn junit(&self) -> PathBuf {
        self.root.join("target/nextest/conform/junit.xml")
    }

    /// Builds the scenarios and lists their tests.
    pub(super) async fn list(&self, interrupt: &mut Interrupt) -> Result<Vec<String>> {
        let arguments = [
            "list",
            "--workspace",
            "--lib",
            "--profile",
            "conform",
            "--message-format",
            "json",
            "-E",
            SCENARIOS,
        ];
        let mut command = self.command(&arguments)?;
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let (mut child, _pipe) = self.spawn(command)?;
        let stdout = child
            .stdout
            .take()
            .ok_or_else(|| Error::internal("nextest's output is not piped"))?;
        let stderr = child
            .stderr
            .take()
            .ok_or_else(|| Error::internal("nextest's log is not piped"))?;
        let both = async { tokio::join!(whole(stdout), shown(stderr)) };
        tokio::pin!(both);
        let (json, log) = tokio::select! {
            done = &mut both => done,
            number = interrupt.next() => {
                // However the build ends: nothing of ours is created yet.
                drop(ended(&mut child, number, interrupt, deadlines::NEXTEST_ENDS).await);
                return Err(interrupted(number));
            }
        };
        let status = child.wait().await.context(Kind::Environment, unknown_end)?;
        if !status.success() {
            return Err(self.build_failed(&arguments, status, &log));
        }
        read_list(&json.context(Kind::Environment, || "nextest's list cannot be read".to_owned())?)
    }

    fn build_failed(&self, arguments: &[&str], status: ExitStatus, log: &str) -> Error {
        let path = self.directory.join(BUILD_LOG);
        let lines: Vec<&str> = log.lines().collect();
        let tail = lines[lines.len().saturating_sub(BUILD_TAIL)..].join("\n");
        let error = Error::new(
            Kind::Environment,
            format!("the scenarios do not build: nextest ended with {status}"),
        )
        .ran(format!("cargo nextest {}", arguments.join(" ")))
        .evidence(tail);
        match crate::evidence::write_atomically(&path, log.as_bytes()) {
            Ok(()) => error.evidence(format!("all of it: {}", path.display())),
            Err(unwritten) => error.evidence(unwritten.to_string()),
        }
    }

    /// Runs the chosen tests. Signals go on to nextest, which ends its tests in order; the run still has a report.
    pub(super) async fn run(&self, all: &[String], chosen: &[String], interrupt: &mut Interrupt) -> Result<Ended> {
        // What an earlier run left is no result of this one.
        if let Err(error) = std::fs::remove_file(self.junit())
            && error.kind() != std::io::ErrorKind::NotFound
        {
            return Err(error).context(Kind::Internal, || format!("cannot remove {}", self.junit().display()));
        }
        let filter = match chosen.len() < all.len() {
            true => format!("{SCENARIOS} and ({})", filterset(chosen)),
            false => SCENARIOS.to_owned(),
        };
        let arguments = ["run", "--workspace", "--lib", "--profile", "conform", "-E", &filter];
        let (mut child, _pipe) = self.spawn(self.command(&arguments)?)?;
        let number = tokio::select! {
            status = child.wait() => {
                let status = status.context(Kind::Environment, unknown_end)?;
                return Ok(Ended { status, interrupted: false });
            }
            number = interrupt.next() => number,
        };
        let status = ended(&mut child, number, interrupt, deadlines::NEXTEST_ENDS).await?;
        Ok(Ended {
            status,
            interrupted: true,
        })
    }

    fn command(&self, arguments: &[&str]) -> Result<Command> {
        let mut command = Command::new(lease::program()?);
        command
            .arg("guard")
            .arg("--")
            .arg(&self.program)
            .arg("nextest")
            .args(arguments)
            .current_dir(&self.root);
        if std::env::var_os("NEXTEST_RUN_ID").is_some() {
            // Inside another nextest run: its variables describe that run, and nextest would take some for options.
            for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("NEXTEST")) {
                command.env_remove(name);
            }
        }
        // Where `cargo run` started us: a build script of a dependency is run again for another value of it.
        command.env_remove("CARGO_MANIFEST_DIR");
        command.env(RUN_DIRECTORY, &self.directory);
        match anstream::ColorChoice::global() {
            anstream::ColorChoice::Auto => {}
            anstream::ColorChoice::Never => drop(command.env("CARGO_TERM_COLOR", "never")),
            _ => drop(command.env("CARGO_TERM_COLOR", "always")),
        }
        // A snapshot that differs is a failed check, and no reason to write into the work tree.
        command.env("INSTA_UPDATE", "no");
        command.env(keep::VARIABLE, self.keep.word());
        if let Some(stack) = &self.stack {
            command.env(STACK_VARIABLE, stack);
        }
        Ok(command)
    }

    /// A group of its own: a terminal's Ctrl-C reaches nextest once, from us, and not from the terminal as well. The
    /// [guard](crate::guard) ends it when the pipe is dropped, as when this process is killed.
    fn spawn(&self, mut command: Command) -> Result<(Child, ChildStdin)> {
        let failed = |error: std::io::Error| {
            Error::new(Kind::Environment, format!("cannot start {}", self.program.display()))
                .expected("cargo-nextest, as .config/nextest.toml asks for it")
                .ran("cargo nextest --version")
                .hint("`harness setup` installs it")
                .caused_by(error)
        };
        // The guard would be what says so, to nobody.
        std::fs::metadata(&self.program).map_err(failed)?;
        let mut child = command.stdin(Stdio::piped()).process_group(0).spawn().map_err(failed)?;
        // Not left to the child's handle, which closes it before it waits.
        let pipe = child.stdin.take().expect("its standard input was asked for");
        Ok((child, pipe))
    }
}

/// Hands `number` on to the child's group, and every signal after it, until the child has ended. One that has not within
/// `deadline` is killed with its group: it hangs, and the reapers of its tests remove what those made.
async fn ended(child: &mut Child, number: Signal, interrupt: &mut Interrupt, deadline: Deadline) -> Result<ExitStatus> {
    let group = child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw);
    let forward = |number| {
        if let Some(group) = group {
            // A group that is gone needs no signal.
            let _ = killpg(group, number);
        }
    };
    forward(number);
    let orderly = async {
        loop {
            tokio::select! {
                status = child.wait() => return status,
                number = interrupt.next() => forward(number),
            }
        }
    };
    if let Ok(status) = tokio::time::timeout(deadline.limit(), orderly).await {
        return status.context(Kind::Environment, unknown_end);
    }
    let limit = deadline.limit();
    tracing::warn!(
        "nextest did not end within {limit:.0?} ({}) of {number}: it is killed",
        deadline.name
    );
    forward(Signal::SIGKILL);
    Wait::that("nextest, killed, has ended", deadlines::EXEC_KILL)
        .blaming(Kind::Environment)
        .for_future(async { child.wait().await.context(Kind::Environment, unknown_end) })
        .await
}

fn unknown_end() -> String {
    "nextest cannot be waited for".to_owned()
}

async fn whole(mut stream: impl AsyncRead + Unpin) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await?;
    Ok(bytes)
}

/// Shows a log as it comes, and keeps it.
async fn shown(stream: impl AsyncRead + Unpin) -> String {
    let mut lines = BufReader::new(stream).split(b'\n');
    let mut log = String::new();
    while let Ok(Some(line)) = lines.next_segment().await {
        let line = String::from_utf8_lossy(&line);
        // Whoever read it may be gone; the log is kept all the same.
        let _ = writeln!(anstream::stderr(), "{line}");
        log.push_str(&line);
        log.push('\n');
    }
    log
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;
    use std::time::Duration;

    use super::*;

    async fn after_a_signal(script: &str, deadline: Duration) -> ExitStatus {
        let mut command = Command::new("sh");
        command
            .args(["-c", script])
            .stdout(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let output = child.stdout.take().unwrap();
        let mut ready = String::new();
        BufReader::new(output).read_line(&mut ready).await.unwrap();
        let mut interrupt = Interrupt { streams: Vec::new() };
        let deadline = Deadline::custom("SHORT", deadline);
        ended(&mut child, Signal::SIGTERM, &mut interrupt, deadline)
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn a_child_that_ends_on_the_signal_keeps_its_status() {
        let status = after_a_signal(
            "trap 'exit 7' TERM; echo ready; while :; do sleep 0.05; done",
            Duration::from_secs(20),
        )
        .await;
        assert_eq!(status.code(), Some(7));
    }

    #[tokio::test]
    async fn a_child_that_does_not_end_is_killed() {
        let status = after_a_signal("trap '' TERM; echo ready; sleep 1000", Duration::from_millis(100)).await;
        assert_eq!(status.signal(), Some(9));
    }
}
