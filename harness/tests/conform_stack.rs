//! `harness conform` on a stack of one's own, end to end: the scenarios as they are, an image that lacks something.

mod child;

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use bollard::query_parameters::{ListImagesOptionsBuilder, RemoveImageOptionsBuilder};
use child::{Child, Ended};
use harness::docker::Engine;
use harness::labels::{self, equals};

/// Longer than what one scenario, its images and a look at its build take.
const PATIENCE: Duration = Duration::from_secs(400);

/// Of an executor that is written in Perl.
const SCENARIO: &str = "mesos.executor.kill-is-its-own-to-answer";

/// Two that any stack passes in seconds.
const PLAIN: [&str; 2] = [
    "mesos.task.nonzero-exit-fails-with-the-code",
    "mesos.agent.started-slave-joins",
];

/// With cargo, nextest, JUnit and evidence as they are; and on another Mesos than the default one.
#[tokio::test]
async fn a_subject_that_does_as_it_must_passes() {
    let child = Child::new("conforms").await;
    let stack = harness::workspace::fixtures().join("stacks/mesos-1.10.toml");
    let stack = stack.to_str().expect("a path of ours is UTF-8");
    let ended = conform(
        &child,
        &["--only", PLAIN[0], "--only", PLAIN[1], "--stack", stack, "--json"],
    )
    .await;

    ended.assert_code(0);
    let verdict = ended.json();
    // It says how much was judged: these and no others.
    assert_eq!(verdict["verdict"], "partial");
    let requirements = verdict["requirements"].as_array().expect("a list");
    let mut outcomes: Vec<_> = requirements
        .iter()
        .map(|one| {
            (
                one["id"].as_str().unwrap_or_default(),
                one["outcome"].as_str().unwrap_or_default(),
            )
        })
        .collect();
    outcomes.sort_unstable();
    assert_eq!(outcomes, [(PLAIN[1], "passed"), (PLAIN[0], "passed")]);
    let folder = Path::new(verdict["report"].as_str().expect("a folder"));
    let report = std::fs::read_to_string(folder.join("report.json")).expect("it is written");
    let report: serde_json::Value = serde_json::from_str(&report).expect("it is JSON");
    let components = report["subject"]["components"].as_array().expect("a list");
    let agent = components.iter().find(|one| one["name"] == "mesos-agent");
    assert_eq!(agent.expect("it is among them")["version"], "1.10.0");
    child.assert_nothing_left().await;
}

#[tokio::test]
async fn an_image_without_perl_makes_a_scenario_in_perl_not_applicable() {
    let child = Child::new("no-perl").await;
    // The folder's name is the image's.
    let folder = format!("{}-agent", child.name);
    child.file(
        &format!("{folder}/Dockerfile"),
        "ARG BASE\nFROM ${BASE}\nRUN rm -f /usr/bin/perl*\n",
    );
    let stack = child.file(
        "stack.toml",
        &format!("[component.mesos-agent]\nbuild = \"{folder}\"\n"),
    );
    let stack = stack.to_str().expect("a path of ours is UTF-8");
    let ended = conform(&child, &["--only", SCENARIO, "--stack", stack, "--json"]).await;

    remove_image(&child.engine, &format!("own-{folder}")).await;
    let verdict = ended.json();
    let requirements = verdict["requirements"].as_array().expect("a list");
    let [only] = &requirements[..] else {
        panic!("one was asked for: {verdict}");
    };
    assert_eq!(
        (&only["id"], &only["outcome"]),
        (&SCENARIO.into(), &"not-applicable".into())
    );
    let reason = only["reason"].as_str().expect("it says why");
    assert!(reason.contains("perl"), "{reason}");
    // Nothing was judged: that is no conformance.
    ended.assert_code(4);
    assert_eq!(verdict["verdict"], "not-run");
    assert!(
        Path::new(verdict["report"].as_str().expect("a folder"))
            .join("report.json")
            .is_file()
    );
    child.assert_nothing_left().await;
}

/// `harness conform ARGS…`, to its end.
async fn conform(child: &Child, args: &[&str]) -> Ended {
    let mut conform = child.command(env!("CARGO_BIN_EXE_harness"), &[&["conform"], args].concat());
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        // With what cargo says of the package under test, build scripts would run once more.
        if name.starts_with("CARGO_MANIFEST") || name.starts_with("CARGO_PKG") {
            conform.env_remove(&*name);
        }
    }
    child::end_within(conform.spawn().expect("it starts"), PATIENCE).await
}

async fn remove_image(engine: &Engine, name: &str) {
    let label = equals(labels::IMAGE, name);
    let filters = HashMap::from([("label", vec![label.as_str()])]);
    let options = ListImagesOptionsBuilder::new().filters(&filters).build();
    let found = engine.docker().list_images(Some(options)).await;
    for image in found.expect("the engine lists") {
        let options = RemoveImageOptionsBuilder::new().force(true).build();
        let removed = engine.docker().remove_image(&image.id, Some(options), None).await;
        removed.expect("nothing uses it");
    }
}
