//! What a person sees while something takes its time: a spinner on a terminal, plain lines anywhere else.
//!
//! Spinners are not coloured, so `NO_COLOR` holds without being asked. They go to standard error.

use std::io::{IsTerminal, Write as _};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

/// All spinners of this process, so that images made at the same time do not overwrite each other.
fn spinners() -> Option<&'static MultiProgress> {
    static SPINNERS: OnceLock<Option<MultiProgress>> = OnceLock::new();
    let on_terminal = || std::io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
    SPINNERS.get_or_init(|| on_terminal().then(MultiProgress::new)).as_ref()
}

/// Writes something else to the terminal, above the spinners and never through them.
pub fn beside<T>(write: impl FnOnce() -> T) -> T {
    match spinners() {
        Some(spinners) => spinners.suspend(write),
        None => write(),
    }
}

/// A line that stays, for whoever is there to read it.
pub(crate) fn say(line: &str) {
    // It fails only where standard error is closed: there is nobody to tell.
    beside(|| drop(writeln!(std::io::stderr(), "{line}")));
}

/// One piece of work, as in "mesos". It disappears from the terminal when dropped.
#[derive(Debug)]
pub struct Progress {
    name: String,
    bar: Option<ProgressBar>,
    started: Instant,
}

impl Progress {
    /// Work of unknown size.
    pub fn start(name: &str) -> Self {
        Progress::with(name, "{spinner} {prefix:<12} {elapsed:>4} {wide_msg}", None)
    }

    /// Work on so many bytes.
    pub fn bytes(name: &str, total: Option<u64>) -> Self {
        let counts = match total {
            Some(_) => "{spinner} {prefix:<12} {elapsed:>4} {bytes}/{total_bytes} {bytes_per_sec} {wide_msg}",
            None => "{spinner} {prefix:<12} {elapsed:>4} {bytes} {bytes_per_sec} {wide_msg}",
        };
        Progress::with(name, counts, total)
    }

    fn with(name: &str, template: &str, total: Option<u64>) -> Self {
        let bar = spinners().map(|spinners| {
            let bar = spinners.add(ProgressBar::new_spinner());
            bar.set_style(ProgressStyle::with_template(template).expect("the templates above are valid"));
            bar.set_prefix(name.to_owned());
            if let Some(total) = total {
                bar.set_length(total);
            }
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        Progress {
            name: name.to_owned(),
            bar,
            started: Instant::now(),
        }
    }

    /// A stage worth a line of its own.
    pub fn stage(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.set_message(text.to_owned()),
            None => self.line(text),
        }
    }

    /// What happens within a stage: only a terminal shows it.
    pub fn detail(&self, text: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(text.to_owned());
        }
    }

    /// So many bytes are done.
    pub fn at(&self, bytes: u64) {
        if let Some(bar) = &self.bar {
            bar.set_position(bytes);
        }
    }

    /// A line that stays.
    pub fn line(&self, text: &str) {
        say(&format!("{}: {text}", self.name));
    }

    /// The last line: what was done, and how long it took.
    pub fn done(self, text: &str) {
        self.line(&format!("{text} in {:.1} s", self.started.elapsed().as_secs_f64()));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
