//! The lease: what a process creates is removed when the process is gone, however it went.
//!
//! Everything carries the label of a lease. A lease is held by a detached `harness reap` process that reads a pipe
//! whose other end only the owner has: when the owner ends (even by `kill -9`) the pipe closes and the reaper removes
//! by label what the owner left. A file lock that both hold tells [`crate::sweep`] that a lease is alive.

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, OnceLock};

use nix::unistd::geteuid;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::admission::{self, Claim};
use crate::await_until::Wait;
use crate::docker::Engine;
use crate::error::Context;
use crate::evidence::Recorder;
use crate::labels::{self, Labels};
use crate::{Error, Kind, Result, deadlines, interrupt, owner, sweep, workspace};

/// The line that ends a lease without removal.
pub(crate) const KEEP: &str = "keep";
/// The line that says that the owner removed everything, and that nothing is being created any more.
pub(crate) const GONE: &str = "gone";
/// The reaper's first and only line of output.
pub(crate) const READY: &str = "ready";
/// How many objects were made under each open lease of this process.
static CREATED: Mutex<BTreeMap<String, u64>> = Mutex::new(BTreeMap::new());

/// Ownership of everything that carries its label.
#[derive(Debug)]
pub struct Lease {
    engine: Engine,
    id: String,
    labels: Labels,
    reaper: Mutex<Option<Reaper>>,
    recorder: OnceLock<Arc<Recorder>>,
    _lock: File,
}

#[derive(Debug)]
struct Reaper {
    /// Not tokio's: it is written to from whichever thread ends a cluster, when the runtime may be blocked.
    pipe: File,
    _child: Child,
}

impl Lease {
    /// Starts the reaper, then grants the lease: nothing can be created before it is safe to do so.
    ///
    /// `scenario` is what the objects are for, as a label's value. With `keep` no sweep takes them for leftovers.
    ///
    /// # Errors
    /// [`Kind::Environment`] where the `harness` program is not found or does not get ready.
    pub async fn take(engine: &Engine, scenario: &str, keep: bool) -> Result<Arc<Self>> {
        sweep::once_in_a_run(engine).await;
        let id = uuid::Uuid::new_v4().simple().to_string();
        let lock = lock_file(&id)?;
        let reaper = Reaper::start(&id).await?;
        let labels = Labels::from([
            (labels::HARNESS.to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
            (labels::LEASE.to_owned(), id.clone()),
            (labels::RUN.to_owned(), run_id()),
            (labels::SCENARIO.to_owned(), scenario.to_owned()),
            (labels::OWNER.to_owned(), owner::this_user()),
            (labels::PID.to_owned(), std::process::id().to_string()),
            (labels::CREATED.to_owned(), labels::now().to_string()),
            (labels::KEEP.to_owned(), u8::from(keep).to_string()),
        ]);
        let lease = Arc::new(Lease {
            engine: engine.clone(),
            id,
            labels,
            reaper: Mutex::new(Some(reaper)),
            recorder: OnceLock::new(),
            _lock: lock,
        });
        interrupt::watch(&lease)?;
        Ok(lease)
    }

    /// The lease's id: a random UUID in hex.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The labels for everything created under this lease.
    #[must_use]
    pub fn labels(&self) -> &Labels {
        &self.labels
    }

    /// The engine that the objects are on.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Has the logs of what this lease owns kept there, should a signal end this process. The first call counts.
    pub(crate) fn record_into(&self, recorder: &Arc<Recorder>) {
        // Set already: the first one stays.
        let _ = self.recorder.set(recorder.clone());
    }

    pub(crate) fn recorder(&self) -> Option<&Recorder> {
        self.recorder.get().map(Arc::as_ref)
    }

    /// Waits until the engine's machine has `megabytes` for `what`, and holds them until everything under this lease is
    /// gone: see [`crate::admission`].
    ///
    /// # Errors
    /// [`Kind::Environment`] where the machine never has so much, or has it not in time; [`Kind::Usage`] for a
    /// `HARNESS_MEMORY` that is no size.
    pub async fn admit(&self, what: &str, megabytes: u64) -> Result<()> {
        admission::admit(Claim {
            engine: &self.engine,
            lease: &self.id,
            scenario: self
                .labels
                .get(labels::SCENARIO)
                .map(String::as_str)
                .unwrap_or_default(),
            cluster: what,
            node: None,
            megabytes,
            recorder: self.recorder(),
        })
        .await
    }

    /// How many objects this process made under this lease.
    pub(crate) fn created(&self) -> u64 {
        let created = CREATED.lock().expect("no holder of the lock panics");
        created.get(&self.id).copied().unwrap_or_default()
    }

    /// Ends the lease and leaves everything where it is: a person will remove it.
    ///
    /// # Errors
    /// [`Kind::Internal`] where the reaper is gone, so that nobody can tell what it does.
    pub fn keep(&self) -> Result<()> {
        let reaper = self.reaper.lock().expect("no holder of the lock panics").take();
        let Some(reaper) = reaper else { return Ok(()) };
        interrupt::forget(self);
        reaper.tell(KEEP).context(Kind::Internal, || {
            "the reaper did not take the message to keep".to_owned()
        })?;
        // Without its file no sweep takes the lease for one whose owner died. The reaper removes it too, if we do not
        // get here.
        drop(std::fs::remove_file(lock_path(&self.id)));
        Ok(())
    }
}

impl Lease {
    /// Tells the reaper that everything was removed and nothing is being created, so that it need not wait for what may
    /// still appear. Never after a boot that failed: what else it had asked for may be under way.
    pub(crate) fn gone(&self) {
        let reaper = self.reaper.lock().expect("no holder of the lock panics").take();
        // Not told, it looks for longer.
        drop(reaper.map(|reaper| reaper.tell(GONE)));
    }
}

/// Counts an object that was made with `labels`.
pub(crate) fn count(labels: &Labels) {
    if let Some(id) = labels.get(labels::LEASE) {
        let mut created = CREATED.lock().expect("no holder of the lock panics");
        *created.entry(id.clone()).or_default() += 1;
    }
}

impl Drop for Lease {
    /// The reaper ends the lease. Its file stays until then: should the reaper be killed, the sweep finds it unlocked.
    fn drop(&mut self) {
        interrupt::forget(self);
        CREATED.lock().expect("no holder of the lock panics").remove(&self.id);
    }
}

impl Reaper {
    /// Its last word: the pipe closes behind it.
    fn tell(mut self, word: &str) -> std::io::Result<()> {
        self.pipe.write_all(format!("{word}\n").as_bytes())
    }

    async fn start(lease: &str) -> Result<Self> {
        let program = program()?;
        let ran = format!("{} reap {lease}", program.display());
        let failed = || format!("the reaper did not start: {ran}");
        let mut child = Command::new(&program)
            .args(["reap", lease])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context(Kind::Environment, failed)?;
        let pipe = child.stdin.take().expect("its standard input was asked for");
        let pipe = File::from(pipe.into_owned_fd().context(Kind::Environment, failed)?);
        let output = child.stdout.take().expect("its standard output was asked for");
        let mut line = String::new();
        Wait::that("the reaper holds the lease", deadlines::REAPER_READY)
            .blaming(Kind::Environment)
            .for_future(async {
                let read = BufReader::new(output).read_line(&mut line).await;
                read.context(Kind::Environment, failed).map(drop)
            })
            .await?;
        if line.trim_end() != READY {
            return Err(Error::new(Kind::Environment, failed())
                .expected(format!("the line `{READY}` on its output"))
                .evidence(format!("it said {line:?}"))
                .ran(ran)
                .hint("another version of `harness` may be in its place: run `cargo build -p harness`"));
        }
        Ok(Reaper { pipe, _child: child })
    }
}

/// The `harness` program: `HARNESS_BIN`, this process itself, a neighbour of this test's binary, else on the PATH.
pub(crate) fn program() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("HARNESS_BIN") {
        return Ok(path.into());
    }
    let this = std::env::current_exe().context(Kind::Internal, || "this program's own path is unknown".to_owned())?;
    if this.file_stem().is_some_and(|name| name == "harness") {
        return Ok(this);
    }
    let neighbours = this.ancestors().skip(1).take(3).map(|folder| folder.join("harness"));
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&on_path)
        .map(|folder| folder.join("harness"))
        .collect::<Vec<_>>();
    neighbours.chain(on_path).find(|path| path.is_file()).ok_or_else(|| {
        Error::new(
            Kind::Environment,
            "the program `harness` was not found: it removes what a killed test leaves behind",
        )
        .expected(format!(
            "it near {}, on the PATH, or named by HARNESS_BIN",
            this.display()
        ))
        .hint(remedy())
    })
}

/// In this project the program is built beside the tests; cargo builds no programs of a dependency.
fn remedy() -> String {
    if workspace::is_checkout() {
        return "build it: `cargo build -p harness`".to_owned();
    }
    let folder = workspace::crate_folder();
    format!("install it once: `cargo install --path '{}'`", folder.display())
}

/// nextest's run id, so that every process of a run shares it; else one of this process alone.
#[must_use]
pub fn run_id() -> String {
    std::env::var("NEXTEST_RUN_ID").unwrap_or_else(|_| format!("pid-{}", std::process::id()))
}

/// What the processes of this user on this machine tell each other lies here.
pub(crate) fn runtime_folder() -> PathBuf {
    std::env::temp_dir().join(format!("mesos-harness-{}", geteuid()))
}

/// Where leases of this user are on this machine.
pub(crate) fn folder() -> PathBuf {
    runtime_folder().join("leases")
}

/// What this machine knows of a lease of this user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holding {
    /// Its owner or its reaper lives.
    Held,
    /// Both are gone, and its file is still there.
    LetGo,
    /// It has no file: it was ended, handed over, or is another machine's or another user's.
    Unknown,
}

/// `id` is empty for what has no lease.
pub(crate) fn holding(id: &str) -> Holding {
    match id {
        "" => Holding::Unknown,
        id => holding_at(&lock_path(id)),
    }
}

/// As [`holding`], by the lease's file.
pub(crate) fn holding_at(file: &Path) -> Holding {
    match File::open(file).map(|file| file.try_lock()) {
        Ok(Err(TryLockError::WouldBlock)) => Holding::Held,
        Ok(Ok(())) => Holding::LetGo,
        Ok(Err(TryLockError::Error(_))) | Err(_) => Holding::Unknown,
    }
}

pub(crate) fn lock_path(id: &str) -> PathBuf {
    folder().join(id)
}

/// Opens the lease's file under a shared lock: it can be locked exclusively only when owner and reaper are gone.
pub(crate) fn lock_file(id: &str) -> Result<File> {
    let path = lock_path(id);
    let failed = || format!("the lease file {} cannot be made", path.display());
    std::fs::create_dir_all(folder()).context(Kind::Environment, failed)?;
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .context(Kind::Environment, failed)?;
    file.lock_shared().context(Kind::Environment, failed)?;
    Ok(file)
}
