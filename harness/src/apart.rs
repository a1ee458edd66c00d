//! Work in `drop`, which cannot await, and where the runtime at hand may be shutting down.

use std::thread::Builder;

use crate::error::Context;
use crate::{Error, Kind, Result};

/// Runs what `work` makes to its end, on a thread and a runtime of their own called `name`.
///
/// # Errors
/// [`Kind::Environment`] where there is no thread or no runtime to be had, [`Kind::Internal`] where the work panics;
/// else its own.
pub(crate) fn run<F>(name: &str, work: impl FnOnce() -> F + Send + 'static) -> Result<()>
where
    F: Future<Output = Result<()>>,
{
    let thread = Builder::new().name(name.to_owned()).spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.map(|runtime| runtime.block_on(work()))
    });
    let ended = thread
        .context(Kind::Environment, || format!("no thread for the {name}"))?
        .join();
    ended
        .map_err(|_| Error::internal(format!("the {name} panicked")))?
        .context(Kind::Environment, || format!("no runtime for the {name}"))?
}
