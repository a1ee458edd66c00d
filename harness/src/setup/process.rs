//! Running other programs: bounded, without a terminal, their output kept.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

use crate::await_until::Wait;
use crate::deadlines::Deadline;
use crate::error::Context;
use crate::{Error, Kind, Result};

/// Where Debian keeps what only root runs; a plain user's search path may lack them.
const SYSTEM_FOLDERS: [&str; 3] = ["/usr/sbin", "/sbin", "/usr/local/sbin"];

/// The first executable called `name` on the search path, or where Debian keeps root's programs.
#[must_use]
pub fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let own = std::env::split_paths(&path);
    own.chain(SYSTEM_FOLDERS.map(PathBuf::from))
        .map(|folder| folder.join(name))
        .find(|program| is_executable(program))
}

pub(super) fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

/// A command line as a person would type it.
pub(super) fn command_line(argv: &[&str]) -> String {
    let quoted = argv.iter().map(|word| {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=+,@%".contains(c);
        if !word.is_empty() && word.chars().all(plain) {
            (*word).to_owned()
        } else {
            format!("'{}'", word.replace('\'', r"'\''"))
        }
    });
    quoted.collect::<Vec<_>>().join(" ")
}

fn command(argv: &[&str]) -> Command {
    let mut command = Command::new(argv[0]);
    command.args(&argv[1..]).stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// Runs `argv` and gives its standard output where it succeeds within `deadline`.
pub(crate) async fn output_of(argv: &[&str], deadline: Deadline) -> Result<String> {
    let ran = command_line(argv);
    let failed = || format!("`{ran}` could not be run");
    let output = Wait::that(format!("`{ran}` ends"), deadline)
        .blaming(Kind::Environment)
        .for_future(async { command(argv).output().await.context(Kind::Environment, failed) })
        .await?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(text);
    }
    Err(
        Error::new(Kind::Environment, format!("`{ran}` failed: {}", output.status))
            .ran(&ran)
            .evidence(format!("{text}{}", String::from_utf8_lossy(&output.stderr))),
    )
}

/// Runs `argv` with `env` added, and appends what it prints to `log`.
pub(super) async fn run_logged(argv: &[&str], env: &[(&str, &str)], log: &Path, deadline: Deadline) -> Result<()> {
    let assignments = env.iter().map(|(name, value)| format!("{name}={value} "));
    let ran = assignments.collect::<String>() + &command_line(argv);
    let unusable = || format!("the log {} cannot be written", log.display());
    if let Some(folder) = log.parent() {
        std::fs::create_dir_all(folder).context(Kind::Environment, unusable)?;
    }
    let mut file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(log)
        .context(Kind::Environment, unusable)?;
    writeln!(file, "$ {ran}").context(Kind::Environment, unusable)?;
    let errors = file.try_clone().context(Kind::Environment, unusable)?;
    let failed = || format!("`{ran}` could not be run");
    let mut child = command(argv)
        .envs(env.iter().copied())
        .stdout(file)
        .stderr(errors)
        .spawn()
        .context(Kind::Environment, failed)?;
    let ended = Wait::that(format!("`{ran}` ends"), deadline)
        .blaming(Kind::Environment)
        .for_future(async { child.wait().await.context(Kind::Environment, failed) })
        .await;
    let status = ended.map_err(|error| error.evidence(log_tail(log)))?;
    if status.success() {
        return Ok(());
    }
    Err(Error::new(Kind::Environment, format!("`{ran}` failed: {status}"))
        .ran(&ran)
        .evidence(log_tail(log)))
}

/// The last lines of a log, with its name.
pub(super) fn log_tail(log: &Path) -> String {
    const LINES: usize = 25;
    let bytes = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    let tail = &lines[lines.len().saturating_sub(LINES)..];
    format!("{}, its end:\n{}", log.display(), tail.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const SHORT: Deadline = Deadline::custom("SHORT", Duration::from_millis(200));
    const LONG: Deadline = Deadline::custom("LONG", Duration::from_secs(20));

    #[test]
    fn a_command_line_can_be_pasted() {
        let line = command_line(&["sh", "-c", "echo it's", "", "a/b-c=1"]);
        assert_eq!(line, r"sh -c 'echo it'\''s' '' a/b-c=1");
    }

    #[tokio::test]
    async fn a_failure_shows_what_the_program_said() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("deep/log");
        let error = run_logged(
            &["sh", "-c", "echo $COLOUR >&2; exit 7"],
            &[("COLOUR", "mauve")],
            &log,
            LONG,
        )
        .await
        .expect_err("it exits with 7");
        let text = error.explain();
        for part in ["COLOUR=mauve sh -c", "exit status: 7", "\n            mauve"] {
            assert!(text.contains(part), "{part} stands in {text}");
        }
    }

    #[tokio::test]
    async fn a_program_that_hangs_is_ended() {
        let error = output_of(&["tail", "-f", "/dev/null"], SHORT)
            .await
            .expect_err("it never ends");
        assert_eq!(error.kind(), Kind::Environment);
    }

    #[test]
    fn programs_are_found_or_not() {
        assert!(find_program("sh").is_some());
        assert_eq!(find_program("no-such-program"), None);
    }
}
