//! Signals: the first one removes what every open lease owns and ends the process; the second ends it at once, and
//! the reapers do the rest.

use std::sync::{Arc, Mutex, OnceLock, Weak};

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::docker::{Engine, Selection, removal};
use crate::error::Context;
use crate::lease::Lease;
use crate::{Kind, Result};

static LEASES: OnceLock<Mutex<Vec<Weak<Lease>>>> = OnceLock::new();

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
    std::thread::Builder::new()
        .name("interrupt".to_owned())
        .spawn(move || runtime.block_on(handle(signals)))
        .context(Kind::Environment, failed)?;
    Ok(())
}

async fn handle(mut signals: Vec<(i32, Signal)>) {
    let number = next(&mut signals).await;
    crate::evidence::interrupted(&format!("signal {number} ended the scenario"));
    let leases = LEASES
        .get()
        .map(|leases| leases.lock().expect("no holder of the lock panics").clone());
    let leases: Vec<Arc<Lease>> = leases.unwrap_or_default().iter().filter_map(Weak::upgrade).collect();
    let code = 128 + number;
    if leases.is_empty() {
        std::process::exit(code);
    }
    eprintln!("signal {number}: removing what was created; once more leaves that to the reaper");
    let removal = async {
        // The leases' own connections are driven by a runtime that may be blocked: this thread needs its own.
        let engine = match Engine::connect().await {
            Ok(engine) => engine,
            Err(error) => return eprintln!("{}", error.explain()),
        };
        for lease in &leases {
            let removed = removal::remove(&engine, &Selection::lease(lease.id())).await;
            eprintln!("removed {} objects", removed.removed.len());
            for leak in removed.leaked {
                eprintln!("could not remove {leak}");
            }
        }
    };
    tokio::select! {
        () = removal => {}
        again = next(&mut signals) => eprintln!("signal {again}: leaving at once"),
    }
    std::process::exit(code);
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
