//! Machines on which nothing can work: an engine too old, no disk, no subnet, images that have lost their layers; and
//! fixtures that cannot be read. Most are told before anything is made, by engines that make nothing.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod child;
#[path = "child/fake_engine.rs"]
mod fake_engine;
#[allow(dead_code, reason = "other tests use the rest of it")]
#[path = "child/refusing.rs"]
mod refusing;

use child::{Child, Ended};
use fake_engine::{FakeEngine, Says};
use refusing::{Refusal, Refusing};
use rstest::rstest;
use serde_json::json;

/// `harness ARGS…` on `engine`. Whatever a fake engine says, the real one has nothing of it afterwards.
async fn run(child: &Child, engine: &FakeEngine, args: &[&str]) -> Ended {
    let ended = child.program(args, &[("DOCKER_HOST", &engine.address())]).await;
    child.assert_nothing_left().await;
    ended
}

#[tokio::test]
async fn an_engine_that_is_too_old_is_told_by_every_verb() {
    let child = Child::new("old").await;
    let engine = FakeEngine::start(Says {
        api: "1.40",
        ..Says::default()
    });
    for args in [
        &["up", "--name", &child.name][..],
        &["ps"],
        &["sweep"],
        &["images", "list"],
    ] {
        let ended = run(&child, &engine, args).await;
        ended.assert_code(3);
        ended.assert_says(&[
            &format!("the Docker engine at {} is too old: API 1.40", engine.address()),
            "expected: an engine that speaks API 1.41 or newer (Docker Engine 20.10)",
            "ran:      docker version",
            "hint:     upgrade it",
        ]);
    }
    assert_eq!(engine.changes(), Vec::<String>::new());
}

/// The kernel's own file systems have no room at all.
#[tokio::test]
async fn a_full_disk_is_told_before_a_boot_and_before_a_build() {
    let child = Child::new("disk").await;
    let engine = FakeEngine::start(Says {
        data_root: "/proc",
        ..Says::default()
    });
    for (args, needed) in [
        (&["up", "--name", &child.name][..], "512 MiB for a cluster"),
        (&["images", "build", "debian"], "2048 MiB to build the image debian"),
    ] {
        let ended = run(&child, &engine, args).await;
        ended.assert_code(3);
        ended.assert_says(&[
            "the engine's disk is full: 0 MiB free in /proc",
            &format!("expected: {needed}"),
            "ran:      df -h /proc",
            "hint:     make room: `harness images prune`",
        ]);
    }
    assert_eq!(engine.changes(), Vec::<String>::new());
}

#[tokio::test]
async fn a_foreign_network_over_the_whole_pool_is_named() {
    let child = Child::new("pool").await;
    let engine = FakeEngine::start(Says {
        networks: json!([
            { "Name": "corporate", "Id": "1", "IPAM": { "Config": [{ "Subnet": "10.0.0.0/8" }] } },
            { "Name": "bridge", "Id": "2", "IPAM": { "Config": [{ "Subnet": "172.17.0.0/16" }] } },
        ]),
        ..Says::default()
    });
    let ended = run(&child, &engine, &["up", "--name", &child.name]).await;
    ended.assert_code(3);
    ended.assert_says(&[
        &format!("no free /24 for the network {} (0 tried)", child.name),
        "expected: a free subnet between 10.64.0.0/24 and 10.127.255.0/24",
        "evidence: the network corporate has 10.0.0.0/8",
        "ran:      docker network ls; ip route",
        "hint:     `harness sweep`",
    ]);
    assert_eq!(engine.changes(), Vec::<String>::new());
}

/// What the engine itself refuses is tried elsewhere, but not for ever.
#[tokio::test]
async fn subnets_that_the_engine_refuses_end_in_an_error() {
    let child = Child::new("refused").await;
    let engine = FakeEngine::start(Says::default());
    let ended = run(&child, &engine, &["up", "--name", &child.name]).await;
    ended.assert_code(3);
    ended.assert_says(&[&format!("no free /24 for the network {} (32 tried)", child.name)]);
    assert_eq!(engine.changes(), ["POST /networks/create"; 32]);
}

/// Fixtures of a user's own, with one mistake each.
#[rstest]
#[case::no_lock("", "", "artefacts.lock cannot be read")]
#[case::no_toml("artefacts.lock", "[[artefact]\n", "artefacts.lock: ")]
#[case::unknown_key("artefacts.lock", "[[artifact]]\n", "unknown field `artifact`")]
#[case::no_sha256(
    "artefacts.lock",
    "[[artefact]]\nname = \"a\"\nfile = \"a.txt\"\nversion = \"1\"\nsha256 = \"12\"\nclient = \"pip\"\nrequest = \"a\"\n",
    "artefact a: sha256 = \"12\" is no sha256"
)]
#[case::a_folder("artefacts.lock/x", "", "artefacts.lock cannot be read")]
#[case::no_manifest("images/mine/Dockerfile", "FROM scratch\n", "images/mine/image.toml cannot be read")]
#[case::a_manifests_key("images/mine/image.toml", "sumary = \"x\"\n", "unknown field `sumary`")]
#[tokio::test]
async fn fixtures_that_cannot_be_read_are_named(#[case] file: &str, #[case] text: &str, #[case] said: &str) {
    let child = Child::new("fixtures").await;
    let fixtures = child.folder.path().join("fixtures");
    std::fs::create_dir(&fixtures).unwrap();
    if !file.is_empty() {
        child.file(&format!("fixtures/{file}"), text);
    }
    let folder = fixtures.to_str().unwrap();
    let engine = FakeEngine::start(Says::default());
    let variables = [("HARNESS_FIXTURES", folder), ("DOCKER_HOST", &engine.address())];
    let ended = child.program(&["images", "list"], &variables).await;
    ended.assert_code(64);
    ended.assert_says(&[said, folder]);
    assert_eq!(engine.changes(), Vec::<String>::new());
}

/// A stack file that is no file of text: each is found before the engine is asked for anything.
#[rstest]
#[case::absent("absent.toml", None)]
#[case::a_folder("folder", Some(&[][..]))]
#[case::not_utf8("latin.toml", Some(&b"name = \"caf\xe9\"\n"[..]))]
#[tokio::test]
async fn a_stack_file_that_cannot_be_read_is_named(#[case] name: &str, #[case] bytes: Option<&[u8]>) {
    let child = Child::new("stack").await;
    let path = child.folder.path().join(name);
    match bytes {
        None => {}
        Some([]) => std::fs::create_dir(&path).unwrap(),
        Some(bytes) => std::fs::write(&path, bytes).unwrap(),
    }
    let path = path.to_str().unwrap();
    let engine = FakeEngine::start(Says::default());
    let ended = run(&child, &engine, &["up", "--name", &child.name, "--stack", path]).await;
    ended.assert_code(64);
    ended.assert_says(&[&format!("the stack file {path} cannot be read"), "because: "]);
    assert_eq!(engine.changes(), Vec::<String>::new());
}

/// The messages are those of Docker 20.10 where files of an image are gone: at the next start, and at once.
#[rstest]
#[case::inspected("GET", "/images/mesos-harness/", "layer does not exist")]
#[case::created(
    "POST",
    "-mesos-agent",
    "error creating overlay mount to /overlay2/6a26-init/merged: no such file"
)]
#[tokio::test]
async fn an_image_without_its_layers_is_told(
    #[case] method: &'static str,
    #[case] part: &'static str,
    #[case] message: &'static str,
) {
    let child = Child::new("layers").await;
    let engine = Refusing::new(child.folder.path(), Refusal { method, part, message });
    let args = [&["up", "--name", &child.name], &child::BARE[..]].concat();
    let ended = child.program(&args, &[("DOCKER_HOST", &engine.address())]).await;
    child.assert_nothing_left().await;
    ended.assert_code(3);
    ended.assert_says(&[
        "is gone, or parts of it are",
        message,
        "expected: an image with all its layers",
        "hint:     `docker image rm mesos-harness/",
    ]);
}

/// The daemon's words where its disk is full, which it was not when the boot looked.
#[rstest]
#[case::volume("/volumes/create")]
#[case::container("-mesos-agent")]
#[tokio::test]
async fn a_disk_that_fills_in_the_middle_of_a_boot_is_told(#[case] part: &'static str) {
    let child = Child::new("fills").await;
    let refusal = Refusal {
        method: "POST",
        part,
        message: "mkdir /var/lib/docker/overlay2/6a26: no space left on device",
    };
    let engine = Refusing::new(child.folder.path(), refusal);
    let args = [&["up", "--name", &child.name], &child::BARE[..]].concat();
    let ended = child.program(&args, &[("DOCKER_HOST", &engine.address())]).await;
    child.assert_nothing_left().await;
    ended.assert_code(3);
    ended.assert_says(&[refusal.message, "ran:      docker "]);
}

/// What processes tell each other by files: without it nothing is made, since nobody could clear it away.
#[rstest]
#[case::leases("TMPDIR", "the lease file /proc/nowhere/mesos-harness-", "cannot be made")]
#[case::memory("HARNESS_LEDGER", "/proc/nowhere cannot be made", "HARNESS_LEDGER names another")]
#[tokio::test]
async fn a_folder_that_cannot_be_made_is_told(#[case] variable: &str, #[case] said: &str, #[case] more: &str) {
    let child = Child::new("folder").await;
    let engine = FakeEngine::start(Says::default());
    let address = engine.address();
    let variables = [(variable, "/proc/nowhere"), ("DOCKER_HOST", address.as_str())];
    let ended = child.program(&["up", "--name", &child.name], &variables).await;
    ended.assert_code(3);
    ended.assert_says(&[said, more]);
    assert_eq!(engine.changes(), Vec::<String>::new());
}
