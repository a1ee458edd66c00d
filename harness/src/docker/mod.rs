//! The Docker engine: what the harness asks of it, through bollard.

pub mod container;
mod endpoint;
pub mod engine;
pub mod exec;
pub mod logs;
mod mount;
pub mod network;
pub mod removal;
pub mod room;
pub mod spec;
pub mod terminal;
mod upload;
pub mod volume;

pub use engine::Engine;
pub use removal::{Removed, Selection};
pub use spec::{ContainerSpec, Place};
pub use upload::Content;
