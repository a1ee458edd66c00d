//! A conformance run from the selection to the exit code, with a runner that does as each test tells it.
//!
//! The runner is a shell script that takes nextest's arguments and leaves what nextest and the scenarios leave: a list,
//! a JUnit file, evidence. Real scenarios need an engine; what is tested here is everything around them.

mod workspace;

use std::path::Path;
use std::time::Duration;

use harness::Kind;
use harness::conform::{self, Finished};
use harness::report::{self, Conformance, Outcome};
use workspace::{RUN, Workspace};

fn outcome(finished: &Finished, id: &str) -> Outcome {
    let (_, report) = finished.report.as_ref().expect("there is a report");
    let found = report.requirements.iter().find(|one| one.id.as_str() == id);
    found.unwrap_or_else(|| panic!("{id} is in the report")).outcome
}

#[tokio::test]
async fn a_run_leaves_a_whole_report_and_its_links() {
    let workspace = Workspace::healthy();
    let finished = workspace.conform(|_| {}).await.expect("it runs");
    assert_eq!(finished.exit_code, 0);
    let (directory, result) = finished.report.as_ref().expect("there is a report");
    assert_eq!(result.verdict, Conformance::Conformant);
    assert_eq!(
        outcome(&finished, "mesos.security.authenticates"),
        Outcome::NotApplicable
    );
    let other = result
        .requirements
        .iter()
        .find(|one| one.id.as_str() == "mesos.agent.deactivates");
    let other = other.expect("what does not apply to the version is in the report");
    assert_eq!(other.outcome, Outcome::NotApplicable);
    assert_eq!(
        other.reason.as_deref(),
        Some("mesos-agent is 1.11.0, it applies to >=1.12: The call came with it.")
    );
    assert!(
        workspace
            .calls()
            .contains("test(=mesos::agent::joins) | test(=mesos::task::finishes)")
    );
    let root = workspace.path("target/conformance");
    for link in ["latest", "current"] {
        let target = std::fs::canonicalize(root.join(link)).expect("the link leads somewhere");
        assert_eq!(target, std::fs::canonicalize(directory).expect("it exists"));
    }
    let manifest = std::fs::read_to_string(directory.join("MANIFEST.sha256")).expect("there is a manifest");
    for file in [
        "report.json",
        "report.html",
        "junit.xml",
        "nextest-junit.xml",
        "summary.md",
        "capabilities.json",
    ] {
        assert!(manifest.contains(&format!("  {file}\n")), "{file} stands in {manifest}");
    }
    assert_eq!(
        **result,
        report::read(&root.join("latest/report.json")).expect("it reads back")
    );
}

#[tokio::test]
async fn each_outcome_of_a_scenario_has_its_exit_code() {
    for (outcome, code) in [("failed", 1), ("inconclusive", 2), ("skipped", 2), ("errored", 3)] {
        let workspace = Workspace::healthy();
        workspace.write("outcomes/mesos.agent.joins", outcome);
        assert_eq!(
            workspace.conform(|_| {}).await.expect("it runs").exit_code,
            code,
            "{outcome}"
        );
    }
}

#[tokio::test]
async fn only_runs_what_it_names_and_failed_what_did_not_pass() {
    let workspace = Workspace::healthy();
    workspace.write("outcomes/mesos.agent.joins", "failed");
    let finished = workspace
        .conform(|options| options.only = vec!["mesos.task".to_owned()])
        .await
        .expect("it runs");
    assert_eq!(finished.exit_code, 0, "the failing one was not asked for");
    assert_eq!(outcome(&finished, "mesos.agent.joins"), Outcome::Skipped);
    assert_eq!(outcome(&finished, "mesos.task.finishes"), Outcome::Passed);

    assert_eq!(workspace.conform(|_| {}).await.expect("it runs").exit_code, 1);
    workspace.write("outcomes/mesos.agent.joins", "passed");
    let finished = workspace
        .conform(|options| options.failed = true)
        .await
        .expect("it runs");
    assert_eq!(finished.exit_code, 0);
    assert_eq!(
        outcome(&finished, "mesos.task.finishes"),
        Outcome::Skipped,
        "it had passed"
    );
    let finished = workspace
        .conform(|options| options.failed = true)
        .await
        .expect("it runs");
    assert_eq!(finished.exit_code, 4, "nothing is left to repeat");
    let refusal = finished.refusal.expect("it says why").to_string();
    assert!(refusal.contains("nothing failed in the latest run"), "{refusal}");
}

#[tokio::test]
async fn failed_without_a_latest_run_is_told_so() {
    let workspace = Workspace::healthy();
    let error = workspace
        .conform(|options| options.failed = true)
        .await
        .expect_err("there is none");
    assert_eq!(error.kind(), Kind::Usage);
    assert!(error.explain().contains("there is no latest run"), "{error:?}");
    assert!(error.explain().contains("run `harness conform` once"), "{error:?}");
}

/// P13: a reaper has no reader; what it left in the folder of the run is said, and makes the run invalid.
#[tokio::test]
async fn what_a_reaper_could_not_remove_is_said() {
    let left = r#"
mkdir -p "$HARNESS_RUN_DIR/reaped"
echo '{"removed": [], "leaked": ["network m-7f3a: it is busy"]}' > "$HARNESS_RUN_DIR/reaped/abc.json"
"#;
    let workspace = Workspace::new("cat list.json", &format!("{RUN}{left}"));
    let finished = workspace.conform(|_| {}).await.expect("it runs");
    assert_eq!(finished.exit_code, 3);
    let (_, report) = finished.report.expect("there is one");
    assert_eq!(
        report.cleanup.leaked,
        ["network m-7f3a: it is busy (left by the reaper of abc)"]
    );
}

#[tokio::test]
async fn only_takes_a_pattern() {
    let workspace = Workspace::healthy();
    let finished = workspace
        .conform(|options| options.only = vec!["*.finishes".to_owned()])
        .await
        .expect("it runs");
    assert_eq!(outcome(&finished, "mesos.agent.joins"), Outcome::Skipped);
    assert_eq!(outcome(&finished, "mesos.task.finishes"), Outcome::Passed);
}

#[tokio::test]
async fn a_filter_that_matches_nothing_names_what_there_is() {
    for (asked, parts) in [
        (
            "mesos.tusk",
            &["matches nothing", "mesos.tusk", "mesos.task.finishes"][..],
        ),
        ("mesos.t", &["matches nothing"]),
        (
            "mesos.dns.resolves",
            &["There are no names yet.", "mesos.task.finishes"],
        ),
        (
            "mesos.security.authenticates",
            &["no test proves", "mesos::task::finishes"],
        ),
    ] {
        let workspace = Workspace::healthy();
        let finished = workspace
            .conform(|options| options.only = vec![asked.to_owned()])
            .await
            .expect("it answers");
        assert_eq!(finished.exit_code, 4, "{asked}");
        assert!(
            finished.report.is_none() && !workspace.calls().contains("run --workspace"),
            "nothing ran"
        );
        let refusal = finished.refusal.expect("it says why").explain();
        for part in parts {
            assert!(refusal.contains(part), "{part} stands in {refusal}");
        }
    }
}

#[tokio::test]
async fn a_build_failure_is_the_environments_and_shows_the_log() {
    let workspace = Workspace::new("echo 'error[E0425]: cannot find value' >&2; exit 101", RUN);
    let error = workspace.conform(|_| {}).await.expect_err("it does not build");
    assert_eq!(error.kind().exit_code(), 3);
    let text = error.explain();
    for part in [
        "do not build",
        "E0425",
        "build.log",
        "cargo nextest list --workspace --lib",
    ] {
        assert!(text.contains(part), "{part} stands in {text}");
    }
}

#[tokio::test]
async fn a_missing_nextest_is_said_with_its_remedy() {
    let workspace = Workspace::healthy();
    std::fs::remove_file(workspace.path("nextest")).expect("it was there");
    let error = workspace.conform(|_| {}).await.expect_err("there is no runner");
    assert_eq!(error.kind(), Kind::Environment);
    assert!(error.explain().contains("harness setup"), "{}", error.explain());
}

#[tokio::test]
async fn a_catalogue_that_cannot_be_read_is_no_success() {
    let workspace = Workspace::healthy();
    workspace.write("scenarios/requirements/mesos.toml", "[[requirement]]\nid = 7\n");
    let error = workspace.conform(|_| {}).await.expect_err("it is no catalogue");
    assert_eq!(error.kind().exit_code(), 64);
    assert!(error.explain().contains("mesos.toml"), "{}", error.explain());
}

#[tokio::test]
async fn a_runner_that_dies_leaves_an_invalid_report_and_no_old_results() {
    let workspace = Workspace::new("cat list.json", "exit 7");
    workspace.write(
        "target/nextest/conform/junit.xml",
        "<testsuites name=\"an older run\" tests=\"0\" failures=\"0\" errors=\"0\"/>",
    );
    let finished = workspace.conform(|_| {}).await.expect("there is a report");
    assert_eq!(finished.exit_code, 3);
    let (_, result) = finished.report.as_ref().expect("there is a report");
    assert!(
        result.problems.iter().any(|problem| problem.contains("exit status: 7")),
        "{:?}",
        result.problems
    );
    assert_eq!(outcome(&finished, "mesos.agent.joins"), Outcome::NotRun);
}

#[tokio::test]
async fn set_up_that_fails_ends_the_run_before_anything_is_made() {
    let workspace = Workspace::healthy();
    let failing = async || Err(harness::Error::new(Kind::Image, "no image"));
    let error = conform::run(&workspace.options(), failing)
        .await
        .expect_err("there are no images");
    assert_eq!(error.kind(), Kind::Image);
    assert!(!workspace.path("target").exists() && workspace.calls().is_empty());
}

#[tokio::test]
async fn nothing_before_the_first_scenario_is_the_clusters_fault() {
    let workspace = Workspace::healthy();
    for (kind, code) in [
        (Kind::Deadline, 3),
        (Kind::Component, 3),
        (Kind::Answer, 3),
        (Kind::Image, 3),
        (Kind::Usage, 64),
        (Kind::Interrupted, 130),
    ] {
        let failing = async || Err(harness::Error::new(kind, "it is not ready").hint("wait"));
        let error = conform::run(&workspace.options(), failing).await.expect_err("it fails");
        assert_eq!(error.kind().exit_code(), code, "{kind:?}");
        assert_eq!(
            (error.to_string().as_str(), error.hint_text()),
            ("it is not ready", Some("wait"))
        );
    }
}

/// The test process itself gets the signal, so this test needs a process of its own: nextest gives it one.
#[tokio::test]
async fn an_interrupted_run_hands_the_signal_on_and_still_reports() {
    if std::env::var_os("NEXTEST").is_none() {
        return;
    }
    let slow = "trap 'echo term > trapped; exit 100' TERM\ntouch started\nwhile :; do sleep 0.05; done";
    let workspace = Workspace::new("cat list.json", slow);
    let started = workspace.path("started");
    let signals = async {
        await_file(&started).await;
        nix::sys::signal::raise(nix::sys::signal::SIGTERM).expect("it is sent");
    };
    let (finished, ()) = tokio::join!(workspace.conform(|_| {}), signals);
    let finished = finished.expect("there is a report");
    assert_eq!(finished.exit_code, 130);
    assert!(workspace.path("trapped").exists(), "the runner got the signal");
    let (_, result) = finished.report.as_ref().expect("there is a report");
    assert!(
        result.run.interrupted && result.summary.contains("interrupted"),
        "{}",
        result.summary
    );
}

async fn await_file(path: &Path) {
    let deadline = harness::deadlines::Deadline::custom("RUNNER_STARTED", Duration::from_secs(20));
    harness::await_until::Wait::that("the runner starts", deadline)
        .until(async || {
            if path.exists() {
                harness::await_until::Probe::Ready(())
            } else {
                harness::await_until::Probe::NotYet("it left no mark".to_owned())
            }
        })
        .await
        .expect("it starts");
}
