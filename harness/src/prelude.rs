//! What nearly every scenario uses: `use harness::prelude::*;`.

pub use crate::client::mesos::{FrameworkSpec, TaskSpec, TaskState};
pub use crate::evidence::Verdict;
pub use crate::fixtures::cluster;
pub use crate::node::NodeName;
pub use crate::{Cluster, Error, Kind, Result, check, check_contains};
