//! Images on a real engine: built once, removed after a failure, carried in an archive, checked, pruned.
//!
//! Each test has a `fixtures` folder, a cache and image names of its own; its images start from the Debian base of this
//! checkout, so that nothing is downloaded.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use bollard::query_parameters::{
    EventsOptionsBuilder, ListContainersOptionsBuilder, ListImagesOptionsBuilder, RemoveImageOptionsBuilder,
    TagImageOptionsBuilder,
};
use futures_util::{FutureExt, TryStreamExt};
use harness::docker::Engine;
use harness::image::{ImageSpec, Images, State};
use harness::{Kind, labels};

const DOCKERFILE: &str = "ARG BASE\nFROM ${BASE}\nCOPY greeting /\n";

struct Sandbox {
    folder: tempfile::TempDir,
    engine: Engine,
    root: String,
    tiny: String,
}

impl Sandbox {
    /// A `fixtures` folder with a root image and a small one on it.
    async fn new(dockerfile: &str) -> Self {
        let engine = Engine::connect().await.unwrap();
        let debian = Images::open(engine.clone())
            .unwrap()
            .ensure(&ImageSpec::new("debian"))
            .await
            .unwrap();
        let id = &uuid::Uuid::new_v4().simple().to_string()[..8];
        let sandbox = Sandbox {
            folder: tempfile::tempdir().unwrap(),
            engine,
            root: format!("test-root-{id}"),
            tiny: format!("test-tiny-{id}"),
        };
        let bootstrap = format!("[bootstrap]\nsuite = \"bookworm\"\nregistry = \"{debian}\"\nglibc = \"2.36\"\n");
        sandbox.write_image(&sandbox.root, &bootstrap, "ARG BASE\nFROM ${BASE}\n");
        sandbox.write_image(&sandbox.tiny, &format!("base = \"{}\"\n", sandbox.root), dockerfile);
        sandbox.write(&format!("images/{}/greeting", sandbox.tiny), "hello\n");
        sandbox.write("artefacts.lock", "");
        sandbox
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.folder.path().join("fixtures").join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn write_image(&self, name: &str, toml: &str, dockerfile: &str) {
        self.write(
            &format!("images/{name}/image.toml"),
            &format!("summary = \"{name}\"\n{toml}"),
        );
        self.write(&format!("images/{name}/Dockerfile"), dockerfile);
    }

    fn cache(&self) -> std::path::PathBuf {
        self.folder.path().join("cache")
    }

    fn images(&self) -> Images {
        // The place where the command line below looks too.
        let cache = self.cache().join("mesos-harness");
        Images::at(self.engine.clone(), &self.folder.path().join("fixtures"), &cache).unwrap()
    }

    fn spec(&self) -> ImageSpec {
        ImageSpec::new(&self.tiny)
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_harness"));
        command
            .arg("images")
            .args(args)
            .env("HARNESS_FIXTURES", self.folder.path().join("fixtures"))
            .env("XDG_CACHE_HOME", self.cache())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// The ids of everything that this test's builds made, layers without a name included.
    async fn left(&self) -> Vec<String> {
        let mut ids = Vec::new();
        for name in [&self.tiny, &self.root] {
            let filters = HashMap::from([("label", vec![labels::equals(labels::STAGE, name)])]);
            let options = ListImagesOptionsBuilder::default().all(true).filters(&filters).build();
            let images = self.engine.docker().list_images(Some(options)).await.unwrap();
            ids.extend(images.into_iter().map(|image| image.id));
        }
        ids.sort();
        ids
    }

    async fn remove(&self, reference: &str) {
        let options = RemoveImageOptionsBuilder::default().force(true).build();
        // What a parent took along is gone already.
        drop(self.engine.docker().remove_image(reference, Some(options), None).await);
    }
}

/// Runs `body` and removes its images, also after a panic.
async fn in_sandbox(dockerfile: &str, body: impl AsyncFnOnce(&Sandbox)) {
    let sandbox = Sandbox::new(dockerfile).await;
    let done = AssertUnwindSafe(body(&sandbox)).catch_unwind().await;
    // An image goes only after those built on it, and ids do not tell which those are.
    let mut left = sandbox.left().await;
    loop {
        for id in &left {
            sandbox.remove(id).await;
        }
        let still = sandbox.left().await;
        if still.is_empty() || still.len() == left.len() {
            break;
        }
        left = still;
    }
    if let Err(panic) = done {
        std::panic::resume_unwind(panic);
    }
    assert_eq!(sandbox.left().await, [""; 0], "the test removes its images");
}

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
        command.env("HARNESS_DEADLINES", "IMAGE_BUILD=3");
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
async fn an_archive_carries_the_images_to_a_machine_without_them() {
    in_sandbox(DOCKERFILE, async |sandbox| {
        let images = sandbox.images();
        let references = images.ensure_all(&images.known()).await.unwrap();
        let archive = sandbox.folder.path().join("images.tar");
        let saved = images.save(&archive).await.unwrap();
        assert_eq!(saved.images, references);

        for reference in &references {
            sandbox.remove(reference).await;
        }
        let error = images
            .save(&sandbox.folder.path().join("none.tar"))
            .await
            .expect_err("they are gone");
        assert!(error.explain().contains("harness images build"), "{error:?}");
        assert_eq!(images.load(&archive).await.unwrap().images, references);
        assert_eq!(images.verify().await.unwrap().images.len(), 2);

        truncated_and_foreign_archives_are_refused(&images, &archive).await;
        sandbox.write(&format!("images/{}/greeting", sandbox.tiny), "good day\n");
        let error = sandbox.images().load(&archive).await.expect_err("other sources");
        assert!(error.to_string().contains("other sources"), "{error}");
    })
    .await;
}

async fn truncated_and_foreign_archives_are_refused(images: &Images, archive: &Path) {
    let copy = archive.with_extension("copy");
    std::fs::copy(archive, &copy).unwrap();
    let size = std::fs::metadata(&copy).unwrap().len();
    std::fs::File::options()
        .write(true)
        .open(&copy)
        .unwrap()
        .set_len(size / 2)
        .unwrap();
    let error = images.load(&copy).await.expect_err("half an archive");
    assert!(error.to_string().contains("truncated"), "{error}");
    std::fs::write(&copy, "no archive").unwrap();
    let error = images.load(&copy).await.expect_err("no archive");
    assert!(error.to_string().contains("no archive of images"), "{error}");
}

#[tokio::test]
async fn an_archive_serves_a_machine_with_other_certificates() {
    in_sandbox(DOCKERFILE, async |sandbox| {
        let images = sandbox.images();
        images.ensure_all(&images.known()).await.unwrap();
        let archive = sandbox.folder.path().join("images.tar");
        images.save(&archive).await.unwrap();

        let bundle = sandbox.folder.path().join("bundle.pem");
        std::fs::write(
            &bundle,
            "-----BEGIN CERTIFICATE-----\nb3RoZXI=\n-----END CERTIFICATE-----\n",
        )
        .unwrap();
        let there = |args: &[&str]| sandbox.command(args).env("SSL_CERT_FILE", &bundle).output().unwrap();
        let before = there(&["verify"]);
        assert!(!before.status.success(), "its tags are others: {}", text(&before));
        let loaded = there(&["load", archive.to_str().unwrap()]);
        assert!(loaded.status.success(), "{}", text(&loaded));
        let here = images.reference(&sandbox.spec()).unwrap();
        assert!(
            !text(&loaded).contains(&here),
            "it prints its own tags: {}",
            text(&loaded)
        );
        let after = there(&["verify"]);
        assert!(after.status.success(), "{}", text(&after));
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
