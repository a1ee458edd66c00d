//! `harness conform` on a stack of one's own, end to end: the scenarios as they are, an image that lacks something.

mod child;

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use bollard::query_parameters::{ListImagesOptionsBuilder, RemoveImageOptionsBuilder};
use child::Child;
use harness::docker::Engine;
use harness::labels::{self, equals};

/// Longer than what one scenario, its images and a look at its build take.
const PATIENCE: Duration = Duration::from_secs(400);

/// Of an executor that is written in Perl.
const SCENARIO: &str = "mesos.executor.kill-is-its-own-to-answer";

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
    let program = env!("CARGO_BIN_EXE_harness");

    let mut conform = child.command(program, &["conform", "--only", SCENARIO, "--stack", stack, "--json"]);
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        // With what cargo says of the package under test, build scripts would run once more.
        if name.starts_with("CARGO_MANIFEST") || name.starts_with("CARGO_PKG") {
            conform.env_remove(&*name);
        }
    }
    let ended = child::end_within(conform.spawn().expect("it starts"), PATIENCE).await;

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
