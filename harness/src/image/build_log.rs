//! Reads what the classic builder says: its steps, the images it made on the way, and its last words.

use std::time::{Duration, Instant};

use super::process::Tail;

/// What is worth telling of one line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// A step begins, as in `Step 3/9 : RUN make`.
    Step(String),
    /// Output of a step.
    Output(String),
}

/// The builder's output so far.
#[derive(Debug, Default)]
pub(super) struct BuildLog {
    partial: String,
    tail: Tail,
    step: Option<(String, Instant)>,
    steps: Vec<(String, Duration)>,
    seen: Vec<String>,
    made: Vec<String>,
    cached: bool,
}

impl BuildLog {
    /// Takes a piece of the stream, which may end anywhere.
    pub(super) fn take(&mut self, piece: &str) -> Vec<Said> {
        self.partial.push_str(piece);
        let mut said = Vec::new();
        while let Some(end) = self.partial.find('\n') {
            let line: String = self.partial.drain(..=end).collect();
            said.extend(self.line(line.trim_end()));
        }
        said
    }

    fn line(&mut self, line: &str) -> Option<Said> {
        if line.trim().is_empty() {
            return None;
        }
        self.tail.push(line);
        if line.starts_with("Step ") && line.contains(" : ") {
            self.close();
            self.step = Some((line.to_owned(), Instant::now()));
            self.cached = false;
            return Some(Said::Step(line.to_owned()));
        }
        match line.strip_prefix(" ---> ") {
            Some("Using cache") => self.cached = true,
            Some(id) if id.len() == 12 && id.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
                self.seen.push(id.to_owned());
                if !self.cached && !self.is_from() {
                    self.made.push(id.to_owned());
                }
            }
            _ => return Some(Said::Output(line.trim().to_owned())),
        }
        None
    }

    /// The image of a FROM step was there before.
    fn is_from(&self) -> bool {
        let instruction = self.step.as_ref().and_then(|(step, _)| step.split(" : ").nth(1));
        instruction.is_none_or(|instruction| instruction.to_ascii_uppercase().starts_with("FROM "))
    }

    fn close(&mut self) {
        if let Some((step, since)) = self.step.take() {
            self.steps.push((step, since.elapsed()));
        }
    }

    /// The step under way: the failing one, after an error.
    pub(super) fn failing(&self) -> &str {
        self.step.as_ref().map_or("before the first step", |(step, _)| step)
    }

    /// The last lines.
    pub(super) fn tail(&self) -> String {
        let mut tail = self.tail.clone();
        if !self.partial.trim().is_empty() {
            tail.push(&self.partial);
        }
        tail.text()
    }

    /// The images that this build made, newest first, so that each can be removed before the one below it.
    pub(super) fn made(&self) -> impl Iterator<Item = &str> {
        self.made.iter().rev().map(String::as_str)
    }

    /// True for an image that this build made or took from the builder's cache; `id` is the long form.
    pub(super) fn used(&self, id: &str) -> bool {
        let id = id.trim_start_matches("sha256:");
        self.seen.iter().any(|seen| id.starts_with(seen.as_str()))
    }

    /// The steps that took a second or more, as in `12.3 s for RUN make`.
    pub(super) fn long_steps(&mut self) -> Vec<String> {
        self.close();
        let long = self.steps.iter().filter(|(_, took)| took.as_secs() >= 1);
        let sentence = |(step, took): &(String, Duration)| {
            let instruction = step
                .split_once(" : ")
                .map_or(step.as_str(), |(_, instruction)| instruction);
            format!("{:.1} s for {}", took.as_secs_f64(), short(instruction))
        };
        long.map(sentence).collect()
    }
}

/// An instruction on one line, as much of it as tells it from others.
pub(super) fn short(instruction: &str) -> String {
    const LENGTH: usize = 90;
    let words = instruction.split_whitespace().collect::<Vec<_>>().join(" ");
    match words.char_indices().nth(LENGTH) {
        Some((end, _)) => format!("{} …", &words[..end]),
        None => words,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_instructions_are_shortened_on_one_line() {
        assert_eq!(short("RUN a     && b"), "RUN a && b");
        assert_eq!(short(&"ä".repeat(100)), format!("{} …", "ä".repeat(90)));
    }

    #[test]
    fn steps_output_and_made_images_are_told_apart() {
        let mut log = BuildLog::default();
        let mut said = Vec::new();
        for piece in [
            "Step 1/4 : FROM ${BASE}\n ---> 0123456789ab\nStep 2/4 : COPY a /\n",
            " ---> Using cache\n ---> 1123456789ab\nStep 3/4 : RUN ma",
            "ke\n ---> Running in 2123456789ab\ncompiling\n",
            "Removing intermediate container 2123456789ab\n ---> 3123456789ab\nStep 4/4 : RUN false\n",
            "\u{1b}[91mno luck",
        ] {
            said.extend(log.take(piece));
        }
        assert!(said.contains(&Said::Step("Step 3/4 : RUN make".to_owned())), "{said:?}");
        assert!(said.contains(&Said::Output("compiling".to_owned())), "{said:?}");
        assert_eq!(log.made().collect::<Vec<_>>(), ["3123456789ab"]);
        assert!(log.used("sha256:1123456789abcdef") && !log.used("sha256:4123456789abcdef"));
        assert_eq!(log.failing(), "Step 4/4 : RUN false");
        assert!(log.tail().ends_with("no luck"), "{}", log.tail());
    }
}
