//! What the machine needs before the first cluster: cargo-nextest, a Docker engine, images.
//!
//! [`run`] is idempotent and says nothing where nothing is to do; then it costs a few milliseconds, since it only looks.
//! Work is done under a lock file, so that two runs at once do it once.

pub mod daemon;
mod engine;
pub mod nextest;
mod packages;
mod process;

use std::path::PathBuf;
use std::time::Instant;

use crate::docker::Engine;
use crate::file_lock::FileLock;
use crate::{Kind, Result, deadlines};

pub use engine::ensure as ensure_engine;
pub use process::find_program;
pub(crate) use process::output_of;

/// Where set-up tells its reader, line by line, what it is doing.
pub type Say<'a> = &'a (dyn Fn(&str) + Send + Sync);

/// What set-up left behind it.
#[derive(Debug)]
pub struct Ready {
    /// The engine that answers.
    pub engine: Engine,
    /// The program behind `cargo nextest`.
    pub nextest: PathBuf,
}

/// Brings the machine to where clusters boot. `images` makes every image present on the engine it is given, and is
/// called even when nothing else was to do: it has its own way of looking first.
///
/// # Errors
/// [`Kind::Environment`] with what to install and how, where the machine is none that set-up can change;
/// [`Kind::Image`] where cargo-nextest cannot be had; whatever `images` answers.
pub async fn run<Images, Done>(say: Say<'_>, images: Images) -> Result<Ready>
where
    Images: FnOnce(Engine) -> Done,
    Done: Future<Output = Result<()>>,
{
    let nextest = nextest::ensure(say).await?;
    let engine = engine::ensure(say).await?;
    images(engine.clone()).await?;
    Ok(Ready { engine, nextest })
}

/// `CARGO_HOME`, else `~/.cargo`.
///
/// # Errors
/// [`Kind::Environment`] where neither is known.
pub fn cargo_home() -> Result<PathBuf> {
    std::env::var_os("CARGO_HOME")
        .filter(|home| !home.is_empty())
        .map(PathBuf::from)
        .or_else(|| std::env::home_dir().map(|home| home.join(".cargo")))
        .filter(|home| home.is_absolute())
        .ok_or_else(|| {
            crate::Error::new(Kind::Environment, "there is no telling where cargo's home is")
                .expected("CARGO_HOME or HOME, an absolute path")
        })
}

/// One line when a piece of work begins and one when it is done.
struct Work<'a> {
    say: Say<'a>,
    what: String,
    began: Instant,
}

impl<'a> Work<'a> {
    fn begin(say: Say<'a>, what: impl Into<String>) -> Self {
        let what = what.into();
        say(&format!("setup: {what} …"));
        Work {
            say,
            what,
            began: Instant::now(),
        }
    }

    fn done(self) {
        (self.say)(&format!("setup: {}: done in {:.1?}", self.what, self.began.elapsed()));
    }
}

/// The lock that is held while set-up changes the machine.
async fn lock(say: Say<'_>) -> Result<FileLock> {
    let path = cargo_home()?.join(".mesos-harness-setup.lock");
    let waits = |holder| {
        say(&format!(
            "setup: waiting for another set-up on this machine ({holder}) …"
        ))
    };
    FileLock::take(&path, deadlines::SETUP_LOCK, Kind::Environment, waits).await
}
