//! The conformance report: one canonical `report.json`, and everything else rendered from it.

mod outcome;

pub use outcome::Outcome;
