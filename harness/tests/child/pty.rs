//! A program at a terminal.

use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::process::{Command, ExitStatus, Stdio};

/// Runs `command` with a terminal as all three of its streams, and returns what it showed there and how it ended.
pub(crate) async fn at_a_terminal(command: Command) -> (ExitStatus, String) {
    typing_at_a_terminal(command, "", "").await
}

/// As [`at_a_terminal`], and types `input` as soon as `prompt` is shown.
pub(crate) async fn typing_at_a_terminal(
    mut command: Command,
    prompt: &'static str,
    input: &'static str,
) -> (ExitStatus, String) {
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
        let (mut shown, mut piece, mut typed) = (Vec::new(), [0; 4096], input.is_empty());
        // It ends in an error where the other side has closed.
        while let Ok(length @ 1..) = terminal.read(&mut piece) {
            shown.extend_from_slice(&piece[..length]);
            if !typed && String::from_utf8_lossy(&shown).contains(prompt) {
                terminal.write_all(input.as_bytes()).unwrap();
                typed = true;
            }
        }
        (running.wait().unwrap(), shown)
    });
    let (status, shown) = tokio::time::timeout(super::PATIENCE, shown).await.unwrap().unwrap();
    (status, String::from_utf8_lossy(&shown).into_owned())
}
