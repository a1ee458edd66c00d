//! The ends of logs, as a report shows them: without colours, without secrets, a screenful at most.

use std::path::Path;
use std::sync::LazyLock;

use regex::Regex;

use super::model::Tail;
use crate::evidence::redact;

/// Lines of one log.
const LINES: usize = 25;
/// Characters of one line.
const LINE_LENGTH: usize = 400;
/// Logs of one attempt.
const LOGS: usize = 8;

static ESCAPES: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new("\u{1b}(?:\\[[0-9;?]*[ -/]*[@-~]|\\][^\u{7}]*\u{7}|.)").expect("a constant that parses")
});

/// The test's own output, then the logs among the files of its evidence folder.
pub(super) fn tails_of(directory: &Path, folder: Option<&str>, files: &[String], output: Option<&str>) -> Vec<Tail> {
    let mut tails = Vec::new();
    let mut add = |name: &str, text: &str| {
        let text = tail(text);
        if !text.is_empty() {
            tails.push(Tail {
                name: name.to_owned(),
                text,
            });
        }
    };
    if let Some(output) = output {
        add("output", output);
    }
    let logs = files
        .iter()
        .filter(|name| name.ends_with(".log") || name.ends_with(".txt"));
    for name in logs.take(LOGS) {
        let path = folder.map(|folder| directory.join(folder).join(name));
        // A file that is gone leaves its name in `files`: nothing more is known of it.
        let read = path.and_then(|path| std::fs::read(path).ok()).unwrap_or_default();
        add(name, &String::from_utf8_lossy(&read));
    }
    tails
}

fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.trim_end().lines().collect();
    let kept = &lines[lines.len().saturating_sub(LINES)..];
    let plain: Vec<String> = kept
        .iter()
        .map(|line| ESCAPES.replace_all(line, "").chars().take(LINE_LENGTH).collect())
        .collect();
    redact(&plain.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_log_is_kept_plain() {
        let log: String = (1..=40)
            .map(|n| format!("\u{1b}[31mline {n}\u{1b}[0m --secret=x{n}\n"))
            .collect();
        let text = tail(&log);
        assert_eq!(text.lines().count(), LINES);
        assert!(text.starts_with("line 16 --secret=[REDACTED]"), "{text}");
        assert!(text.ends_with("line 40 --secret=[REDACTED]"), "{text}");
    }
}
