//! Signals: the first one removes what every open lease owns and ends the process; the second ends it at once, and
//! the reapers do the rest.

use std::io::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::thread::JoinHandle;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{RwLock, RwLockReadGuard};

use crate::await_until::Wait;
use crate::docker::{Engine, Selection, removal};
use crate::error::Context;
use crate::evidence::Cleanup;
use crate::lease::Lease;
use crate::{Kind, Result, deadlines, evidence};

static LEASES: OnceLock<Mutex<Vec<Weak<Lease>>>> = OnceLock::new();
/// Shared while something is being created; the handler takes it for good, so that nothing comes after its removal.
static CREATION: RwLock<()> = RwLock::const_new(());
static DEFERRED: AtomicBool = AtomicBool::new(false);
static HANDLING: AtomicBool = AtomicBool::new(false);
static HANDLER: Mutex<Option<JoinHandle<()>>> = Mutex::new(None);

/// Held by whoever asks the engine to create something. Once a signal came it is never had again.
pub(crate) async fn creating() -> RwLockReadGuard<'static, ()> {
    CREATION.read().await
}

/// Leaves a signal to other handlers of this process for as long as no lease is open.
pub(crate) fn defer() {
    DEFERRED.store(true, Ordering::SeqCst);
}

/// Where a signal came, waits for its handler, which ends this process; else returns at once.
///
/// To be called before a process ends by itself: its exit code would hide the signal, and its end cut off the removal.
pub fn await_end() {
    if HANDLING.load(Ordering::SeqCst) {
        let handler = HANDLER.lock().expect("no holder of the lock panics").take();
        // Returns only where the handler panicked: the reapers remove then.
        drop(handler.map(JoinHandle::join));
    }
}

/// Has `lease` removed when a signal ends this process. The first call installs the handlers.
pub(crate) fn watch(lease: &Arc<Lease>) -> Result<()> {
    let mut installed = Ok(());
    let leases = LEASES.get_or_init(|| {
        installed = install();
        Mutex::default()
    });
    leases
        .lock()
        .expect("no holder of the lock panics")
        .push(Arc::downgrade(lease));
    installed
}

/// Has `lease` left alone from here on.
pub(crate) fn forget(lease: &Lease) {
    if let Some(leases) = LEASES.get() {
        let mut leases = leases.lock().expect("no holder of the lock panics");
        leases.retain(|other| other.as_ptr() != std::ptr::from_ref(lease) && other.strong_count() > 0);
    }
}

/// Handlers run on a thread and a runtime of their own: the test's runtime may be blocked, or gone.
fn install() -> Result<()> {
    let failed = || "the signal handlers cannot be installed".to_owned();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context(Kind::Environment, failed)?;
    let guard = runtime.enter();
    let signals = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()]
        .into_iter()
        .map(|kind| signal(kind).map(|stream| (kind.as_raw_value(), stream)))
        .collect::<std::io::Result<Vec<_>>>()
        .context(Kind::Environment, failed)?;
    drop(guard);
    let thread = std::thread::Builder::new()
        .name("interrupt".to_owned())
        .spawn(move || runtime.block_on(handle(signals)))
        .context(Kind::Environment, failed)?;
    *HANDLER.lock().expect("no holder of the lock panics") = Some(thread);
    Ok(())
}

fn open_leases() -> Vec<Arc<Lease>> {
    let leases = LEASES
        .get()
        .map(|leases| leases.lock().expect("no holder of the lock panics").clone());
    leases.unwrap_or_default().iter().filter_map(Weak::upgrade).collect()
}

async fn handle(mut signals: Vec<(i32, Signal)>) {
    let (number, leases) = loop {
        let number = next(&mut signals).await;
        let leases = open_leases();
        // Whoever deferred us handles the signal too, and has more to do than to end.
        if !leases.is_empty() || !DEFERRED.load(Ordering::SeqCst) {
            break (number, leases);
        }
    };
    HANDLING.store(true, Ordering::SeqCst);
    evidence::interrupted(&format!("signal {number} ended the scenario"));
    let code = 128 + number;
    if leases.is_empty() {
        std::process::exit(code);
    }
    tell(&format!(
        "signal {number}: removing what was created; once more leaves that to the reaper"
    ));
    tokio::select! {
        () = remove(&leases, number) => {}
        again = next(&mut signals) => tell(&format!("signal {again}: leaving at once")),
    }
    std::process::exit(code);
}

async fn remove(leases: &[Arc<Lease>], number: i32) {
    // Not had in time: a request hangs, or the runtime that made it is blocked. The reaper sees to what it creates.
    let closed = Wait::that("no creation is under way", deadlines::CREATION_ENDS)
        .for_future(async {
            // Never given back: between the removal and the end of the process others would create again.
            std::mem::forget(CREATION.write().await);
            Ok(())
        })
        .await;
    if let Err(error) = &closed {
        tell(&format!("{error}; the reaper removes what appears after all"));
    }
    // The leases' own connections are driven by a runtime that may be blocked: this thread needs its own.
    let engine = match Engine::connect().await {
        Ok(engine) => engine,
        Err(error) => return tell(&error.explain()),
    };
    for lease in leases {
        let selection = Selection::lease(lease.id());
        if let Some(recorder) = lease.recorder() {
            recorder.note(format!("signal {number} ended it"));
            evidence::logs::collect(&engine, &selection, recorder).await;
        }
        let removed = match &closed {
            Ok(_) => removal::remove(&engine, &selection).await,
            // What is being made appears late: the engine is slow.
            Err(_) => removal::remove_leftovers(&engine, &selection).await,
        };
        tell(&format!("removed {} objects", removed.removed.len()));
        if let Some(recorder) = lease.recorder() {
            recorder.cleanup(Cleanup {
                created: lease.created(),
                removed: removed.removed.len() as u64,
                leaked: removed.leaked.clone(),
            });
        }
        for leak in removed.leaked {
            tell(&format!("could not remove {leak}"));
        }
    }
}

/// Nobody may be there to read it any more, and that must not end the removal.
fn tell(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

async fn next(signals: &mut [(i32, Signal)]) -> i32 {
    let waits = signals.iter_mut().map(|(number, stream)| {
        Box::pin(async move {
            stream.recv().await;
            *number
        })
    });
    futures_util::future::select_all(waits).await.0
}
