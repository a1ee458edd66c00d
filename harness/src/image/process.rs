//! Programs of the host that image building needs: cargo, pip, the bootstrap.

use std::collections::VecDeque;
use std::process::Stdio;
use std::time::Instant;

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::Command;

use crate::await_until::Wait;
use crate::deadlines::Deadline;
use crate::error::Context;
use crate::progress::Progress;
use crate::{Error, Kind, Result};

/// How many lines of a log an error shows.
pub(super) const TAIL: usize = 30;

/// The last lines of a log.
#[derive(Clone, Debug, Default)]
pub(super) struct Tail(VecDeque<String>);

impl Tail {
    pub(super) fn push(&mut self, line: &str) {
        if self.0.len() == TAIL {
            self.0.pop_front();
        }
        self.0.push_back(line.to_owned());
    }

    pub(super) fn text(&self) -> String {
        let lines: Vec<&str> = self.0.iter().map(String::as_str).collect();
        lines.join("\n")
    }
}

/// Runs `command` to its end and returns its standard output's lines. Its standard error is the progress.
pub(super) async fn run(
    mut command: Command,
    what: &str,
    progress: &Progress,
    deadline: Deadline,
) -> Result<Vec<String>> {
    let pasteable = pasteable(&command);
    progress.stage(what);
    let started = Instant::now();
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let mut child = command
        .spawn()
        .context(Kind::Environment, || format!("{what}: the program does not start"))
        .map_err(|error| error.ran(pasteable.clone()))?;
    let stdout = child.stdout.take().expect("standard output is piped");
    let stderr = child.stderr.take().expect("standard error is piped");
    let mut tail = Tail::default();
    let mut output = Vec::new();
    let run = async {
        let (wrote, said, status) = tokio::join!(
            lines(stdout, |line| output.push(line)),
            lines(stderr, |line| {
                progress.detail(&format!("{what}: {}", line.trim()));
                tail.push(&line);
            }),
            child.wait(),
        );
        wrote
            .and(said)
            .and(status)
            .context(Kind::Environment, || format!("{what}: its output is lost"))
    };
    let status = Wait::that(format!("{what} ends"), deadline)
        .blaming(Kind::Image)
        .for_future(run)
        .await
        .map_err(|error| error.ran(pasteable.clone()))?;
    if status.success() {
        let took = started.elapsed().as_secs_f64();
        // As the steps of a build are told: those that took long.
        if took >= 1.0 {
            progress.line(&format!("{took:.1} s for {what}"));
        }
        return Ok(output);
    }
    Err(Error::new(Kind::Image, format!("{what} failed: {status}"))
        .ran(pasteable)
        .evidence(tail.text()))
}

async fn lines(from: impl AsyncRead + Unpin, mut each: impl FnMut(String)) -> std::io::Result<()> {
    let mut reader = BufReader::new(from);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line).await? > 0 {
        each(String::from_utf8_lossy(&line).trim_end().to_owned());
        line.clear();
    }
    Ok(())
}

/// The command as a shell takes it.
fn pasteable(command: &Command) -> String {
    let command = command.as_std();
    let mut words = Vec::new();
    if let Some(dir) = command.get_current_dir() {
        words.push(format!("cd {} &&", quoted(&dir.to_string_lossy())));
    }
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            words.push(format!(
                "{}={}",
                name.to_string_lossy(),
                quoted(&value.to_string_lossy())
            ));
        }
    }
    words.push(quoted(&command.get_program().to_string_lossy()));
    words.extend(command.get_args().map(|arg| quoted(&arg.to_string_lossy())));
    words.join(" ")
}

/// One word of a shell command.
pub(super) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::deadlines;

    #[tokio::test]
    async fn a_failure_shows_the_command_and_its_last_words() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo out; echo 'it broke' >&2; exit 7"]);
        let progress = Progress::start("test");
        let error = run(command, "trying", &progress, deadlines::EXEC)
            .await
            .expect_err("it exits 7");
        let text = error.explain();
        for part in ["trying failed", "7", "it broke", "sh -c 'echo out;"] {
            assert!(text.contains(part), "{part} stands in {text}");
        }
    }

    #[tokio::test]
    async fn a_program_that_hangs_is_bounded() {
        let mut command = Command::new("sleep");
        command.arg("1000");
        let short = Deadline::custom("SHORT", Duration::from_millis(100));
        let error = run(command, "hanging", &Progress::start("test"), short)
            .await
            .expect_err("it hangs");
        assert_eq!(error.kind(), Kind::Image);
    }

    #[tokio::test]
    async fn output_comes_back_by_line() {
        let mut command = Command::new("printf");
        command.arg("a\\nb\\n");
        let output = run(command, "printing", &Progress::start("test"), deadlines::EXEC).await;
        assert_eq!(output.unwrap(), ["a", "b"]);
    }

    #[test]
    fn words_are_quoted_for_a_shell() {
        assert_eq!(quoted("a=b"), "a=b");
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }
}
