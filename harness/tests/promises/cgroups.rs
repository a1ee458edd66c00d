//! Cgroups of tasks: they are no objects of the engine, so no label finds them.

use std::path::{Path, PathBuf};

use bollard::query_parameters::InspectContainerOptions;
use nix::sys::signal::Signal;

use crate::REAPED;
use crate::child::{self, Child};
use crate::owner_of::{self, LIMITS, READY, says};

const ROOT: &str = "/sys/fs/cgroup";

/// P6: an agent that enforces limits makes a cgroup for each task, in several hierarchies of the machine.
#[tokio::test]
async fn kill_9_leaves_no_cgroup_of_a_task() {
    if !Path::new(ROOT).join("freezer").is_dir() {
        eprintln!("no agent can enforce limits here: the engine's machine has no cgroup version 1");
        return;
    }
    let child = Child::new("limits").await;
    let mut owner = owner_of::command(&child, &child.name, LIMITS)
        .spawn()
        .expect("it starts");
    says(&mut owner, READY).await;
    let holder = format!("{}-mesos-slave1-holder", child.name);
    let inspect = child
        .engine
        .docker()
        .inspect_container(&holder, None::<InspectContainerOptions>);
    let id = inspect.await.expect("it is there").id.expect("it has an id");
    let of_tasks: Vec<PathBuf> = folders(Path::new(ROOT), &id)
        .into_iter()
        .filter(|folder| folder.parent().is_some_and(|parent| parent.ends_with("mesos")))
        .collect();
    for hierarchy in ["cpu", "freezer", "memory"] {
        let its = of_tasks
            .iter()
            .any(|folder| folder.starts_with(Path::new(ROOT).join(hierarchy)));
        assert!(its, "the task has a cgroup in {hierarchy}: {of_tasks:?}");
    }

    child::send(&owner, Signal::SIGKILL);
    owner.wait().await.expect("it ends");
    child.assert_gone_within(REAPED).await;

    assert_eq!(folders(Path::new(ROOT), &id), Vec::<PathBuf>::new());
}

/// The folders at and beneath `root` in whose path `part` stands. Others may come and go meanwhile.
fn folders(root: &Path, part: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut ahead = vec![root.to_owned()];
    while let Some(folder) = ahead.pop() {
        let entries = std::fs::read_dir(&folder).into_iter().flatten().filter_map(Result::ok);
        let inner = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        ahead.extend(inner.map(|entry| entry.path()));
        if folder.to_string_lossy().contains(part) {
            found.push(folder);
        }
    }
    found
}
