//! The golden run: a folder as a run leaves it, and the report that is built from it.

use std::path::{Path, PathBuf};

use harness::catalogue::{Catalogue, Versions};
use harness::report::merge::{self, Evidence, Inputs};
use harness::report::model::{Capability, Docker, Git, Host, Run};
use harness::report::runner::{self, RunnerResults};
use harness::report::verdict::RunnerVerdict;
use harness::report::{Outcome, Report};

/// A copy of the golden run's folder that a test may spoil.
pub(crate) struct Golden {
    directory: tempfile::TempDir,
}

/// What the report is built from, before a test changes it.
pub(crate) struct GoldenRun {
    pub(crate) catalogue: Catalogue,
    pub(crate) tests: Vec<String>,
    pub(crate) runner: RunnerResults,
    pub(crate) evidence: Vec<Evidence>,
    pub(crate) capabilities: Vec<Capability>,
    pub(crate) run: Run,
    pub(crate) problems: Vec<String>,
}

impl Golden {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().expect("a temporary folder");
        copy(&fixture(), directory.path());
        // The catalogue is no part of a run's folder.
        std::fs::remove_dir_all(directory.path().join("catalogue")).expect("the copy is ours");
        Golden { directory }
    }

    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.directory().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub(crate) fn build(&self, change: impl FnOnce(&mut GoldenRun)) -> Report {
        let mut run = self.load();
        change(&mut run);
        build(run, self.directory())
    }

    /// The report of the golden run's requirements that passed, and of its gap: conformant until `change`.
    pub(crate) fn healthy(change: impl FnOnce(&mut GoldenRun)) -> Report {
        let golden = Golden::new();
        let mut run = golden.load();
        let whole = build(golden.load(), golden.directory());
        let passed = |id| {
            whole
                .requirements
                .iter()
                .any(|one| one.id == id && one.outcome == Outcome::Passed)
        };
        run.catalogue
            .requirements
            .retain(|one| passed(one.id.clone()) || one.gap.is_some());
        let catalogue = run.catalogue.clone();
        let kept = |test: &str| {
            let id = harness::catalogue::RequirementId::of_test(test).expect("it maps to one");
            catalogue.find(&id).is_some()
        };
        run.tests.retain(|test| kept(test));
        run.runner.retain(|test, _| kept(test));
        run.evidence.retain(|one| kept(&one.record.test));
        change(&mut run);
        build(run, golden.directory())
    }

    fn load(&self) -> GoldenRun {
        let catalogue = Catalogue::load(&fixture().join("catalogue")).expect("the golden catalogue is good");
        let runner = runner::read_junit(&self.directory().join("nextest-junit.xml")).expect("it is nextest's");
        let (evidence, problems) = merge::read_evidence(self.directory());
        let mut tests: Vec<String> = runner.keys().cloned().collect();
        tests.extend(["mesos::agent::encrypts".to_owned(), "mesos::agent::waits".to_owned()]);
        let capability = |feature: &str, supported, probe: &str| Capability {
            feature: feature.to_owned(),
            supported,
            probe: probe.to_owned(),
        };
        GoldenRun {
            catalogue,
            tests,
            runner,
            evidence,
            capabilities: vec![
                capability("tls", false, "mesos-master --help: no ssl flags"),
                capability("netem", true, "tc qdisc add dev eth0 root netem delay 1ms: ok"),
            ],
            run: run(),
            problems,
        }
    }
}

impl GoldenRun {
    /// The first scenario fails once and passes when it is tried again.
    pub(crate) fn make_flaky(&mut self) {
        let mut first = self.evidence[0].clone();
        self.evidence[0].record.attempt = 2;
        first.record.outcome = Some(Outcome::Failed);
        let attempts = self.runner.get_mut(&first.record.test).expect("it ran");
        let mut before = attempts[0].clone();
        before.verdict = RunnerVerdict::Failed("test failure".to_owned());
        attempts.insert(0, before);
        self.evidence.push(first);
    }
}

fn build(run: GoldenRun, directory: &Path) -> Report {
    merge::build(Inputs {
        catalogue: &run.catalogue,
        tests: &run.tests,
        runner: &run.runner,
        evidence: &run.evidence,
        capabilities: &run.capabilities,
        versions: &Versions::default(),
        run: run.run,
        mode: "booted",
        problems: run.problems,
        directory,
    })
}

fn run() -> Run {
    Run {
        id: "20260301T100000Z-7f3a".to_owned(),
        suite_version: "0.1.0".to_owned(),
        git: Some(Git {
            head: "0123456789abcdef0123456789abcdef01234567".to_owned(),
            dirty: true,
        }),
        command: "harness conform --stack fixtures/stacks/candidate.toml".to_owned(),
        started: "2026-03-01T10:00:00.000Z".to_owned(),
        ended: "2026-03-01T10:00:30.250Z".to_owned(),
        first_scenario_s: Some(2.5),
        duration_s: 30.25,
        host: Host {
            os: "Debian GNU/Linux 12 (bookworm)".to_owned(),
            kernel: "6.1.0".to_owned(),
            docker: Docker {
                client: "bollard 0.21".to_owned(),
                server: "20.10.24".to_owned(),
                api: "1.41".to_owned(),
            },
        },
        seed: None,
        stack: Some("fixtures/stacks/candidate.toml".to_owned()),
        selection: None,
        interrupted: false,
    }
}

/// The checked-in JSON Schema of the report.
pub(crate) fn schema() -> jsonschema::Validator {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/conformance-report-v1.json");
    let text = std::fs::read_to_string(path).expect("the schema is checked in");
    let json = serde_json::from_str(&text).expect("it is JSON");
    jsonschema::validator_for(&json).expect("it is a JSON Schema")
}

pub(crate) fn assert_keeps_schema(json: &str) {
    let json = serde_json::from_str(json).expect("it is JSON");
    let errors: Vec<String> = schema()
        .iter_errors(&json)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(
        errors.is_empty(),
        "the report breaks its schema:\n{}",
        errors.join("\n")
    );
}

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden-run")
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("the folder can be made");
    for entry in std::fs::read_dir(from).expect("the fixture is there").flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("it is copied");
        }
    }
}
