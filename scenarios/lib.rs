//! The conformance scenarios.
