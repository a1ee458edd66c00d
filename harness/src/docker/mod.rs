//! The Docker engine: what the harness asks of it, through bollard.

pub mod engine;

pub use engine::Engine;
