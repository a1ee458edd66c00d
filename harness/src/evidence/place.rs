//! Where evidence and reports lie: always under the workspace's own `target/`, as nextest keeps its store.

use std::path::PathBuf;

pub use crate::workspace::root as workspace_root;

/// Names the folder of a conformance run to the scenarios that are part of it.
pub const RUN_DIRECTORY: &str = "HARNESS_RUN_DIR";

/// `target/conformance` of the workspace.
#[must_use]
pub fn conformance_root() -> PathBuf {
    workspace_root().join("target/conformance")
}

/// The folder of this run. Outside a conformance run it is `adhoc`, where the newest attempt of each scenario
/// replaces the one before.
#[must_use]
pub fn run_directory() -> PathBuf {
    match std::env::var_os(RUN_DIRECTORY) {
        Some(run) if !run.is_empty() => PathBuf::from(run),
        _ => conformance_root().join("adhoc"),
    }
}

/// The folder's name for one attempt of a test: letters, digits, `_`, `-` and dots only, so that it is also good
/// as a label and a container name. The first attempt has no suffix.
#[must_use]
pub fn attempt_folder(test: &str, attempt: u32) -> String {
    let mut name: String = test
        .replace("::", ".")
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || "._-".contains(c) {
                c
            } else {
                '-'
            }
        })
        .collect();
    if attempt > 1 {
        name.push_str(&format!(".attempt-{attempt}"));
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_name_is_plain_and_tells_attempts_apart() {
        assert_eq!(attempt_folder("mesos::task::runs::case_1", 1), "mesos.task.runs.case_1");
        assert_eq!(attempt_folder("a::b $c:d/..", 2), "a.b--c-d-...attempt-2");
    }
}
