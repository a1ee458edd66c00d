//! A folder, a cache and image names of one test.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::process::{Command, Stdio};

use bollard::query_parameters::{ListImagesOptionsBuilder, RemoveImageOptionsBuilder};
use futures_util::FutureExt;
use harness::docker::Engine;
use harness::image::{ImageSpec, Images};
use harness::labels;

pub(crate) struct Sandbox {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) engine: Engine,
    pub(crate) root: String,
    pub(crate) tiny: String,
}

impl Sandbox {
    /// A `fixtures` folder with a root image and a small one on it.
    pub(crate) async fn new(dockerfile: &str) -> Self {
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

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.folder.path().join("fixtures").join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub(crate) fn write_image(&self, name: &str, toml: &str, dockerfile: &str) {
        self.write(
            &format!("images/{name}/image.toml"),
            &format!("summary = \"{name}\"\n{toml}"),
        );
        self.write(&format!("images/{name}/Dockerfile"), dockerfile);
    }

    pub(crate) fn cache(&self) -> std::path::PathBuf {
        self.folder.path().join("cache")
    }

    pub(crate) fn images(&self) -> Images {
        // The place where the command line below looks too.
        let cache = self.cache().join("mesos-harness");
        Images::at(self.engine.clone(), &self.folder.path().join("fixtures"), &cache).unwrap()
    }

    pub(crate) fn spec(&self) -> ImageSpec {
        ImageSpec::new(&self.tiny)
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
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
    pub(crate) async fn left(&self) -> Vec<String> {
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

    pub(crate) async fn remove(&self, reference: &str) {
        let options = RemoveImageOptionsBuilder::default().force(true).build();
        // What a parent took along is gone already.
        drop(self.engine.docker().remove_image(reference, Some(options), None).await);
    }
}

/// Runs `body` and removes its images, also after a panic.
pub(crate) async fn in_sandbox(dockerfile: &str, body: impl AsyncFnOnce(&Sandbox)) {
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
