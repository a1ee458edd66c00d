//! A golden run's folder becomes golden reports, and each mistake that well-known suites shipped has a test.

mod golden;

use golden::{Golden, GoldenRun};
use harness::Error;
use harness::report::{self, Conformance, Outcome, Report, model};
use quick_junit::{NonSuccessKind, Report as JUnit, TestCase, TestCaseStatus};
use serde_json::Value;

fn settings() -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    // Found at run time: paths of compile time break where an archive of the tests is moved.
    settings.set_snapshot_path(harness::workspace::checkout().join("snapshots/report"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings
}

#[test]
fn the_golden_run_becomes_the_golden_reports() {
    let golden = Golden::new();
    let report = golden.build(|_| {});
    report::write(&report, golden.directory()).expect("it is written");
    settings().bind(|| {
        for name in [
            "report.json",
            "report.html",
            "junit.xml",
            "summary.md",
            "README.md",
            "capabilities.json",
        ] {
            insta::assert_snapshot!(name, golden.read(name));
        }
        let plain = anstream::adapter::strip_str(&report::terminal(&report, "target/conformance/latest")).to_string();
        insta::assert_snapshot!("terminal", plain);
    });
}

#[test]
fn the_report_reads_back_and_keeps_its_schema() {
    let golden = Golden::new();
    let report = golden.build(|_| {});
    let json = report::to_json(&report).expect("it serialises");
    let back: Report = serde_json::from_str(&json).expect("it reads back");
    assert_eq!(back, report);
    assert_eq!(report::to_json(&back).expect("it serialises"), json);
    golden::assert_keeps_schema(&json);
}

#[test]
fn the_schema_refuses_what_is_no_report() {
    let golden = Golden::new();
    let json = report::to_json(&golden.build(|_| {})).expect("it serialises");
    let good: Value = serde_json::from_str(&json).expect("it is JSON");
    type Breakage = fn(&mut Value);
    let breakages: [(&str, Breakage); 5] = [
        ("an unknown outcome", |json| {
            json["requirements"][0]["outcome"] = "Passed".into()
        }),
        ("a missing verdict", |json| {
            json.as_object_mut().expect("an object").remove("verdict");
        }),
        ("an unknown provenance", |json| {
            json["subject"]["components"][0]["provenance"] = "vendor".into()
        }),
        ("an unknown name", |json| json["run"]["colour"] = "blue".into()),
        ("another version", |json| {
            json["schema"] = "conformance-report/v2".into()
        }),
    ];
    let schema = golden::schema();
    for (what, breakage) in breakages {
        let mut json = good.clone();
        breakage(&mut json);
        assert!(!schema.is_valid(&json), "{what} is refused");
    }
}

#[test]
fn the_same_run_gives_the_same_bytes_whatever_the_order() {
    let golden = Golden::new();
    let one = golden.build(|_| {});
    let other = golden.build(|run| {
        run.tests.reverse();
        run.evidence.reverse();
        run.capabilities.reverse();
        run.catalogue.requirements.sort_by(|a, b| a.id.cmp(&b.id));
    });
    assert_eq!(
        report::to_json(&one).expect("it serialises"),
        report::to_json(&other).expect("it serialises")
    );
}

#[test]
fn the_page_escapes_everything_and_needs_nothing_from_elsewhere() {
    let golden = Golden::new();
    let page = report::html(&golden.build(|_| {})).expect("it renders");
    assert!(
        !page.contains("<script") && !page.contains("<b>break"),
        "text of a scenario is no markup"
    );
    assert!(!page.contains("hunter2"), "a secret in a log stays out");
    // Pictures lie beside the page, among the evidence.
    let page = page.replace("src=\"evidence/", "");
    for external in ["src=", "<link", "@import", "url("] {
        assert!(!page.contains(external), "{external} would load something");
    }
    let first = page.lines().find(|line| line.contains("<h1>")).expect("a headline");
    assert!(first.contains("1 gap"), "gaps are counted in the headline: {first}");
}

// The mistakes of other suites' reporters, in the order of the list in the design: h2spec, OCI, gateway-api,
// csi-sanity.

fn junit_cases(report: &Report) -> Vec<TestCase> {
    let junit = JUnit::deserialize_from_str(&report::junit(report).expect("it renders")).expect("it is JUnit");
    junit
        .test_suites
        .into_iter()
        .flat_map(|suite| suite.test_cases)
        .collect()
}

#[test]
fn junit_tells_failures_from_errors_names_every_case_and_counts_them() {
    let report = Golden::new().build(|_| {});
    let cases = junit_cases(&report);
    assert_eq!(
        cases.len(),
        report.requirements.len(),
        "a case for each requirement, and no empty ones"
    );
    for (case, requirement) in cases.iter().map(|case| {
        let named = report
            .requirements
            .iter()
            .find(|one| one.id.as_str() == case.name.as_str());
        (case, named.expect("every case is named after a requirement"))
    }) {
        let wanted = match requirement.outcome {
            Outcome::Failed | Outcome::Flaky => Some(NonSuccessKind::Failure),
            Outcome::Errored | Outcome::Inconclusive | Outcome::NotRun => Some(NonSuccessKind::Error),
            _ => None,
        };
        let found = match &case.status {
            TestCaseStatus::NonSuccess { kind, .. } => Some(*kind),
            _ => None,
        };
        assert_eq!(found, wanted, "{}", requirement.id);
    }
    let junit = JUnit::deserialize_from_str(&report::junit(&report).expect("it renders")).expect("it is JUnit");
    assert_eq!((junit.failures, junit.errors, junit.skipped), (2, 4, 2));
}

#[test]
fn a_run_of_nothing_is_no_success() {
    let report = Golden::new().build(|run| {
        run.runner.clear();
        run.evidence.clear();
    });
    assert_eq!((report.verdict, report.exit_code()), (Conformance::NotRun, 4));
    assert!(report.requirements.iter().all(|one| one.outcome != Outcome::Passed));
}

#[test]
fn a_requirement_that_is_not_reached_stays_in_the_report() {
    let golden = Golden::new();
    let report = golden.build(|run| {
        run.evidence.retain(|one| one.record.test.starts_with("zookeeper"));
        run.runner.retain(|test, _| test.starts_with("zookeeper"));
    });
    assert_eq!(report.requirements.len(), golden.build(|_| {}).requirements.len());
    let mesos = report
        .profiles
        .iter()
        .find(|profile| profile.name == "mesos")
        .expect("the profile stays");
    assert_eq!(mesos.result, Conformance::NotRun);
    assert_eq!((report.verdict, report.exit_code()), (Conformance::Partial, 2));
}

#[test]
fn a_report_that_cannot_be_written_is_an_error() {
    let golden = Golden::new();
    let report = golden.build(|_| {});
    std::fs::create_dir(golden.directory().join("summary.md")).expect("a folder where a file must be");
    let error: Error = report::write(&report, golden.directory()).expect_err("a file cannot replace a folder");
    assert_ne!(error.kind().exit_code(), 0);
    assert!(error.to_string().contains("summary.md"), "{error}");
}

#[test]
fn the_file_is_called_as_the_readme_says() {
    let golden = Golden::new();
    report::write(&golden.build(|_| {}), golden.directory()).expect("it is written");
    let readme = golden.read("README.md");
    let manifest = golden.read("MANIFEST.sha256");
    for line in readme.lines().filter(|line| line.starts_with("| `")) {
        let name = line
            .split('`')
            .nth(1)
            .expect("a name in backticks")
            .trim_end_matches('/');
        assert!(golden.directory().join(name).exists(), "{name} exists");
        assert!(
            name == "MANIFEST.sha256" || manifest.contains(name),
            "{name} is in the manifest"
        );
    }
}

#[test]
fn unreadable_evidence_is_said_and_makes_the_run_invalid() {
    let golden = Golden::new();
    let folder = golden.directory().join("evidence/zookeeper.ensemble.elects");
    std::fs::write(folder.join("scenario.json"), "{\"outcome\": \"Passed\"}").expect("it is written");
    let report = golden.build(|_| {});
    assert_eq!(report.verdict, Conformance::Invalid);
    assert!(
        report.problems[0].contains("zookeeper.ensemble.elects"),
        "{:?}",
        report.problems
    );
}

#[test]
fn the_level_is_that_of_the_catalogue() {
    let golden = Golden::new();
    let report = golden.build(|run| {
        let advises = run
            .catalogue
            .requirements
            .iter_mut()
            .find(|one| one.id.as_str() == "mesos.agent.advises");
        advises.expect("it is in the catalogue").features = vec!["tls13".to_owned()];
    });
    let advises = report
        .requirements
        .iter()
        .find(|one| one.id.as_str() == "mesos.agent.advises")
        .expect("it is there");
    assert_eq!(
        advises.level,
        harness::catalogue::Level::Should,
        "a feature changes no level"
    );
}

#[test]
fn a_test_that_proves_nothing_is_said() {
    let report = Golden::new().build(|run| {
        let attempts = run.runner["zookeeper::ensemble::elects"].clone();
        run.runner.insert("zookeeper::ensemble::shines".to_owned(), attempts);
    });
    assert_eq!(report.verdict, Conformance::Invalid);
    assert!(
        report.problems[0].contains("zookeeper::ensemble::shines"),
        "{:?}",
        report.problems
    );
}

#[test]
fn what_leaks_makes_the_run_invalid() {
    let report = Golden::healthy(|run| {
        run.evidence[0].record.cleanup.leaked = vec!["network m-7f3a".to_owned()];
    });
    assert_eq!((report.verdict, report.exit_code()), (Conformance::Invalid, 3));
    assert!(report.summary.contains("1 leaked"), "{}", report.summary);
}

#[test]
fn every_outcome_of_a_must_has_its_exit_code() {
    for (outcome, code) in [
        (Outcome::Passed, 0),
        (Outcome::Failed, 1),
        (Outcome::Inconclusive, 2),
        (Outcome::Skipped, 2),
        (Outcome::NotApplicable, 2),
        (Outcome::Errored, 3),
        (Outcome::NotRun, 2),
    ] {
        let report = Golden::healthy(|run| {
            let record = &mut run.evidence[0].record;
            record.outcome = Some(outcome);
            record.reason = Some("because".to_owned());
        });
        assert_eq!(report.exit_code(), code, "{outcome}: {}", report.summary);
    }
    assert_eq!(Golden::healthy(GoldenRun::make_flaky).exit_code(), 2, "flaky");
}

#[test]
fn a_should_that_fails_leaves_the_run_conformant_and_is_said() {
    let report = Golden::healthy(|run| {
        let record = &mut run.evidence[0].record;
        record.outcome = Some(Outcome::Failed);
        let id = record.requirement.clone().expect("it has one");
        let own = run
            .catalogue
            .requirements
            .iter_mut()
            .find(|one| one.id == id)
            .expect("it is in the catalogue");
        own.level = harness::catalogue::Level::Should;
    });
    assert_eq!(report.exit_code(), 0);
    assert!(report.summary.contains("1 nonstrict"), "{}", report.summary);
}

#[test]
fn a_selection_judges_what_was_asked_for_and_claims_no_more() {
    let select = |run: &mut GoldenRun| {
        let selected = vec![run.evidence[0].record.requirement.clone().expect("it has one")];
        run.run.selection = Some(model::Selection {
            asked: vec!["--only".to_owned()],
            selected,
        });
    };
    let report = Golden::healthy(select);
    assert_eq!(report.verdict, Conformance::Partial, "the rest was skipped");
    assert_eq!(report.exit_code(), 0, "what was asked for passed");
    let report = Golden::healthy(|run| {
        select(run);
        run.evidence[0].record.outcome = Some(Outcome::Failed);
    });
    assert_eq!(report.exit_code(), 1);
}

#[test]
fn gaps_are_counted_and_do_not_touch_the_verdict() {
    let report = Golden::healthy(|_| {});
    assert_eq!((report.verdict, report.gaps.len()), (Conformance::Conformant, 1));
    assert!(
        report.summary.lines().next().expect("a line").contains("1 gap"),
        "{}",
        report.summary
    );
    assert!(
        report::summary(&report)
            .lines()
            .next()
            .expect("a line")
            .contains("1 gap")
    );
    assert!(
        report::terminal(&report, "x")
            .lines()
            .next()
            .expect("a line")
            .contains("1 gap")
    );
    let gap = &report.gaps[0];
    assert!(
        report.requirements.iter().all(|one| one.id != gap.id),
        "a gap is no requirement that ran"
    );
}
