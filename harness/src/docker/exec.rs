//! One command inside a container, with its output, its exit code, and an end in bounded time.
//!
//! The engine cannot stop what it started by `exec`, and a reader that leaves does not stop it either. So every
//! command carries a mark of its own in its environment, [`MARK`]; its descendants inherit it, whatever session they
//! choose, and a second command kills whoever has it, and their children. What clears its environment *and* outlives
//! its parent escapes; so does everything in a container without `sh` and `grep`, and the error then says so.

use bollard::container::LogOutput;
use bollard::exec::{StartExecOptions, StartExecResults};
use bollard::models::ExecConfig;
use bollard::query_parameters::WaitContainerOptionsBuilder;
use futures_util::StreamExt;
use tokio::io::AsyncWriteExt;
use tokio::time::Instant;

use crate::await_until::{Probe, Wait};
use crate::deadlines::{self, Deadline};
use crate::docker::Engine;
use crate::error::Context;
use crate::{Error, Kind, Result};

/// The environment variable by which a command's processes are found again. (`MESOS_…` would be read as a flag.)
pub const MARK: &str = "HARNESS_EXEC";
/// The most output that is kept; a command that writes more is stopped.
const OUTPUT_BYTES: usize = 16 << 20;
/// As much of each stream goes into an error: so many of its last lines, and bytes.
const TAIL_LINES: usize = 20;
const TAIL_BYTES: usize = 2048;
/// Finds and signals a command's processes; says itself how.
const FIND_MARKED: &str = include_str!("find_marked.sh");

/// A command for a container.
#[derive(Clone, Debug)]
pub struct ExecSpec {
    /// Program and arguments; no shell reads them.
    pub cmd: Vec<String>,
    /// `user`, `uid`, `user:group`; the image's own user where `None`.
    pub user: Option<String>,
    /// `NAME=value`, added to the container's environment.
    pub env: Vec<String>,
    /// The image's own where `None`.
    pub cwd: Option<String>,
    /// What the command reads; it reads the end of file where `None`.
    pub stdin: Option<Vec<u8>>,
    /// How long it may take.
    pub deadline: Deadline,
}

impl ExecSpec {
    /// `cmd` as the container's user, for at most [`deadlines::EXEC`].
    pub fn new<S: Into<String>>(cmd: impl IntoIterator<Item = S>) -> Self {
        ExecSpec {
            cmd: cmd.into_iter().map(Into::into).collect(),
            user: None,
            env: Vec::new(),
            cwd: None,
            stdin: None,
            deadline: deadlines::EXEC,
        }
    }

    /// Runs it as this user.
    #[must_use]
    pub fn user(mut self, user: impl Into<String>) -> Self {
        self.user = Some(user.into());
        self
    }

    /// Adds one variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push(format!("{name}={value}"));
        self
    }

    /// Runs it in this folder.
    #[must_use]
    pub fn cwd(mut self, cwd: impl Into<String>) -> Self {
        self.cwd = Some(cwd.into());
        self
    }

    /// Gives it something to read.
    #[must_use]
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = Some(bytes.into());
        self
    }

    /// Another bound than [`deadlines::EXEC`].
    #[must_use]
    pub fn within(mut self, deadline: Deadline) -> Self {
        self.deadline = deadline;
        self
    }

    /// The same by the docker CLI, to paste into a shell.
    #[must_use]
    pub fn pasteable(&self, container: &str) -> String {
        let mut words = vec!["docker".to_owned(), "exec".to_owned()];
        if self.stdin.is_some() {
            words.push("-i".to_owned());
        }
        let mut option = |flag: &str, value: &str| words.extend([flag.to_owned(), quoted(value)]);
        if let Some(user) = &self.user {
            option("-u", user);
        }
        if let Some(cwd) = &self.cwd {
            option("-w", cwd);
        }
        for variable in &self.env {
            option("-e", variable);
        }
        words.push(quoted(container));
        words.extend(self.cmd.iter().map(|word| quoted(word)));
        words.join(" ")
    }

    pub(crate) fn config(&self, mark: &Mark) -> ExecConfig {
        let mut env = self.env.clone();
        env.push(mark.variable());
        ExecConfig {
            attach_stdin: Some(self.stdin.is_some()),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            cmd: Some(self.cmd.clone()),
            env: Some(env),
            user: self.user.clone(),
            working_dir: self.cwd.clone(),
            ..ExecConfig::default()
        }
    }
}

/// What a command that ended has left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecOutput {
    /// What is no UTF-8 is replaced.
    pub stdout: String,
    /// As `stdout`.
    pub stderr: String,
    /// 0 to 255; 128 and the signal's number where a signal ended it.
    pub exit_code: i64,
    /// The pasteable command.
    pub ran: String,
}

impl ExecOutput {
    /// The output of a command that must succeed.
    ///
    /// # Errors
    /// [`Kind::Answer`] with both streams' ends for an exit code other than 0.
    pub fn success(self) -> Result<Self> {
        if self.exit_code == 0 {
            return Ok(self);
        }
        let error = Error::new(
            Kind::Answer,
            format!("a command ended with exit code {}", self.exit_code),
        )
        .expected("exit code 0")
        .ran(&self.ran);
        Err(with_streams(error, self.stdout.as_bytes(), self.stderr.as_bytes()))
    }
}

/// Runs a command in a running container and returns when it has ended, whatever its exit code.
///
/// What the command leaves running on purpose stays; its output is then read for as long as the engine gives it,
/// which is 2 s after the command itself has ended (Docker 20.10).
///
/// # Errors
/// [`Kind::Component`] where the container is gone or not running, or the program cannot be started;
/// [`Kind::Deadline`] with what it had written, after killing it; [`Kind::Answer`] for more than 16 MiB of output.
pub async fn exec(engine: &Engine, container: &str, spec: ExecSpec) -> Result<ExecOutput> {
    let mark = Mark::new();
    let ran = spec.pasteable(container);
    let mut heard = Heard::default();
    // On the heap, since scenarios await many of these in one another's frames.
    let outcome = Wait::that(format!("`{}` ends in {container}", spec.cmd.join(" ")), spec.deadline)
        .unless(Box::pin(ended(engine, container)))
        .for_future(Box::pin(run(engine, container, &spec, &mark, &mut heard)))
        .await;
    let exit_code = match outcome {
        Ok(exit_code) => exit_code,
        Err(error) => {
            let mut error = error.ran(ran);
            if matches!(error.kind(), Kind::Deadline | Kind::Answer) {
                let killed = Box::pin(kill_marked(engine, container, &mark, spec.user.as_deref(), "KILL")).await;
                error = with_streams(error, &heard.stdout, &heard.stderr).evidence(killed);
            }
            return Err(error);
        }
    };
    Ok(ExecOutput {
        stdout: String::from_utf8_lossy(&heard.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&heard.stderr).into_owned(),
        exit_code,
        ran,
    })
}

/// The mark of one command's processes.
#[derive(Debug)]
pub(crate) struct Mark(String);

impl Mark {
    pub(crate) fn new() -> Self {
        Mark(uuid::Uuid::new_v4().simple().to_string())
    }

    pub(crate) fn variable(&self) -> String {
        format!("{MARK}={}", self.0)
    }
}

/// What was read of a command so far: it must outlive the attempt to read more.
#[derive(Debug, Default)]
struct Heard {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

impl Heard {
    fn take(&mut self, chunk: LogOutput) -> Result<()> {
        match chunk {
            LogOutput::StdErr { message } => self.stderr.extend_from_slice(&message),
            other => self.stdout.extend_from_slice(other.as_ref()),
        }
        if self.stdout.len() + self.stderr.len() > OUTPUT_BYTES {
            return Err(Error::new(
                Kind::Answer,
                format!("a command wrote more than {} MiB", OUTPUT_BYTES >> 20),
            )
            .hint("let it write into a file, and read the part that matters"));
        }
        Ok(())
    }
}

async fn run(engine: &Engine, container: &str, spec: &ExecSpec, mark: &Mark, heard: &mut Heard) -> Result<i64> {
    let docker = engine.docker();
    let failed = |error| engine_error(container, "a command could not be started in", error);
    let exec = docker.create_exec(container, spec.config(mark)).await.map_err(failed)?;
    let started = docker
        .start_exec(&exec.id, None::<StartExecOptions>)
        .await
        .map_err(failed)?;
    let StartExecResults::Attached { mut output, mut input } = started else {
        return Err(Error::internal("the engine detached a command that was to be read"));
    };
    // A command that does not read all of its input ends all the same: only its output decides.
    let feed = async {
        if let Some(bytes) = &spec.stdin {
            let fed = input.write_all(bytes).await;
            if fed.is_ok() {
                let _ = input.shutdown().await;
            }
        }
        std::future::pending::<()>().await;
    };
    tokio::pin!(feed);
    loop {
        let chunk = tokio::select! {
            chunk = output.next() => chunk,
            () = &mut feed => None,
        };
        match chunk {
            Some(chunk) => {
                heard.take(chunk.map_err(|error| engine_error(container, "output was cut off in", error))?)?;
            }
            None => break,
        }
    }
    let exit_code = exit_code(engine, container, &exec.id).await?;
    match String::from_utf8_lossy(&heard.stdout) {
        // The engine puts its own failure where the output would be, with the exit code of a shell.
        said if matches!(exit_code, 126 | 127) && said.starts_with("OCI runtime exec failed") => Err(Error::new(
            Kind::Component,
            format!("`{}` cannot be started in {container}", spec.cmd.join(" ")),
        )
        .caused_by(said.trim().to_owned())),
        _ => Ok(exit_code),
    }
}

/// The exit code of a command whose output has ended: the engine notes it a moment later.
pub(crate) async fn exit_code(engine: &Engine, container: &str, exec_id: &str) -> Result<i64> {
    Wait::that(
        format!("the engine knows how a command in {container} ended"),
        deadlines::ENGINE_REQUEST,
    )
    .blaming(Kind::Environment)
    .until(async || match engine.docker().inspect_exec(exec_id).await {
        Ok(state) if state.running == Some(true) => Probe::NotYet("it runs, by the engine".to_owned()),
        Ok(state) => match state.exit_code {
            Some(code) => Probe::Ready(code),
            None => Probe::NotYet("it has ended without an exit code".to_owned()),
        },
        Err(error) => Probe::Broken(engine_error(container, "a command's end was not seen in", error)),
    })
    .await
}

/// Comes back when the container has ended, and what was still to be read had the time for it: the engine (20.10)
/// leaves a command's output open for ever where its container is killed and shares another one's PID namespace.
pub(crate) async fn ended(engine: &Engine, container: &str) -> Error {
    let until = WaitContainerOptionsBuilder::new().condition("not-running").build();
    // An exit code other than 0, and a container that is not there, come as errors: it has ended all the same.
    let _ = std::pin::pin!(engine.docker().wait_container(container, Some(until)))
        .next()
        .await;
    tokio::time::sleep_until(Instant::now() + deadlines::LAST_OUTPUT.limit()).await;
    Error::new(
        Kind::Component,
        format!("{container} ended, and a command in it with it"),
    )
    .hint(format!(
        "look at `docker inspect {container}` and `docker logs {container}`"
    ))
}

/// Sends `signal` to every process that carries the mark; says what came of it.
pub(crate) async fn kill_marked(
    engine: &Engine,
    container: &str,
    mark: &Mark,
    user: Option<&str>,
    signal: &str,
) -> String {
    // A process's environment is closed to other users, even to a container's root. So the command's own user looks
    // first; root then looks too, and kills what both found.
    let look = async |user: Option<&str>, signal: &str, found: &[String]| {
        let mut spec = ExecSpec::new(["sh", "-c", FIND_MARKED, "sh", &mark.variable(), signal]);
        spec.cmd.extend_from_slice(found);
        spec.user = user.map(str::to_owned);
        let mut heard = Heard::default();
        Wait::that("what is left of a command is found", deadlines::EXEC_KILL)
            .blaming(Kind::Environment)
            .for_future(run(engine, container, &spec, &Mark::new(), &mut heard))
            .await?;
        let found = String::from_utf8_lossy(&heard.stdout).into_owned();
        Ok::<Vec<String>, Error>(found.split_whitespace().map(str::to_owned).collect())
    };
    let killed = async {
        let found = look(user, "none", &[]).await?;
        look(Some("0"), signal, &found).await
    };
    match killed.await {
        Err(error) => format!("its processes in {container} may still run: {error}"),
        Ok(none) if none.is_empty() => format!("none of its processes was left in {container}"),
        Ok(killed) => format!(
            "SIG{signal} was sent to its processes in {container}: {}",
            killed.join(", ")
        ),
    }
}

/// An error of the engine about one container.
pub(crate) fn engine_error(container: &str, what: &str, error: bollard::errors::Error) -> Error {
    use bollard::errors::Error::DockerResponseServerError;
    let kind = match &error {
        DockerResponseServerError {
            status_code: 404 | 409, ..
        } => Kind::Component,
        _ => Kind::Environment,
    };
    Err::<(), _>(error)
        .context(kind, || format!("{what} {container}"))
        .expect_err("it was made of an error")
        .hint(format!("look at `docker inspect {container}`"))
}

fn with_streams(mut error: Error, stdout: &[u8], stderr: &[u8]) -> Error {
    for (name, stream) in [("stdout", stdout), ("stderr", stderr)] {
        if !stream.is_empty() {
            let tail = String::from_utf8_lossy(&stream[stream.len().saturating_sub(TAIL_BYTES)..]).into_owned();
            let lines: Vec<&str> = tail.lines().collect();
            let last = &lines[lines.len().saturating_sub(TAIL_LINES)..];
            error = error.evidence(format!("{name}: {}", last.join("\n")));
        }
    }
    error
}

/// A word as a POSIX shell reads it back.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./:=@%+,".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_can_be_pasted() {
        let spec = ExecSpec::new(["sh", "-c", "echo 'a b' $HOME", ""])
            .user("vagrant")
            .cwd("/tmp/my mesos")
            .env("A", "1 2")
            .stdin("x");
        assert_eq!(
            spec.pasteable("demo-mesos-slave1-shell"),
            r"docker exec -i -u vagrant -w '/tmp/my mesos' -e 'A=1 2' demo-mesos-slave1-shell sh -c 'echo '\''a b'\'' $HOME' ''"
        );
    }

    #[test]
    fn a_failed_command_shows_both_streams_and_the_command() {
        let output = ExecOutput {
            stdout: "half".to_owned(),
            stderr: "x".repeat(5000) + "the cause",
            exit_code: 3,
            ran: "docker exec a b".to_owned(),
        };
        let error = output.success().expect_err("it failed");
        let text = error.explain();
        assert!(text.len() < 3000, "the streams are cut: {}", text.len());
        for part in ["exit code 3", "stdout: half", "the cause", "docker exec a b"] {
            assert!(text.contains(part), "{part} stands in {text}");
        }
    }

    #[test]
    fn too_much_output_is_an_error() {
        let mut heard = Heard::default();
        let chunk = || LogOutput::StdOut {
            message: vec![b'x'; OUTPUT_BYTES / 2].into(),
        };
        assert!(heard.take(chunk()).is_ok() && heard.take(chunk()).is_ok());
        assert_eq!(heard.take(chunk()).map_err(|error| error.kind()), Err(Kind::Answer));
    }
}
