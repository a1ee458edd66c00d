//! A person, or a person's script, at a command inside a container: what `ssh` would be to a machine.
//!
//! With a terminal on both standard input and output the command gets a terminal of its own, and every key goes there;
//! without one, the three streams stay apart and the end of the input is the end of the command's. The exit code is
//! the command's. A signal that ends us ends the command too: see [`super::exec`] on how its processes are found.

mod input;
mod raw;

use std::fs::File;
use std::io::{self, IsTerminal};
use std::os::fd::{AsFd, OwnedFd};

use bollard::container::LogOutput;
use bollard::exec::{ResizeExecOptions, StartExecOptions, StartExecResults};
use bollard::models::ExecConfig;
use futures_util::{Stream, StreamExt};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rustix::termios::tcgetwinsize;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::signal::unix::{Signal as Signals, SignalKind, signal};
use tokio::sync::oneshot;

use self::input::Input;
use self::raw::RawMode;
use super::exec::{ExecSpec, Mark, ended, engine_error, exit_code, kill_marked};
use crate::await_until::{Probe, Wait};
use crate::docker::Engine;
use crate::error::Context;
use crate::{Error, Kind, Result, deadlines};

/// Who a person is on a node, with `sudo` as on the original virtual machines.
const PERSON: &str = "vagrant";
const HOME: &str = "/home/vagrant";
/// Docker takes its own default, Ctrl-P Ctrl-Q, out of what is typed, and so delays every Ctrl-P. It cannot be
/// switched off; these three keys in a row are typed by nobody.
const DETACH_KEYS: &str = "ctrl-@,ctrl-_,ctrl-@";

/// The three streams of a session.
#[derive(Debug)]
pub struct Terminal {
    stdin: OwnedFd,
    stdout: OwnedFd,
    stderr: OwnedFd,
}

impl Terminal {
    /// Those of this process.
    ///
    /// # Errors
    /// [`Kind::Environment`] where one of them is closed.
    pub fn standard() -> Result<Self> {
        let own = |fd: &dyn AsFd| fd.as_fd().try_clone_to_owned();
        let closed = || "a standard stream of this process is closed".to_owned();
        Ok(Terminal {
            stdin: own(&io::stdin()).context(Kind::Environment, closed)?,
            stdout: own(&io::stdout()).context(Kind::Environment, closed)?,
            stderr: own(&io::stderr()).context(Kind::Environment, closed)?,
        })
    }

    /// These three.
    #[must_use]
    pub fn new(stdin: OwnedFd, stdout: OwnedFd, stderr: OwnedFd) -> Self {
        Terminal { stdin, stdout, stderr }
    }

    fn is_interactive(&self) -> bool {
        self.stdin.is_terminal() && self.stdout.is_terminal()
    }
}

/// Enters a node's shell container as `vagrant` with this process's streams: with a login shell, or, as `ssh` does,
/// with the words of `command` put together and read by that shell. Returns the exit code.
///
/// # Errors
/// As [`run`].
pub async fn enter(engine: &Engine, shell: &str, command: Vec<String>) -> Result<u8> {
    let mut words = vec!["bash".to_owned(), "-l".to_owned()];
    if !command.is_empty() {
        words.extend(["-c".to_owned(), command.join(" ")]);
    }
    // What `login` would set; the engine sets HOME.
    let spec = ExecSpec::new(words).user(PERSON).cwd(HOME);
    let spec = spec
        .env("USER", PERSON)
        .env("LOGNAME", PERSON)
        .env("SHELL", "/bin/bash");
    run(engine, shell, spec, Terminal::standard()?).await
}

/// Runs a command at a terminal until it ends, which nothing bounds, and returns its exit code; 128 and the number of
/// the signal where one ended *us*, 141 where the reader of our output left. `spec.stdin` and its deadline are not used.
///
/// The process's handling of SIGHUP, SIGINT, SIGQUIT, SIGTERM and, on a terminal, SIGTSTP is taken over, and is not
/// given back: this is for a program whose last act it is.
///
/// # Errors
/// [`Kind::Component`] where the container is gone or not running, [`Kind::Environment`] for the engine and our
/// own streams.
pub async fn run(engine: &Engine, container: &str, spec: ExecSpec, terminal: Terminal) -> Result<u8> {
    let interactive = terminal.is_interactive();
    let mark = Mark::new();
    let interrupts = Interrupts::watch(interactive).context(Kind::Environment, || "cannot watch signals".to_owned())?;
    let failed = |error| engine_error(container, "a session could not be started in", error);
    let config = session_config(&spec, &mark, interactive);
    let begun = |what: &str| {
        let wait = Wait::that(format!("{what} in {container}"), deadlines::ENGINE_REQUEST);
        wait.blaming(Kind::Environment)
    };
    let ran = |error: Error| error.ran(spec.pasteable(container));
    let exec = begun("a session is made").for_future(async {
        let exec = engine.docker().create_exec(container, config);
        exec.await.map_err(failed)
    });
    let exec = exec.await.map_err(ran)?;
    // `tty: false` here frames the output also where the command has a terminal. Unframed output is ambiguous to
    // bollard: a chunk that begins with a control byte up to 2 looks like a frame's head.
    let start = StartExecOptions {
        detach: false,
        tty: false,
        output_capacity: None,
    };
    let started = begun("a session starts").for_future(async {
        let started = engine.docker().start_exec(&exec.id, Some(start));
        started.await.map_err(failed)
    });
    let started = started.await.map_err(ran)?;
    let StartExecResults::Attached { output, input } = started else {
        return Err(Error::internal("the engine detached a session"));
    };
    let raw = match interactive {
        true => Some(RawMode::enter(&terminal.stdin).context(Kind::Environment, || "no raw mode".to_owned())?),
        false => None,
    };
    let session = Session {
        engine,
        container,
        exec_id: &exec.id,
        raw,
    };
    let end = session.converse(terminal, interrupts, output, input).await;
    drop(session);
    let hang_up = async |signal: Signal| {
        // A shell at a terminal ignores SIGTERM, but never that its terminal has gone.
        let signal = if interactive { Signal::SIGHUP } else { signal };
        let name = signal.as_str().trim_start_matches("SIG");
        kill_marked(engine, container, &mark, spec.user.as_deref(), name).await
    };
    match end {
        Ok(End::Output) => {
            let code = exit_code(engine, container, &exec.id).await?;
            Ok(u8::try_from(code & 0xff).unwrap_or(u8::MAX))
        }
        // Its processes went with it.
        Err(error) if error.kind() == Kind::Component => Err(error),
        Ok(End::Signal(signal)) => {
            hang_up(signal).await;
            Ok(u8::try_from(128 + signal as i32).unwrap_or(u8::MAX))
        }
        Err(error) => Err(error.evidence(hang_up(Signal::SIGHUP).await)),
    }
}

fn session_config(spec: &ExecSpec, mark: &Mark, interactive: bool) -> ExecConfig {
    let mut config = spec.config(mark);
    config.attach_stdin = Some(true);
    if interactive {
        config.tty = Some(true);
        config.detach_keys = Some(DETACH_KEYS.to_owned());
        let kind = std::env::var("TERM").unwrap_or_else(|_| "xterm".to_owned());
        config.env.get_or_insert_default().push(format!("TERM={kind}"));
    }
    config
}

/// Why a session is over.
#[derive(Debug)]
enum End {
    Output,
    Signal(Signal),
}

struct Session<'a> {
    engine: &'a Engine,
    container: &'a str,
    exec_id: &'a str,
    raw: Option<RawMode>,
}

impl Session<'_> {
    async fn converse(
        &self,
        terminal: Terminal,
        mut interrupts: Interrupts,
        output: impl Stream<Item = Result<LogOutput, bollard::errors::Error>> + Unpin,
        input: impl AsyncWrite + Unpin,
    ) -> Result<End> {
        let Terminal { stdin, stdout, stderr } = terminal;
        let window = stdout
            .try_clone()
            .context(Kind::Environment, || "no more files".to_owned())?;
        let stdin = Input::of(stdin).context(Kind::Environment, || "standard input cannot be read".to_owned())?;
        // None of them may wait for another: a command that neither reads nor is read from would be a deadlock.
        let mut writing = std::pin::pin!(self.write_output(output, stdout, stderr));
        let (sized, has_size) = oneshot::channel();
        let mut reading = std::pin::pin!(async {
            // What is typed ahead meets a terminal of the right size. Gone unsaid, there is none to wait for.
            let _ = has_size.await;
            feed(stdin, input, self.raw.is_some()).await;
        });
        let mut resizing = std::pin::pin!(self.follow_size(window, sized));
        let mut ended = std::pin::pin!(ended(self.engine, self.container));
        loop {
            tokio::select! {
                end = &mut writing => return end,
                error = &mut ended => return Err(error),
                () = &mut reading => return Ok(End::Signal(Signal::SIGHUP)),
                never = &mut resizing => match never {},
                signal = interrupts.next() => match (signal, &self.raw) {
                    (Signal::SIGTSTP, Some(raw)) => stop_ourselves(raw)?,
                    (signal, _) => return Ok(End::Signal(signal)),
                },
            }
        }
    }

    async fn write_output(
        &self,
        mut output: impl Stream<Item = Result<LogOutput, bollard::errors::Error>> + Unpin,
        stdout: OwnedFd,
        stderr: OwnedFd,
    ) -> Result<End> {
        let mut stdout = tokio::fs::File::from_std(File::from(stdout));
        let mut stderr = tokio::fs::File::from_std(File::from(stderr));
        while let Some(chunk) = output.next().await {
            let chunk = chunk.map_err(|error| engine_error(self.container, "a session was cut off in", error))?;
            let to = match chunk {
                LogOutput::StdErr { .. } => &mut stderr,
                _ => &mut stdout,
            };
            let written = async {
                to.write_all(chunk.as_ref()).await?;
                to.flush().await
            };
            match written.await {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(End::Signal(Signal::SIGPIPE)),
                Err(error) => return Err(error).context(Kind::Environment, || "output cannot be written".to_owned()),
            }
        }
        Ok(End::Output)
    }

    /// Gives the command's terminal our window's size, now and whenever it changes. The first time is told to `sized`.
    async fn follow_size(&self, window: OwnedFd, sized: oneshot::Sender<()>) -> std::convert::Infallible {
        let changes = signal(SignalKind::window_change());
        let (Some(_), Ok(mut changes)) = (&self.raw, changes) else {
            drop(sized);
            return std::future::pending().await;
        };
        let mut first = Some(sized);
        loop {
            // The engine refuses until the command has started. A size that does not arrive is not worth a session.
            let resized = Wait::that("the session has the window's size", deadlines::ENGINE_REQUEST)
                .blaming(Kind::Environment)
                .until(async || self.resize(&window).await)
                .await;
            if let Err(error) = resized {
                tracing::debug!("{error}");
            }
            drop(first.take());
            if changes.recv().await.is_none() {
                return std::future::pending().await;
            }
        }
    }

    async fn resize(&self, window: &OwnedFd) -> Probe<()> {
        let size = match tcgetwinsize(window) {
            Ok(size) if size.ws_row > 0 && size.ws_col > 0 => size,
            // A serial line, or a terminal that has gone: nothing to tell.
            _ => return Probe::Ready(()),
        };
        let size = ResizeExecOptions {
            height: size.ws_row,
            width: size.ws_col,
        };
        match self.engine.docker().resize_exec(self.exec_id, size).await {
            Ok(()) => Probe::Ready(()),
            Err(error) => Probe::NotYet(error.to_string()),
        }
    }
}

/// Hands the input on. Returns where a terminal has gone; a pipe's end is the command's end of file, and no more.
async fn feed(mut stdin: Input, mut input: impl AsyncWrite + Unpin, interactive: bool) {
    while let Some(chunk) = stdin.next().await {
        let fed = async {
            input.write_all(&chunk).await?;
            input.flush().await
        };
        if fed.await.is_err() {
            // The command reads no more; how it ends is told by its output.
            return std::future::pending().await;
        }
    }
    if !interactive {
        let _ = input.shutdown().await;
        std::future::pending::<()>().await;
    }
}

/// Ctrl-Z goes to the command; this is somebody else's SIGTSTP. Stops as asked, with the terminal as it was.
fn stop_ourselves(raw: &RawMode) -> Result<()> {
    raw.pause();
    let failed = || "cannot stop at SIGTSTP".to_owned();
    kill(Pid::this(), Signal::SIGSTOP).context(Kind::Environment, failed)?;
    raw.resume()
        .context(Kind::Environment, || "no raw mode after a stop".to_owned())
}

/// The signals that end a session, and the one that stops it.
struct Interrupts(Vec<(Signal, Signals)>);

impl Interrupts {
    fn watch(interactive: bool) -> io::Result<Self> {
        let mut watched = vec![Signal::SIGHUP, Signal::SIGINT, Signal::SIGQUIT, Signal::SIGTERM];
        if interactive {
            watched.push(Signal::SIGTSTP);
        }
        let streams = watched
            .into_iter()
            .map(|number| Ok((number, signal(SignalKind::from_raw(number as i32))?)));
        streams.collect::<io::Result<_>>().map(Interrupts)
    }

    async fn next(&mut self) -> Signal {
        let arrivals = self.0.iter_mut().map(|(number, stream)| {
            let number = *number;
            Box::pin(async move {
                match stream.recv().await {
                    Some(()) => number,
                    None => std::future::pending().await,
                }
            })
        });
        futures_util::future::select_all(arrivals).await.0
    }
}
