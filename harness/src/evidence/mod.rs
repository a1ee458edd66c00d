//! What a scenario shows for its verdict: every check with both its sides, what the cluster was made of, logs.
//!
//! One scenario is one process under nextest, and writes `evidence/<attempt>/scenario.json` into the folder of the
//! run. The [report](crate::report) trusts that file above the test runner's own "pass".

mod applicability;
pub mod check;
mod current;
mod file;
pub mod logs;
pub mod place;
mod reaped;
mod record;
mod recorder;
mod redact;
mod verdict;

#[doc(hidden)]
pub use applicability::inapplicable;
pub use check::expected;
pub use current::{current, interrupted};
pub use file::{now, write_atomically};
pub(crate) use reaped::keep as keep_reaped;
pub use reaped::reaped;
pub use record::{Check, Cleanup, Panic, ScenarioRecord};
pub use recorder::{Recorder, SCENARIO_FILE};
pub use redact::{REDACTED, redact};
pub use verdict::{
    Concluded, Failure, Verdict, inconclusive, judge, not_applicable, passed, rerun_command, rerun_filtered, skipped,
};
