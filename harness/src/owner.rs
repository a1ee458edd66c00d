//! Whose a cluster is, and whether the process that made it lives.

use nix::sys::signal::kill;
use nix::unistd::{Pid, User, geteuid};
use serde::Serialize;

use crate::labels::{self, Labels};
use crate::lease::{self, Holding};

/// `user@host` of this process: by the user's name where the system knows one, else by number.
#[must_use]
pub fn this_user() -> String {
    let user = match User::from_uid(geteuid()) {
        Ok(Some(user)) => user.name,
        _ => geteuid().to_string(),
    };
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("{user}@{}", host.trim())
}

/// What became of the process that made a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Life {
    /// It ended, and left the cluster to a person.
    Kept,
    /// It lives, and removes the cluster when it ends.
    Alive,
    /// It has ended, and its reaper is removing the cluster.
    Removing,
    /// It has ended, its reaper as well: `harness sweep` removes the cluster.
    Dead,
    /// Not to be told from here: another user's or another machine's.
    Unknown,
}

impl std::fmt::Display for Life {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Life::Kept => "kept",
            Life::Alive => "alive",
            Life::Removing => "removing",
            Life::Dead => "dead",
            Life::Unknown => "unknown",
        })
    }
}

/// Whose a cluster is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Owner {
    /// `user@host`; empty on what an older version made.
    pub user: String,
    /// The process on that host.
    pub pid: Option<i32>,
    /// What became of it.
    pub life: Life,
    /// True for this user on this machine.
    pub me: bool,
}

impl Owner {
    /// As the labels say, and as the lease's file and the process tell.
    #[must_use]
    pub fn of(labels: &Labels) -> Self {
        let user = labels.get(labels::OWNER).cloned().unwrap_or_default();
        let me = user == this_user();
        let pid = labels.get(labels::PID).and_then(|text| text.parse().ok());
        let lease = labels.get(labels::LEASE).map(String::as_str).unwrap_or_default();
        let kept = labels.get(labels::KEEP).is_some_and(|keep| keep == "1");
        Owner {
            life: life(lease, pid.filter(|_| me), kept),
            user,
            pid,
            me,
        }
    }
}

/// `pid` is that of a process of this machine, if one is known.
fn life(lease: &str, pid: Option<i32>, kept: bool) -> Life {
    match (lease::holding(lease), pid) {
        (Holding::LetGo, _) => Life::Dead,
        // Its reaper alone holds the lease.
        (Holding::Held, Some(pid)) if kill(Pid::from_raw(pid), None).is_err() => Life::Removing,
        (Holding::Held, _) => Life::Alive,
        // Handing a cluster over removes the file.
        (Holding::Unknown, _) if kept => Life::Kept,
        (Holding::Unknown, _) => Life::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_life_is_told_by_the_lease_and_the_process() {
        let id = format!("test-{}", uuid::Uuid::new_v4().simple());
        let this = i32::try_from(std::process::id()).ok();
        // Above the kernel's greatest: nobody's.
        let nobody = Some(i32::MAX);
        assert_eq!(life(&id, this, false), Life::Unknown);
        assert_eq!(life(&id, this, true), Life::Kept);
        let held = lease::lock_file(&id).expect("a lease file");
        assert_eq!(life(&id, this, true), Life::Alive);
        assert_eq!(life(&id, None, false), Life::Alive);
        assert_eq!(life(&id, nobody, false), Life::Removing);
        drop(held);
        assert_eq!(life(&id, this, false), Life::Dead);
        std::fs::remove_file(lease::lock_path(&id)).expect("the file was there");
    }

    #[test]
    fn labels_tell_mine_from_others() {
        let labels = |user: &str| Labels::from([(labels::OWNER.to_owned(), user.to_owned())]);
        assert!(Owner::of(&labels(&this_user())).me);
        assert!(!Owner::of(&labels("somebody@elsewhere")).me);
        assert!(!Owner::of(&Labels::new()).me);
    }
}
