//! What a report says of its run: folders, times, the machine, the sources.

use std::path::{Path, PathBuf};

use crate::error::Context;
use crate::report::merge::Evidence;
use crate::report::model::{Docker, Git, Host};
use crate::{Kind, Result, deadlines};

/// Reports that are kept; older ones go when a new one is complete.
const RUNS_KEPT: usize = 20;

/// The folders of the runs: `target/conformance/<id>`, `current` while it runs, `latest` when it is complete.
#[derive(Debug)]
pub(super) struct Folders {
    root: PathBuf,
    /// Sorts by time.
    pub(super) id: String,
}

impl Folders {
    pub(super) fn of(workspace: &Path) -> Self {
        let time = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ");
        let unique = uuid::Uuid::new_v4().simple().to_string();
        Folders {
            root: workspace.join("target/conformance"),
            id: format!("{time}-{}", &unique[..4]),
        }
    }

    pub(super) fn latest(&self) -> PathBuf {
        self.root.join("latest")
    }

    /// Makes the run's folder and points `current` at it.
    pub(super) fn begin(&self) -> Result<PathBuf> {
        let directory = self.root.join(&self.id);
        std::fs::create_dir_all(directory.join("evidence"))
            .context(Kind::Internal, || format!("cannot make {}", directory.display()))?;
        self.point("current")?;
        Ok(directory)
    }

    /// Points `latest` at the run, and removes the oldest.
    pub(super) fn finish(&self) -> Result<()> {
        self.point("latest")?;
        let entries = std::fs::read_dir(&self.root).into_iter().flatten().flatten();
        let mut runs: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| is_run(path)).collect();
        runs.sort();
        for old in &runs[..runs.len().saturating_sub(RUNS_KEPT)] {
            // One that cannot be removed takes room, and does no other harm.
            let _ = std::fs::remove_dir_all(old);
        }
        Ok(())
    }

    /// Replaces a link at once, so that a reader never finds it absent.
    fn point(&self, name: &str) -> Result<()> {
        let failed = || format!("cannot point {} at {}", self.root.join(name).display(), self.id);
        let partial = self.root.join(format!(".{name}-{}", self.id));
        std::os::unix::fs::symlink(&self.id, &partial).context(Kind::Internal, failed)?;
        std::fs::rename(&partial, self.root.join(name)).context(Kind::Internal, failed)
    }
}

/// A folder of ours: a time, and four digits.
fn is_run(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let shape = name.len() == 21 && name.as_bytes()[8] == b'T' && name.as_bytes()[15] == b'Z';
    shape && !path.is_symlink() && path.is_dir()
}

/// Seconds from the start of the command to the first thing that a scenario recorded.
pub(super) fn first_scenario(started: &str, evidence: &[Evidence]) -> Option<f64> {
    let started: jiff::Timestamp = started.parse().ok()?;
    let times = evidence
        .iter()
        .filter_map(|one| one.record.started.parse::<jiff::Timestamp>().ok());
    Some(times.min()?.duration_since(started).as_secs_f64().max(0.0))
}

/// The commit of the sources; none where they are no git work tree or there is no git.
pub(super) async fn git(root: &Path) -> Option<Git> {
    let ask = async |arguments: &[&str]| {
        let mut command = tokio::process::Command::new("git");
        let output = command.arg("-C").arg(root).args(arguments).kill_on_drop(true).output();
        let output = tokio::time::timeout(deadlines::GIT.limit(), output).await.ok()?.ok()?;
        output
            .status
            .success()
            .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let head = ask(&["rev-parse", "--verify", "HEAD"]).await?;
    let dirty = !ask(&["status", "--porcelain"]).await?.is_empty();
    Some(Git { head, dirty })
}

/// The machine.
pub(super) fn host(docker: &Docker) -> Host {
    let release = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    let pretty = release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="));
    Host {
        os: pretty.map_or_else(
            || std::env::consts::OS.to_owned(),
            |name| name.trim_matches('"').to_owned(),
        ),
        kernel: std::fs::read_to_string("/proc/sys/kernel/osrelease")
            .unwrap_or_default()
            .trim()
            .to_owned(),
        docker: docker.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_follow_the_run_and_old_runs_go() {
        let workspace = tempfile::tempdir().expect("a temporary folder");
        let root = workspace.path().join("target/conformance");
        for day in 1..=RUNS_KEPT + 2 {
            std::fs::create_dir_all(root.join(format!("202001{day:02}T000000Z-aaaa"))).expect("it is made");
        }
        std::fs::create_dir_all(root.join("adhoc/evidence")).expect("it is made");
        let folders = Folders::of(workspace.path());
        let directory = folders.begin().expect("it is made");
        assert_eq!(
            std::fs::read_link(root.join("current")).expect("a link"),
            Path::new(&folders.id)
        );
        assert!(!folders.latest().exists(), "an incomplete run is not the latest");
        folders.finish().expect("it is complete");
        assert_eq!(
            std::fs::canonicalize(folders.latest()).expect("it leads there"),
            std::fs::canonicalize(&directory).expect("it exists")
        );
        let runs = std::fs::read_dir(&root)
            .expect("a folder")
            .flatten()
            .filter(|entry| is_run(&entry.path()))
            .count();
        assert_eq!(runs, RUNS_KEPT);
        assert!(
            root.join("adhoc").is_dir() && directory.is_dir(),
            "what is no old run stays"
        );
    }
}
