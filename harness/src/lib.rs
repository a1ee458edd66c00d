//! Boots whole Apache Mesos clusters in Docker, drives them through typed clients, and judges what they do.
//!
//! One picture: a *scenario* asks the harness for a [`Cluster`]; a cluster is [nodes](node::Node); a node is one
//! address with [components](component) on it; a component is an [image](mod@image), a configuration, a readiness rule
//! and a typed [client]. `harness/DESIGN.md` has the decisions and their reasons.
//!
//! # A scenario
//!
//! ```no_run
//! use harness::prelude::*;
//! use rstest::rstest;
//!
//! #[rstest]
//! #[tokio::test]
//! async fn says_hello(#[future] cluster: Result<Cluster>) -> Verdict {
//!     let cluster = cluster.await?;
//!     let framework = cluster.framework(FrameworkSpec::new("greeter")).await?;
//!
//!     let task = framework.run(TaskSpec::command("hello", "echo hello")).await?;
//!
//!     check!(task.await_terminal().await?.state == TaskState::TaskFinished);
//!     check_contains!(cluster.sandbox(&task).await?.text("stdout").await?, "hello");
//!     framework.finish().await?;
//!     cluster.finish().await
//! }
//! ```
//!
//! The argument `cluster` is a [fixture](fixtures): a cluster of this test alone, removed whatever happens. `?` on any
//! [`Error`] ends the scenario and records why; [`check!`] records both sides of what it compares. A scenario that
//! checked nothing does not pass. What it showed lies in `target/conformance/` of the workspace, see [`evidence`].
//!
//! # Another topology, another stack
//!
//! [`Cluster::builder`] describes the nodes; a [stack file](stack) says what runs on them, and needs no engine to be
//! read:
//!
//! ```
//! use harness::stack::{Source, Stack};
//!
//! let stack = Stack::parse(
//!     "mine.toml",
//!     r#"
//!     [component.mesos-agent]
//!     image = "registry.example/our-mesos:1.11.1-rc2"
//!
//!     [node.mesos-slave2]
//!     resources = "cpus:8;mem:16384"
//!     "#,
//! )?;
//! assert_eq!(stack.agent_on("mesos-slave2").resources.scalar("cpus"), 8.0);
//! assert_eq!(stack.component("mesos-master")?.source, Source::Version("1.11.0".to_owned()));
//! # Ok::<(), harness::Error>(())
//! ```
//!
//! A mistake is an [`Error`] that says where it is, what is expected there and what to do; its [`Kind`] says whose fault
//! it is:
//!
//! ```
//! let error = harness::stack::Stack::parse("mine.toml", "[agent]\nresources = \"cpus=8\"\n").unwrap_err();
//! assert_eq!(error.kind(), harness::Kind::Usage);
//! assert!(error.to_string().starts_with("mine.toml:2: agent.resources: "));
//! ```
//!
//! # In a workspace of your own
//!
//! `harness/examples/own-suite` is one to copy. The crate is a dev-dependency by path or by git; the images come from the
//! checkout that cargo compiled it from, evidence goes under your own `target/` ([`workspace`]). Install the program once
//! (`cargo install --path harness`): a [lease] needs it to remove what a killed test leaves. What your suite tests is said
//! by the stack file that `HARNESS_STACK` names: images by reference, or by a folder with a `Dockerfile`.

#![warn(missing_docs)]

pub mod admission;
mod apart;
pub mod await_until;
pub mod catalogue;
pub mod certify;
pub mod client;
pub mod cluster;
pub mod component;
pub mod conform;
pub mod deadlines;
pub mod docker;
pub mod doctor;
pub mod error;
pub mod evidence;
pub mod explain;
mod file_lock;
pub mod fixtures;
pub mod guard;
pub mod image;
pub mod interrupt;
pub mod keep;
pub mod labels;
pub mod lease;
pub mod node;
pub mod owner;
pub mod package;
pub mod prelude;
pub mod progress;
pub mod provenance;
pub mod reap;
pub mod report;
pub mod setup;
pub mod stack;
pub mod suggest;
pub mod sweep;
pub mod toolbox;
mod vigil;
pub mod workload;
pub mod workspace;

pub use cluster::Cluster;
pub use error::{Error, Kind, Result};
