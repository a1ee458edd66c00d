//! The base of every image is pulled where an image registry answers.
//!
//! The registry is this test's own, on loopback, which the engine trusts without TLS. It serves one image of one layer
//! over the two calls that a pull makes (OCI distribution specification 1.1, "Pull").

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

use std::collections::HashMap;
use std::io::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use bollard::query_parameters::{ListImagesOptionsBuilder, RemoveImageOptionsBuilder};
use harness::docker::{Engine, engine};
use harness::image::{ImageSpec, Images};
use serde_json::json;
use sha2::{Digest, Sha256};

const MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";

/// What the registry has, by the last part of its path: a tag or a digest, with its media type.
type Blobs = HashMap<String, (&'static str, Vec<u8>)>;

#[derive(Clone)]
struct Registry {
    blobs: Arc<Blobs>,
    asked: Arc<Mutex<Vec<String>>>,
}

fn digest(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let hash = Sha256::digest(bytes);
    hash.iter().fold("sha256:".to_owned(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

/// An image of one layer that holds the file `pulled`.
fn image() -> Blobs {
    let mut tar = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(4);
    header.set_mode(0o644);
    tar.append_data(&mut header, "pulled", &b"yes\n"[..]).unwrap();
    let layer = tar.into_inner().unwrap();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(&layer).unwrap();
    let packed = packed.finish().unwrap();
    let config = json!({
        "architecture": "amd64", "os": "linux", "config": {},
        "rootfs": { "type": "layers", "diff_ids": [digest(&layer)] },
    });
    let config = serde_json::to_vec(&config).unwrap();
    let manifest = json!({
        "schemaVersion": 2, "mediaType": MANIFEST,
        "config": {
            "mediaType": "application/vnd.docker.container.image.v1+json",
            "size": config.len(), "digest": digest(&config),
        },
        "layers": [{
            "mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip",
            "size": packed.len(), "digest": digest(&packed),
        }],
    });
    let manifest = serde_json::to_vec(&manifest).unwrap();
    let blob = |bytes: Vec<u8>| (digest(&bytes), ("application/octet-stream", bytes));
    HashMap::from([
        (digest(&manifest), (MANIFEST, manifest.clone())),
        ("1".to_owned(), (MANIFEST, manifest)),
        blob(config),
        blob(packed),
    ])
}

async fn serve(State(registry): State<Registry>, uri: Uri) -> Response {
    let path = uri.path();
    registry.asked.lock().unwrap().push(path.to_owned());
    if path == "/v2/" {
        return StatusCode::OK.into_response();
    }
    let name = path.rsplit('/').next().unwrap_or_default();
    match registry.blobs.get(name) {
        Some((kind, bytes)) => {
            let headers = [
                (header::CONTENT_TYPE, (*kind).to_owned()),
                (header::HeaderName::from_static("docker-content-digest"), digest(bytes)),
            ];
            (headers, bytes.clone()).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// A `fixtures` folder with one image, whose base is `base` of the registry.
fn fixtures(folder: &Path, name: &str, base: &str) {
    let image = folder.join("images").join(name);
    std::fs::create_dir_all(&image).unwrap();
    std::fs::write(folder.join("artefacts.lock"), "").unwrap();
    let manifest = format!(
        "summary = \"{name}\"\n[bootstrap]\nsuite = \"no-such-suite\"\nregistry = \"{base}\"\nglibc = \"2.36\"\n"
    );
    std::fs::write(image.join("image.toml"), manifest).unwrap();
    std::fs::write(image.join("Dockerfile"), "ARG BASE\nFROM ${BASE}\nCOPY added /\n").unwrap();
    std::fs::write(image.join("added"), "ours\n").unwrap();
}

#[tokio::test]
async fn a_base_that_a_registry_serves_is_pulled_and_not_bootstrapped() {
    let engine = Engine::connect().await.unwrap();
    assert!(
        engine::address().starts_with("unix:"),
        "{}: this test's registry is on loopback, which only an engine of this machine reaches",
        engine::address()
    );
    let registry = Registry {
        blobs: Arc::new(image()),
        asked: Arc::default(),
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let name = format!("test-pulled-{}", &uuid::Uuid::new_v4().simple().to_string()[..8]);
    let base = format!("{}/{name}:1", listener.local_addr().unwrap());
    let router = Router::new().fallback(serve).with_state(registry.clone());
    let server = tokio::spawn(axum::serve(listener, router).into_future());

    let folder = tempfile::tempdir().unwrap();
    fixtures(folder.path(), &name, &base);
    let images = Images::at(engine.clone(), folder.path(), &folder.path().join("cache")).unwrap();
    let built = images.ensure(&ImageSpec::new(&name)).await;
    server.abort();

    let left = named(&engine, &base).await;
    if let Ok(reference) = &built {
        let options = RemoveImageOptionsBuilder::default().build();
        let removed = engine.docker().remove_image(reference, Some(options), None).await;
        removed.expect("the image is removed");
    }
    built.expect("the image is built on what was pulled");
    let asked = registry.asked.lock().unwrap().clone();
    assert!(asked.contains(&format!("/v2/{name}/manifests/1")), "{asked:?}");
    assert!(
        asked
            .iter()
            .any(|path| path.starts_with(&format!("/v2/{name}/blobs/sha256:"))),
        "{asked:?}"
    );
    assert_eq!(left, 0, "the name of the base is not left behind");
}

/// How many images have the name `reference`.
async fn named(engine: &Engine, reference: &str) -> usize {
    let filters = HashMap::from([("reference", vec![reference])]);
    let options = ListImagesOptionsBuilder::default().filters(&filters).build();
    engine.docker().list_images(Some(options)).await.unwrap().len()
}
