//! A program at a terminal.

use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::process::{Command, ExitStatus, Stdio};

/// Runs `command` with a terminal as all three of its streams, and returns what it showed there and how it ended.
pub(crate) async fn at_a_terminal(mut command: Command) -> (ExitStatus, String) {
    let size = nix::pty::Winsize {
        ws_row: 24,
        ws_col: 100,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    let pty = nix::pty::openpty(&size, None).unwrap();
    let end = |fd: &OwnedFd| Stdio::from(fd.try_clone().unwrap());
    command
        .stdin(end(&pty.slave))
        .stdout(end(&pty.slave))
        .stderr(end(&pty.slave))
        .env("TERM", "xterm");
    let mut running = command.spawn().unwrap();
    // The last of our own ends: with the child the terminal closes.
    drop(command);
    drop(pty.slave);
    let shown = tokio::task::spawn_blocking(move || {
        let mut terminal = std::fs::File::from(pty.master);
        let mut shown = Vec::new();
        // It ends in an error where the other side has closed.
        let _ = terminal.read_to_end(&mut shown);
        (running.wait().unwrap(), shown)
    });
    let (status, shown) = tokio::time::timeout(super::PATIENCE, shown).await.unwrap().unwrap();
    (status, String::from_utf8_lossy(&shown).into_owned())
}
