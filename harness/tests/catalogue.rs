//! The catalogue of this workspace keeps its own rules, and names exactly the tests that exist.

use std::path::PathBuf;
use std::process::Command;

use harness::catalogue::Catalogue;
use harness::workspace::checkout;
use serde_json::Value;

fn catalogue() -> Catalogue {
    let folder = checkout().join("scenarios/requirements");
    Catalogue::load(&folder).unwrap_or_else(|error| panic!("{}", error.explain()))
}

#[test]
fn every_record_keeps_the_rules_and_every_readme_section_is_covered() {
    let problems = catalogue().problems();
    assert!(
        problems.is_empty(),
        "the catalogue has problems:\n{}",
        problems.join("\n")
    );
}

#[test]
fn the_tests_that_exist_are_those_of_the_catalogue() {
    let tests = scenarios_listed_by_nextest();
    let problems = catalogue().problems_with_tests(tests.iter().map(String::as_str));
    assert!(
        problems.is_empty(),
        "tests and catalogue differ:\n{}",
        problems.join("\n")
    );
}

/// The names of the scenarios crate's tests.
fn scenarios_listed_by_nextest() -> Vec<String> {
    let cargo = std::env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from);
    let mut command = Command::new(cargo);
    command
        .args([
            "nextest",
            "list",
            "--workspace",
            "--lib",
            "-E",
            "package(scenarios)",
            "--message-format",
            "json",
            "--cargo-quiet",
        ])
        .current_dir(checkout());
    // This test runs under nextest itself: the list must not take over the options of that run, nor cargo what it says
    // of the package under test, since the build script of a dependency would then be run again, here and next time.
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("NEXTEST") || name.starts_with("CARGO_MANIFEST") || name.starts_with("CARGO_PKG") {
            command.env_remove(name);
        }
    }
    let output = command.output().expect("cargo starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo nextest lists the scenarios: {said}");
    let list: Value = serde_json::from_slice(&output.stdout).expect("nextest lists JSON");
    let suites = list["rust-suites"].as_object().expect("the list has suites");
    suites
        .values()
        .filter_map(|suite| suite["testcases"].as_object())
        .flat_map(|cases| cases.keys().cloned())
        .collect()
}
