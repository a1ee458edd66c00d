//! The conformance report: one canonical `report.json`, and everything else rendered from it.

pub mod merge;
pub mod model;
mod outcome;
mod render;
pub mod runner;
mod sections;
mod tails;
pub mod verdict;
mod words;
mod write;

pub use model::{Conformance, Report};
pub use outcome::Outcome;
pub use render::{html, junit, readme, summary, terminal};
pub(crate) use write::write_capabilities;
pub use write::{CAPABILITIES_FILE, REPORT_FILE, read, to_json, write};
