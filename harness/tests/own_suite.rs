//! The library in somebody else's workspace: the example crate, outside of ours, with its own image and stack.

mod child;

use std::path::{Path, PathBuf};
use std::time::Duration;

use child::Child;
use harness::evidence::ScenarioRecord;
use harness::provenance::Provenance;
use harness::report::Outcome;
use tokio::process::Command;

const TEST: &str = "greeter::image::greets";
/// The one that the README has its reader type.
const README_TEST: &str = "says_hello";

/// Longer than the build of the library once more, for this crate's choice of features.
const PATIENCE: Duration = Duration::from_secs(400);

#[tokio::test]
async fn a_suite_of_its_own_boots_its_own_image_and_keeps_its_own_evidence() {
    let child = Child::new("own-suite").await;
    let suite = copy();

    let ended = run(&child, &suite).await;

    ended.assert_code(0);
    ended.assert_says(&[
        &format!("test {TEST} ... ok"),
        &format!("test {README_TEST} ... ok"),
        "test result: ok. 1 passed",
    ]);
    let evidence = suite.join("target/conformance/adhoc/evidence");
    let of_readme = evidence.join(harness::evidence::place::attempt_folder(README_TEST, 1));
    assert!(of_readme.is_dir(), "its evidence is where the README says");
    let record = evidence.join(harness::evidence::place::attempt_folder(TEST, 1));
    let record =
        std::fs::read(record.join(harness::evidence::SCENARIO_FILE)).expect("its evidence is under its target");
    let record: ScenarioRecord = serde_json::from_slice(&record).expect("it is a record");
    assert_eq!(record.outcome, Some(Outcome::Passed));
    assert_eq!(
        record.requirement.expect("it is in its catalogue").as_str(),
        "greeter.image.greets"
    );
    let agent = record.components.iter().find(|one| one.name == "mesos-agent");
    let agent = agent.expect("the components are recorded");
    assert_eq!(agent.provenance, Provenance::UserImage);
    assert!(agent.image.starts_with("mesos-harness/own-agent:"), "{}", agent.image);
    assert!(
        agent.artefact.contains("images/agent over 1.11.0"),
        "{}",
        agent.artefact
    );
    let master = record.components.iter().find(|one| one.name == "mesos-master");
    let master = master.expect("the components are recorded");
    assert_eq!(
        master.provenance,
        Provenance::UpstreamLibrary,
        "the rest of its stack is the default"
    );
    child.assert_nothing_left().await;
}

/// As a user has it: in another place, with a path to the library. Always the same place, so that a second run compiles
/// nothing and adds nothing.
fn copy() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    let suite = Path::new(env!("CARGO_TARGET_TMPDIR")).join("own-suite");
    if let Err(error) = std::fs::remove_dir_all(&suite) {
        assert_eq!(error.kind(), std::io::ErrorKind::NotFound, "{error}");
    }
    let copied = std::process::Command::new("cp")
        .arg("-a")
        .args([&own.join("examples/own-suite"), &suite])
        .status();
    assert!(copied.expect("cp runs").success());
    for built in ["target", "Cargo.lock"] {
        // Where somebody tried the example in its place.
        let path = suite.join(built);
        drop(std::fs::remove_dir_all(&path).or_else(|_| std::fs::remove_file(&path)));
    }
    let manifest = suite.join("Cargo.toml");
    let text = std::fs::read_to_string(&manifest).expect("it was copied");
    let path = "path = \"../..\"";
    assert!(text.contains(path), "the example names the library by its path");
    let text = text.replace(
        path,
        &format!("path = {:?}", own.to_str().expect("the checkout's path is UTF-8")),
    );
    std::fs::write(&manifest, text + &profiles(own)).expect("it is written");
    std::fs::write(suite.join("tests/hello.rs"), readme_test(own)).expect("it is written");
    // The versions that are there: nothing is fetched.
    std::fs::copy(own.join("../Cargo.lock"), suite.join("Cargo.lock")).expect("the workspace is locked");
    suite
}

/// The text of `tests/hello.rs` in the README's guide.
fn readme_test(own: &Path) -> String {
    let readme = std::fs::read_to_string(own.join("../README.md")).expect("the checkout has a README");
    let (_, guide) = readme
        .split_once("`tests/hello.rs`:")
        .expect("the guide names the file");
    let (_, block) = guide.split_once("```rust\n").expect("the text follows");
    let (block, _) = block.split_once("```").expect("a block ends");
    assert!(block.contains(&format!("fn {README_TEST}(")), "{block}");
    block.to_owned()
}

/// The profiles of this workspace: with them, most dependencies are those that are compiled already.
fn profiles(own: &Path) -> String {
    let root = std::fs::read_to_string(own.join("../Cargo.toml")).expect("the workspace has a manifest");
    let mut root: toml::Table = root.parse().expect("it is TOML");
    root.retain(|key, _| key == "profile");
    format!("\n{root}")
}

/// `cargo test` as a person types it there, with the program `harness` installed.
async fn run(child: &Child, suite: &Path) -> child::Ended {
    let program = Path::new(env!("CARGO_BIN_EXE_harness"));
    let programs = program.parent().expect("it is in a folder");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command: Command = child.command(Path::new(&cargo), &["test", "--offline"]);
    // What cargo told this test of itself.
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("CARGO") && name != "CARGO_HOME" {
            command.env_remove(&*name);
        }
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(std::iter::once(programs.to_owned()).chain(std::env::split_paths(&path)));
    command
        .current_dir(suite)
        .env("PATH", path.expect("no folder of ours has a colon"))
        .env("CARGO_TARGET_DIR", suite.join("target"))
        .env(
            "CARGO_BUILD_BUILD_DIR",
            programs.parent().expect("the profile is in the target folder"),
        )
        .env_remove("HARNESS_BIN")
        .env_remove("HARNESS_RUN_DIR");
    child::end_within(command.spawn().expect("cargo starts"), PATIENCE).await
}
