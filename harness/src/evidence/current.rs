//! The recorders of this process: which one is meant, and what a panic and a signal tell them.

use std::collections::HashMap;
use std::panic::PanicHookInfo;
use std::sync::{Arc, LazyLock, Mutex, Once, PoisonError};

use super::place;
use super::record::Panic;
use super::recorder::Recorder;

static RECORDERS: LazyLock<Mutex<HashMap<String, Arc<Recorder>>>> = LazyLock::new(Mutex::default);

/// The recorder of the scenario that runs now: nextest says which, else the name that the test framework gave the
/// thread.
#[must_use]
pub fn current() -> Arc<Recorder> {
    let test = std::env::var("NEXTEST_TEST_NAME").unwrap_or_else(|_| {
        let thread = std::thread::current();
        thread.name().unwrap_or("unnamed").to_owned()
    });
    let mut recorders = RECORDERS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(recorder) = recorders.get(&test) {
        return recorder.clone();
    }
    record_panics();
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let recorder = Arc::new(Recorder::new(
        &place::run_directory(),
        &test,
        number("NEXTEST_ATTEMPT").unwrap_or(1),
    ));
    recorders.insert(test, recorder.clone());
    recorder
}

/// Records that a signal ended this process's scenarios: from here on nothing that breaks is the subject's doing, since
/// the harness is taking the cluster away. What has an outcome keeps it.
pub fn interrupted(reason: &str) {
    let recorders: Vec<Arc<Recorder>> = {
        let recorders = RECORDERS.lock().unwrap_or_else(PoisonError::into_inner);
        recorders.values().cloned().collect()
    };
    for recorder in recorders {
        recorder.interrupt(reason);
    }
}

/// Adds recording to the panic hook, once in a process.
fn record_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            record_panic(info);
            before(info);
        }));
    });
}

fn record_panic(info: &PanicHookInfo<'_>) {
    let name = std::env::var("NEXTEST_TEST_NAME").ok();
    let thread = std::thread::current();
    let Some(test) = name.as_deref().or(thread.name()) else {
        return;
    };
    // A panic inside `current` holds this lock: then there is no recorder to tell.
    let Ok(recorder) = RECORDERS.try_lock().map(|recorders| recorders.get(test).cloned()) else {
        return;
    };
    if let Some(recorder) = recorder {
        recorder.panicked(Panic {
            message: info.payload_as_str().unwrap_or("no message").to_owned(),
            at: info
                .location()
                .map_or_else(String::new, |place| format!("{}:{}", place.file(), place.line())),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::Check;

    #[test]
    fn a_panic_is_recorded_where_it_happens() {
        let recorder = current();
        recorder.check(Check {
            text: "the agent is registered".to_owned(),
            expected: "1".to_owned(),
            actual: "1".to_owned(),
            ok: true,
            at: "scenario.rs:7".to_owned(),
        });
        let caught = std::panic::catch_unwind(|| assert_eq!(1, 2, "numbers differ"));
        assert!(caught.is_err());
        let panic = recorder.snapshot().panic.expect("the hook recorded it");
        assert!(panic.is_assertion() && panic.at.contains("current.rs:"), "{panic:?}");
        assert!(recorder.pass().is_err(), "a panic in the background is no pass");
    }
}
