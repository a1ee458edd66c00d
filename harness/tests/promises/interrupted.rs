//! P5 of a whole run: Ctrl-C while `harness conform` is in the middle of a scenario.

use std::collections::HashMap;
use std::path::PathBuf;

use bollard::query_parameters::ListContainersOptionsBuilder;
use harness::await_until::{Probe, Wait};
use harness::component::mesos_agent;
use harness::deadlines::Deadline;
use harness::docker::{Selection, removal};
use harness::labels::{self, equals};
use nix::sys::signal::Signal;

use crate::child::{self, Child, PATIENCE};

/// A scenario that takes a while once its cluster is there.
const ID: &str = "mesos.recovery.silent-agent-is-unreachable-until-it-returns";

/// A run is the workspace's: its links lead to where they led before, when this goes.
struct Links(Vec<(PathBuf, Option<PathBuf>)>);

impl Links {
    fn kept() -> Self {
        let runs = harness::workspace::checkout().join("target/conformance");
        let links = ["latest", "current"].map(|name| runs.join(name));
        let links = links.map(|link| (link.clone(), std::fs::read_link(link).ok()));
        Links(links.into())
    }
}

impl Drop for Links {
    fn drop(&mut self) {
        for (link, before) in &self.0 {
            let _ = std::fs::remove_file(link);
            if let Some(before) = before {
                let _ = std::os::unix::fs::symlink(before, link);
            }
        }
    }
}

/// The lease of the run's scenario, as soon as its agent has been made.
async fn lease(child: &Child) -> String {
    let leases = child
        .folder
        .path()
        .join(format!("tmp/mesos-harness-{}/leases", nix::unistd::geteuid()));
    let agents = equals(labels::COMPONENT, mesos_agent::NAME);
    Wait::that(
        "the scenario has a cluster",
        Deadline::custom("SCENARIO_BEGUN", PATIENCE),
    )
    .until(async || {
        let filters = HashMap::from([("label", vec![agents.as_str()])]);
        let options = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
        let found = child.engine.docker().list_containers(Some(options)).await;
        let found = found.expect("the engine lists").into_iter();
        let mut own = found
            .filter_map(|one| one.labels?.remove(labels::LEASE))
            .filter(|lease| leases.join(lease).exists());
        own.next()
            .map_or(Probe::NotYet("it has no agent".to_owned()), Probe::Ready)
    })
    .await
    .expect("it begins")
}

#[tokio::test]
async fn ctrl_c_ends_a_run_in_order_and_leaves_its_report() {
    let child = Child::new("interrupted").await;
    let _links = Links::kept();
    let mut run = child.command(env!("CARGO_BIN_EXE_harness"), &["conform", "--json", "--only", ID]);
    let run = run.spawn().expect("it starts");
    let lease = lease(&child).await;

    child::send(&run, Signal::SIGINT);

    let ended = child::end(run).await;
    ended.assert_code(130);
    let left = removal::list(&child.engine, &Selection::lease(&lease)).await;
    assert_eq!(left.expect("the engine lists"), []);
    let judged = ended.json();
    assert_eq!(judged["exit_code"], 130);
    assert_eq!(judged["requirements"][0]["id"], ID);
    assert_ne!(judged["requirements"][0]["outcome"], "passed");
    let summary = judged["summary"].as_str().expect("there is one");
    assert!(summary.contains("interrupted"), "{summary}");
    let folder = PathBuf::from(judged["report"].as_str().expect("there is a report"));
    let report = std::fs::read(folder.join("report.json")).expect("it was written");
    let report: serde_json::Value = serde_json::from_slice(&report).expect("it is whole");
    assert_eq!(report["run"]["interrupted"], true);
    assert_eq!(report["verdict"], judged["verdict"]);
    assert!(folder.join("report.html").exists());
    std::fs::remove_dir_all(&folder).expect("it is ours");
}
