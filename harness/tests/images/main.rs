//! Images on a real engine: built once, removed after a failure, carried in an archive, checked, pruned.
//!
//! Each test has a `fixtures` folder, a cache and image names of its own; its images start from the Debian base of this
//! checkout, so that nothing is downloaded.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod archives;
mod sandbox;

use std::collections::HashMap;
use std::process::{Child, Output};

use bollard::query_parameters::{EventsOptionsBuilder, ListContainersOptionsBuilder, TagImageOptionsBuilder};
use futures_util::TryStreamExt;
use harness::docker::Engine;
use harness::image::{ImageSpec, Images, State};
use harness::{Kind, labels};
use sandbox::in_sandbox;

const DOCKERFILE: &str = "ARG BASE\nFROM ${BASE}\nCOPY greeting /\n";

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[tokio::test]
async fn two_processes_at_once_build_once() {
    let dockerfile = format!("{DOCKERFILE}RUN sleep 4 && cat greeting\n");
    in_sandbox(&dockerfile, async |sandbox| {
        let processes: Vec<Child> = (0..2)
            .map(|_| sandbox.command(&["build", &sandbox.tiny]).spawn().unwrap())
            .collect();
        let outputs: Vec<Output> = processes
            .into_iter()
            .map(|child| child.wait_with_output().unwrap())
            .collect();
        let all: String = outputs.iter().map(text).collect();
        let reference = sandbox.images().reference(&sandbox.spec()).unwrap();
        for output in &outputs {
            assert!(output.status.success(), "{all}");
            assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), reference, "{all}");
        }
        assert_eq!(all.matches(&format!("built {reference}")).count(), 1, "{all}");
        assert_eq!(all.matches("waits: process ").count(), 1, "{all}");
    })
    .await;
}

#[tokio::test]
async fn a_failed_build_is_explained_and_leaves_nothing() {
    let dockerfile = format!("{DOCKERFILE}RUN touch /made\nRUN echo last words && false\nRUN true\n");
    in_sandbox(&dockerfile, async |sandbox| {
        let images = sandbox.images();
        images.ensure(&ImageSpec::new(&sandbox.root)).await.unwrap();
        let before = sandbox.left().await;

        let error = images.ensure(&sandbox.spec()).await.expect_err("a step fails");
        assert_eq!(error.kind(), Kind::Image);
        let explained = error.explain();
        for part in [
            sandbox.tiny.as_str(),
            ": RUN echo last words && false",
            "last words\n",
            "docker build --build-arg",
        ] {
            assert!(explained.contains(part), "{part} stands in {explained}");
        }
        assert_eq!(sandbox.left().await, before, "only the root image is there");
        let context = sandbox
            .cache()
            .join(format!("mesos-harness/contexts/{}.tar", sandbox.tiny));
        assert!(
            context.is_file(),
            "the command can be pasted: it reads {}",
            context.display()
        );
    })
    .await;
}

#[tokio::test]
async fn a_build_that_hangs_is_broken_off_and_leaves_nothing() {
    let dockerfile = format!("{DOCKERFILE}RUN echo last words && sleep 4321\n");
    in_sandbox(&dockerfile, async |sandbox| {
        sandbox.images().ensure(&ImageSpec::new(&sandbox.root)).await.unwrap();
        let before = sandbox.left().await;
        let mut command = sandbox.command(&["build", &sandbox.tiny]);
        command.env("HARNESS_DEADLINES", "IMAGE_BUILD=20");
        let output = command.output().unwrap();
        let all = text(&output);
        assert_eq!(output.status.code(), Some(3), "{all}");
        for part in [sandbox.tiny.as_str(), "sleep 4321", "in vain until", "last words"] {
            assert!(all.contains(part), "{part} stands in {all}");
        }
        assert_eq!(sandbox.left().await, before, "only the root image is there");
    })
    .await;
}

#[tokio::test]
async fn verify_finds_what_is_damaged() {
    in_sandbox(DOCKERFILE, async |sandbox| {
        let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let lock = "[[artefact]]\nname = \"letters\"\nfile = \"letters.txt\"\nversion = \"1\"\nclient = \"pip\"\n\
            request = \"letters==1\"\n";
        sandbox.write("artefacts.lock", &format!("{lock}sha256 = \"{sha256}\"\n"));
        let kept = sandbox
            .cache()
            .join(format!("mesos-harness/artefacts/{sha256}/letters.txt"));
        std::fs::create_dir_all(kept.parent().unwrap()).unwrap();
        std::fs::write(&kept, "abc").unwrap();
        let images = sandbox.images();
        let references = images.ensure_all(&images.known()).await.unwrap();
        let verified = images.verify().await.unwrap();
        assert_eq!(verified.artefacts, ["letters.txt"]);
        assert!(
            verified.images.iter().all(|(_, packages)| *packages > 50),
            "{verified:?}"
        );

        std::fs::write(&kept, "abd").unwrap();
        let tiny = references
            .iter()
            .find(|reference| reference.contains(&sandbox.tiny))
            .unwrap();
        let root = references
            .iter()
            .find(|reference| reference.contains(&sandbox.root))
            .unwrap();
        let (repository, tag) = tiny.rsplit_once(':').unwrap();
        let options = TagImageOptionsBuilder::default().repo(repository).tag(tag).build();
        sandbox.engine.docker().tag_image(root, Some(options)).await.unwrap();
        let error = images.verify().await.expect_err("both are wrong").explain();
        for part in ["letters.txt", sha256, tiny, "another image under that name"] {
            assert!(error.contains(part), "{part} stands in {error}");
        }

        images.ensure(&sandbox.spec()).await.unwrap();
        std::fs::write(&kept, "abc").unwrap();
        images
            .verify()
            .await
            .expect("the image under the wrong name is built again");
    })
    .await;
}

#[tokio::test]
async fn prune_removes_what_is_stale_and_nothing_else() {
    in_sandbox(DOCKERFILE, async |sandbox| {
        let first = sandbox.images().ensure(&sandbox.spec()).await.unwrap();
        sandbox.write(&format!("images/{}/greeting", sandbox.tiny), "good day\n");
        let images = sandbox.images();
        let second = images.ensure(&sandbox.spec()).await.unwrap();
        let foreign = format!("{}-foreign:1", sandbox.tiny);
        let (repository, tag) = foreign.rsplit_once(':').unwrap();
        let options = TagImageOptionsBuilder::default().repo(repository).tag(tag).build();
        sandbox.engine.docker().tag_image(&first, Some(options)).await.unwrap();

        let names = [sandbox.tiny.clone(), sandbox.root.clone()];
        let pruned = images.prune(&names).await.unwrap();
        assert_eq!((pruned.removed, pruned.in_use), (vec![first], vec![]));
        let listed = images.list().await.unwrap();
        let ours: Vec<_> = listed.iter().filter(|image| names.contains(&image.name)).collect();
        assert!(ours.iter().all(|image| image.state == State::Current), "{ours:?}");
        assert!(ours.iter().any(|image| image.reference == second), "{ours:?}");
        sandbox
            .engine
            .docker()
            .inspect_image(&foreign)
            .await
            .expect("a name that is not ours stays");
    })
    .await;
}

#[tokio::test]
async fn an_image_of_a_users_own_folder_is_no_leftover_while_its_folder_is_as_it_was() {
    in_sandbox(DOCKERFILE, async |sandbox| {
        let folder = sandbox.folder.path().join(format!("{}-own", sandbox.tiny));
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("Dockerfile"), "ARG BASE\nFROM ${BASE}\nCOPY own /\n").unwrap();
        std::fs::write(folder.join("own"), "mine\n").unwrap();
        let images = sandbox.images();
        let own = images.ensure(&sandbox.spec().with_over(&folder)).await.unwrap();
        let name = format!("own-{}", folder.file_name().unwrap().to_str().unwrap());
        let state = async || {
            let listed = images.list().await.unwrap();
            let found = listed.into_iter().find(|image| image.reference == own);
            found.map(|image| (image.name, image.state))
        };

        let before = state().await;
        let kept = images.prune(std::slice::from_ref(&name)).await.unwrap();
        std::fs::write(folder.join("own"), "mine again\n").unwrap();
        let after = state().await;
        let pruned = images.prune(std::slice::from_ref(&name)).await.unwrap();

        sandbox.remove(&own).await;
        assert_eq!(before, Some((name.clone(), State::Own)));
        assert_eq!(kept.removed, Vec::<String>::new());
        assert_eq!(after, Some((name, State::Stale)));
        assert!(pruned.removed.contains(&own), "{pruned:?}");
    })
    .await;
}

/// What a program does with images, from the first build to the last removal.
#[tokio::test]
async fn each_command_about_images_answers_a_program() {
    in_sandbox(DOCKERFILE, async |sandbox| {
        let run = |args: &[&str]| -> serde_json::Value {
            let output = sandbox.command(&[args, &["--json"]].concat()).output().unwrap();
            assert!(output.status.success(), "{}", text(&output));
            serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", text(&output)))
        };
        let archive = sandbox.folder.path().join("all.tar");
        let archive = archive.to_str().unwrap();

        let built = run(&["build"])["images"].clone();
        assert_eq!(built.as_array().map(Vec::len), Some(2), "{built}");
        let saved = run(&["save", archive]);
        assert_eq!((&saved["images"], saved["size"].is_u64()), (&built, true));
        assert_eq!(run(&["load", archive])["images"], built);
        sandbox.write(&format!("images/{}/greeting", sandbox.tiny), "good day\n");
        let pruned = run(&["prune", &sandbox.tiny]);
        let removed = pruned["removed"].as_array().unwrap();
        assert!(built.as_array().unwrap().contains(&removed[0]), "{pruned}");
        assert_eq!(pruned["in_use"], serde_json::json!([]));
    })
    .await;
}

/// Whether a container of the image was created under a lease since then: it is gone, but the engine tells of it.
async fn owned_container_of(engine: &Engine, reference: &str, since: u64) -> bool {
    let id = engine.docker().inspect_image(reference).await.unwrap().id.unwrap();
    let filters = HashMap::from([("type", vec!["container"]), ("event", vec!["create"])]);
    let options = EventsOptionsBuilder::default()
        .since(&since.to_string())
        .until(&(labels::now() + 1).to_string())
        .filters(&filters)
        .build();
    let events: Vec<_> = engine.docker().events(Some(options)).try_collect().await.unwrap();
    let attributes = events
        .into_iter()
        .filter_map(|event| event.actor.and_then(|actor| actor.attributes));
    let mut of_image = attributes.filter(|attributes| attributes.get("image") == Some(&id));
    of_image.any(|attributes| attributes.contains_key(labels::LEASE))
}

#[tokio::test]
async fn packages_are_read_without_running_the_image() {
    in_sandbox(DOCKERFILE, async |sandbox| {
        let images = sandbox.images();
        let reference = images.ensure(&sandbox.spec()).await.unwrap();
        let began = labels::now();
        let bash = images.debian_package(&reference, "bash").await.unwrap();
        assert!(
            owned_container_of(&sandbox.engine, &reference, began).await,
            "what read it had a lease"
        );
        assert!(bash.version.starts_with("5."), "{bash:?}");
        assert_eq!(bash.sha256.len(), 64, "{bash:?}");
        assert_eq!(
            images.debian_package(&reference, "bash").await.unwrap(),
            bash,
            "from the cache"
        );
        let error = images
            .debian_package(&reference, "no-such-package")
            .await
            .expect_err("absent");
        assert!(error.to_string().contains("no-such-package"), "{error}");

        let filters = HashMap::from([("ancestor", vec![reference.as_str()])]);
        let options = ListContainersOptionsBuilder::default()
            .all(true)
            .filters(&filters)
            .build();
        let containers = sandbox.engine.docker().list_containers(Some(options)).await.unwrap();
        assert_eq!(containers.len(), 0, "the container that was read is removed");
    })
    .await;
}

#[tokio::test]
async fn a_reference_that_cannot_be_had_is_told_with_what_to_do() {
    let images = Images::open(Engine::connect().await.unwrap()).unwrap();
    let reference = "registry.invalid/mesos:none";
    let error = images.ensure_reference(reference).await.expect_err("nobody has it");
    assert_eq!(error.kind(), Kind::Image);
    let explained = error.explain();
    assert!(explained.contains(&format!("docker pull {reference}")), "{explained}");
    assert!(error.hint_text().is_some());
}

#[tokio::test]
async fn a_wrong_key_ends_the_command_line_with_64() {
    in_sandbox(DOCKERFILE, async |sandbox| {
        sandbox.write_image(&sandbox.tiny, "base = \"debian\"\nservice = []\n", DOCKERFILE);
        let output = sandbox.command(&["list"]).output().unwrap();
        let said = text(&output);
        assert_eq!(output.status.code(), Some(64), "{said}");
        for part in ["image.toml", "unknown field `service`", "`services`"] {
            assert!(said.contains(part), "{part} stands in {said}");
        }
    })
    .await;
}
