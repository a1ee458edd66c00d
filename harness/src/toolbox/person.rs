//! Who uses the toolbox, and which of the host's folders they see in it.

use std::collections::BTreeSet;
use std::path::{Component, Path};

use nix::unistd::{getgid, getuid};

use crate::docker::exec::ExecSpec;
use crate::error::Context;
use crate::image::digest;
use crate::{Kind, Result};

/// Folders of the container's own system: what is below them is mounted by itself, never whole.
const SYSTEM: [&str; 13] = [
    "bin", "boot", "etc", "lib", "lib32", "lib64", "opt", "root", "run", "sbin", "sys", "usr", "var",
];
/// What the kernel makes up: the container has its own.
const KERNEL: [&str; 3] = ["dev", "proc", "sys"];
/// Variables of the host that a client may be told something by. The rest is about the host: PATH, PYTHONPATH, …
const TOLD: [&str; 9] = [
    "COLORTERM",
    "EDITOR",
    "LESS",
    "LOGNAME",
    "NO_COLOR",
    "PAGER",
    "TZ",
    "USER",
    "VISUAL",
];
/// As [`TOLD`], by their beginnings.
const TOLD_FAMILIES: [&str; 5] = ["CLICOLOR", "DCOS_", "KAFKACAT_", "KCAT_", "SPARK_"];
/// Of those, what the toolbox sets itself, since it belongs to the cluster.
const OWN: [&str; 3] = ["DCOS_CONFIG", "DCOS_HOME", "DCOS_TOML"];

/// A user of the toolbox: a person on this machine, with their files, or a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    uid: u32,
    gid: u32,
    name: String,
    home: String,
    folders: BTreeSet<String>,
    work: Option<String>,
    env: Vec<(String, String)>,
}

impl Person {
    /// Root in the container, without a file of the host.
    #[must_use]
    pub fn nobody_in_particular() -> Self {
        Person {
            uid: 0,
            gid: 0,
            name: "root".to_owned(),
            home: "/root".to_owned(),
            folders: BTreeSet::new(),
            work: None,
            env: Vec::new(),
        }
    }

    /// Whoever runs this process, where they are now: their home, the folder they work in and `/tmp` are in the
    /// container at the same paths, and the clients run as them.
    ///
    /// # Errors
    /// [`Kind::Environment`] where the working folder is gone.
    pub fn this() -> Result<Self> {
        let (uid, gid) = (getuid().as_raw(), getgid().as_raw());
        let work = std::env::current_dir().context(Kind::Environment, || "the working folder is gone".to_owned())?;
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let name = variable("USER").or_else(|| variable("LOGNAME"));
        let home = variable("HOME").filter(|home| Path::new(home).is_absolute() && Path::new(home).is_dir());
        let folders = folders(home.as_deref().map(Path::new), &work);
        Ok(Person {
            uid,
            gid,
            name: name.unwrap_or_else(|| "person".to_owned()),
            home: home.unwrap_or_else(|| "/".to_owned()),
            work: work.to_str().map(str::to_owned),
            folders,
            env: std::env::vars_os()
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
                .filter(|(name, _)| is_told(name))
                .collect(),
        })
    }

    /// Their number.
    #[must_use]
    pub fn uid(&self) -> u32 {
        self.uid
    }

    /// The folders of the host that they see, at the same paths.
    pub fn folders(&self) -> impl Iterator<Item = &str> {
        self.folders.iter().map(String::as_str)
    }

    /// What tells this person's container from others beside the same cluster; `None` for a scenario's.
    pub(super) fn key(&self) -> Option<String> {
        (!self.folders.is_empty()).then(|| {
            let all: Vec<&str> = self.folders().collect();
            let sum = digest::of_bytes(format!("{} {}", self.gid, all.join("\0")).as_bytes());
            format!("{}-{}", self.uid, &sum[..8])
        })
    }

    /// `UID:GID:NAME:HOME`, as the image's program `toolbox` reads it.
    pub(super) fn line(&self) -> String {
        format!("{}:{}:{}:{}", self.uid, self.gid, self.name, self.home)
    }

    /// `spec` as this person runs it.
    #[must_use]
    pub fn runs(&self, mut spec: ExecSpec) -> ExecSpec {
        spec = spec.user(format!("{}:{}", self.uid, self.gid)).env("HOME", &self.home);
        for (name, value) in &self.env {
            spec = spec.env(name, value);
        }
        if spec.cwd.is_none() {
            spec.cwd = Some(self.work.clone().unwrap_or_else(|| self.home.clone()));
        }
        spec
    }
}

fn is_told(name: &str) -> bool {
    let family = TOLD_FAMILIES.iter().any(|family| name.starts_with(family));
    (TOLD.contains(&name) || family) && !OWN.contains(&name)
}

/// What is mounted: the home, `/tmp`, and the working folder where it is in neither. Of a folder that is not the
/// system's the first part of its path is taken, so that `cd ..` needs no other container.
fn folders(home: Option<&Path>, work: &Path) -> BTreeSet<String> {
    let mut folders = BTreeSet::from(["/tmp".to_owned()]);
    let is_seen = |folders: &BTreeSet<String>, path: &Path| folders.iter().any(|folder| path.starts_with(folder));
    if let Some(home) = home.filter(|home| !is_seen(&folders, home)) {
        folders.extend(whole(home));
    }
    if !is_seen(&folders, work) {
        folders.extend(match top(work) {
            Some(top) if SYSTEM.contains(&top) || KERNEL.contains(&top) => whole(work),
            Some(top) => Some(format!("/{top}")),
            None => None,
        });
    }
    folders
}

/// `folder`, unless that would hide a folder of the container's system.
fn whole(folder: &Path) -> Option<String> {
    let top = top(folder)?;
    let is_top = folder.components().count() == 2;
    // The home of root is nobody's system.
    let hides = KERNEL.contains(&top) || is_top && SYSTEM.contains(&top) && top != "root";
    folder.to_str().filter(|_| !hides).map(str::to_owned)
}

/// The first part of an absolute path.
fn top(path: &Path) -> Option<&str> {
    match path.components().nth(1)? {
        Component::Normal(name) => name.to_str(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(home: &str, work: &str) -> Vec<String> {
        folders(Some(Path::new(home)), Path::new(work)).into_iter().collect()
    }

    #[test]
    fn home_and_work_are_seen_at_the_same_paths() {
        assert_eq!(seen("/home/eron", "/home/eron/apps"), ["/home/eron", "/tmp"]);
        assert_eq!(seen("/home/eron", "/srv/apps/kafka"), ["/home/eron", "/srv", "/tmp"]);
        assert_eq!(seen("/root", "/tmp/x"), ["/root", "/tmp"]);
    }

    #[test]
    fn the_containers_own_system_is_not_hidden() {
        assert_eq!(seen("/", "/"), ["/tmp"]);
        assert_eq!(
            seen("/home/eron", "/usr/src/app"),
            ["/home/eron", "/tmp", "/usr/src/app"]
        );
        assert_eq!(seen("/home/eron", "/usr"), ["/home/eron", "/tmp"]);
        assert_eq!(seen("/proc/self", "/proc/self"), ["/tmp"]);
        assert_eq!(seen("/var", "/sys/fs"), ["/tmp"]);
    }

    #[test]
    fn who_sees_other_folders_has_another_container() {
        let person = |work: &str| Person {
            folders: folders(None, Path::new(work)),
            ..Person::nobody_in_particular()
        };
        assert_eq!(person("/srv/a").key(), person("/srv/b").key());
        assert_ne!(person("/srv").key(), person("/data").key());
        assert_eq!(Person::nobody_in_particular().key(), None);
    }

    #[test]
    fn what_belongs_to_the_cluster_is_not_taken_from_the_host() {
        for told in ["DCOS_LOG_LEVEL", "NO_COLOR", "KCAT_CONFIG", "CLICOLOR_FORCE"] {
            assert!(is_told(told), "{told}");
        }
        for own in ["DCOS_CONFIG", "PATH", "PYTHONPATH", "HOME"] {
            assert!(!is_told(own), "{own}");
        }
    }
}
