//! A program at a terminal.

use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use harness::await_until::{Probe, Wait};
use harness::deadlines::Deadline;
use nix::pty::{OpenptyResult, Winsize, openpty};
use nix::sys::termios::{LocalFlags, tcgetattr};

const SIZE: Winsize = Winsize {
    ws_row: 24,
    ws_col: 100,
    ws_xpixel: 0,
    ws_ypixel: 0,
};

/// A program that a person talks with: it runs until it ends by itself.
pub(crate) struct Talk {
    running: Child,
    terminal: std::fs::File,
    shown: Arc<Mutex<Vec<u8>>>,
    /// Ends when all is read.
    reader: Option<JoinHandle<()>>,
}

impl Talk {
    /// Starts `command` with a terminal as all three of its streams.
    pub(crate) fn start(command: Command) -> Self {
        let (running, terminal) = spawn(command);
        let shown = Arc::new(Mutex::new(Vec::new()));
        let (mut reader, kept) = (terminal.try_clone().unwrap(), shown.clone());
        let reader = std::thread::spawn(move || {
            let mut piece = [0; 4096];
            // It ends in an error where the other side has closed.
            while let Ok(length @ 1..) = reader.read(&mut piece) {
                kept.lock().unwrap().extend_from_slice(&piece[..length]);
            }
        });
        Talk {
            running,
            terminal,
            shown,
            reader: Some(reader),
        }
    }

    pub(crate) fn type_in(&mut self, text: &str) {
        self.terminal.write_all(text.as_bytes()).unwrap();
    }

    pub(crate) fn shown(&self) -> String {
        String::from_utf8_lossy(&self.shown.lock().unwrap()).into_owned()
    }

    /// Waits until `text` is shown.
    pub(crate) async fn await_shown(&self, text: &str) {
        let waited = Wait::that(format!("{text:?} is shown"), Deadline::custom("SHOWN", super::PATIENCE));
        let waited = waited.until(async || match self.shown() {
            shown if shown.contains(text) => Probe::Ready(()),
            shown => Probe::NotYet(shown),
        });
        waited.await.unwrap_or_else(|error| panic!("{}", error.explain()));
    }

    /// Waits until the program takes every key as it is typed: what is typed before that may be thrown away.
    pub(crate) async fn await_raw(&self) {
        let waited = Wait::that("the terminal is raw", Deadline::custom("RAW", super::PATIENCE));
        let waited = waited.until(async || match tcgetattr(&self.terminal) {
            Ok(now) if !now.local_flags.contains(LocalFlags::ICANON) => Probe::Ready(()),
            Ok(_) => Probe::NotYet(self.shown()),
            Err(error) => Probe::NotYet(error.to_string()),
        });
        waited.await.unwrap_or_else(|error| panic!("{}", error.explain()));
    }

    /// Waits until it has ended and everything that it wrote is read: how it ended, and what it showed.
    pub(crate) async fn end(mut self) -> (ExitStatus, String) {
        let reader = self.reader.take().expect("a talk ends once");
        let waited = Wait::that("the program ends", Deadline::custom("ENDS", super::PATIENCE));
        let waited = waited.until(|| {
            let ended = self.running.try_wait().unwrap().filter(|_| reader.is_finished());
            let probe = ended.map_or_else(|| Probe::NotYet(self.shown()), Probe::Ready);
            std::future::ready(probe)
        });
        let status = waited.await.unwrap_or_else(|error| panic!("{}", error.explain()));
        (status, self.shown())
    }
}

impl Drop for Talk {
    /// One that did not end is not to outlive its test.
    fn drop(&mut self) {
        let _ = self.running.kill();
        let _ = self.running.wait();
    }
}

/// With a terminal of its own, whose other end is given back.
fn spawn(mut command: Command) -> (Child, std::fs::File) {
    let OpenptyResult { master, slave } = openpty(&SIZE, None).unwrap();
    let end = |fd: &OwnedFd| Stdio::from(fd.try_clone().unwrap());
    command
        .stdin(end(&slave))
        .stdout(end(&slave))
        .stderr(end(&slave))
        .env("TERM", "xterm");
    // The last of our own ends goes with the command: with the child the terminal closes.
    (command.spawn().unwrap(), std::fs::File::from(master))
}

/// Runs `command` with a terminal as all three of its streams, and returns what it showed there and how it ended.
pub(crate) async fn at_a_terminal(command: Command) -> (ExitStatus, String) {
    typing_at_a_terminal(command, "", "").await
}

/// As [`at_a_terminal`], and types `input` as soon as `prompt` is shown.
pub(crate) async fn typing_at_a_terminal(command: Command, prompt: &str, input: &str) -> (ExitStatus, String) {
    let mut talk = Talk::start(command);
    if !input.is_empty() {
        talk.await_shown(prompt).await;
        talk.type_in(input);
    }
    talk.end().await
}
