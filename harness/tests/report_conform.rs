//! A conformance run from the selection to the exit code, with a runner that does as each test tells it.
//!
//! The runner is a shell script that takes nextest's arguments and leaves what nextest and the scenarios leave: a list,
//! a JUnit file, evidence. Real scenarios need an engine; what is tested here is everything around them.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use harness::catalogue::Versions;
use harness::conform::{self, Finished, Options, Prepared};
use harness::report::model::{Capability, Docker};
use harness::report::{self, Conformance, Outcome};
use harness::stack::Stack;
use harness::{Kind, Result};

const CATALOGUE: &str = r#"
[[requirement]]
id = "mesos.agent.joins"
level = "must"
profile = "mesos"
class = "functional"
confidence = "deterministic"
channel = "stable"
since = "0.1.0"
statement = "An agent MUST join."
sources = [{ project = "mesos", ref = "1.11.0", path = "docs/agent-recovery.md" }]

[[requirement]]
id = "mesos.task.finishes"
level = "must"
profile = "mesos"
class = "functional"
confidence = "deterministic"
channel = "stable"
since = "0.1.0"
statement = "A task MUST finish."
sources = [{ project = "mesos", ref = "1.11.0", path = "docs/sandbox.md" }]

[[requirement]]
id = "mesos.security.authenticates"
level = "must"
profile = "mesos"
features = ["authentication"]
class = "functional"
confidence = "deterministic"
channel = "stable"
since = "0.1.0"
statement = "A master MUST authenticate."
sources = [{ project = "mesos", ref = "1.11.0", path = "docs/authentication.md" }]

[[requirement]]
id = "mesos.agent.deactivates"
level = "must"
profile = "mesos"
applies = { versions = ">=1.12", why = "The call came with it." }
class = "functional"
confidence = "deterministic"
channel = "stable"
since = "0.1.0"
statement = "An agent MUST deactivate."
sources = [{ project = "mesos", ref = "1.11.0", path = "docs/operator-http-api.md" }]

[[requirement]]
id = "mesos.dns.resolves"
level = "must"
profile = "mesos"
class = "functional"
confidence = "deterministic"
channel = "stable"
since = "0.1.0"
statement = "A name MUST resolve."
sources = [{ project = "mesos", ref = "1.11.0", path = "docs/networking.md" }]
gap = "There are no names yet."
"#;

const LIST: &str = r#"{"rust-suites": {"scenarios::scenarios": {"testcases": {
    "mesos::agent::joins": {"ignored": false},
    "mesos::task::finishes": {"ignored": false},
    "mesos::agent::deactivates": {"ignored": false},
    "mesos::security::authenticates": {"ignored": false}}}}}"#;

/// Runs each test that the filter names, or both: a pass, unless `outcomes/<test>` says otherwise.
const RUN: &str = r#"
mkdir -p target/nextest/conform
junit=target/nextest/conform/junit.xml
echo '<testsuites name="nextest-run" tests="2" failures="0" errors="0"><testsuite name="s" tests="2" errors="0" failures="0">' > $junit.new
for test in mesos::agent::joins mesos::task::finishes; do
  case "$filter" in ""|*"test(=$test)"*) ;; *) continue ;; esac
  name=$(echo $test | sed 's/::/./g')
  outcome=$(cat outcomes/$name 2>/dev/null || echo passed)
  mkdir -p "$HARNESS_RUN_DIR/evidence/$name"
  printf '{"test":"%s","attempt":1,"started":"2030-01-01T00:00:00Z","outcome":"%s","reason":"as told","checks":[
    {"text":"it holds","expected":"1","actual":"1","ok":true,"at":"a.rs:1"}]}' $test $outcome \
    > "$HARNESS_RUN_DIR/evidence/$name/scenario.json"
  echo "<testcase name=\"$test\" classname=\"s\" time=\"0.5\"/>" >> $junit.new
done
echo '</testsuite></testsuites>' >> $junit.new
mv $junit.new $junit
"#;

struct Workspace {
    root: tempfile::TempDir,
}

impl Workspace {
    /// `list` and `run` are the bodies of the runner's two commands.
    fn new(list: &str, run: &str) -> Self {
        let workspace = Workspace {
            root: tempfile::tempdir().expect("a temporary folder"),
        };
        workspace.write("scenarios/requirements/mesos.toml", CATALOGUE);
        workspace.write("list.json", LIST);
        workspace.write(
            "nextest",
            &format!(
                "#!/bin/sh\nset -eu\n[ \"$1\" = nextest ]; shift\necho \"$@\" >> calls\n\
                 filter=; for word in \"$@\"; do case \"$word\" in *test\\(=*) filter=$word ;; esac; done\n\
                 case \"$1\" in\nlist)\n{list}\n;;\nrun)\n{run}\n;;\nesac\n"
            ),
        );
        std::fs::set_permissions(workspace.path("nextest"), PermissionsExt::from_mode(0o755)).expect("it is ours");
        workspace
    }

    fn healthy() -> Self {
        Workspace::new("cat list.json", RUN)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("it has a folder")).expect("it is made");
        std::fs::write(path, text).expect("it is written");
    }

    fn options(&self) -> Options {
        Options {
            root: self.root.path().to_path_buf(),
            command: "harness conform".to_owned(),
            ..Options::default()
        }
    }

    async fn conform(&self, change: impl FnOnce(&mut Options)) -> Result<Finished> {
        let mut options = self.options();
        change(&mut options);
        conform::run(&options, async || Ok(self.prepared())).await
    }

    fn prepared(&self) -> Prepared {
        Prepared {
            nextest: self.path("nextest"),
            docker: Docker::default(),
            capabilities: vec![Capability {
                feature: "authentication".to_owned(),
                supported: false,
                probe: "mesos-master --authenticate: refused".to_owned(),
            }],
            versions: Versions::of(&Stack::load(None).expect("the default stack is good")),
        }
    }

    fn calls(&self) -> String {
        std::fs::read_to_string(self.path("calls")).unwrap_or_default()
    }
}

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
