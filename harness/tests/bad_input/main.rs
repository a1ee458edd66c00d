//! Wrong input and broken machines, through the command line and on a real engine: each is told with what was
//! expected, what happened and what to do, has the documented exit code, and leaves nothing on the engine.

#[path = "../child/mod.rs"]
mod child;
#[path = "../child/foreign.rs"]
mod foreign;
mod running;

use std::path::Path;

use bollard::query_parameters::{CreateImageOptionsBuilder, ListImagesOptionsBuilder, RemoveImageOptions};
use child::Child;
use foreign::Foreign;
use futures_util::TryStreamExt as _;
use harness::labels;
use rstest::rstest;

const NOWHERE: (&str, &str) = ("DOCKER_HOST", "unix:///nonexistent.sock");

/// The reference of our own base image, which these tests use as an image that a user brings.
async fn debian(child: &Child) -> String {
    let images = harness::image::Images::open(child.engine.clone()).expect("the fixtures are there");
    let spec = harness::image::ImageSpec::new("debian");
    images.ensure(&spec).await.expect("the image is there")
}

/// Boots with a user's own stack.
async fn up(child: &Child, stack: &str, env: &[(&str, &str)]) -> child::Ended {
    let file = child.file("mine.toml", stack);
    let file = file.to_str().expect("a path of ours is UTF-8");
    child.harness_with("up", &["--stack", file], env).await
}

#[tokio::test]
async fn no_engine_is_told_with_its_address_and_its_remedy() {
    let child = Child::new("no-engine").await;
    for args in [
        &["up", "--name", &child.name][..],
        &["status"],
        &["ssh", "mesos-master1"],
        &["sweep"],
        &["images", "list"],
        &["conform", "--only", "mesos"],
    ] {
        let ended = child.program(args, &[NOWHERE]).await;
        ended.assert_code(3);
        ended.assert_says(&[
            "no Docker engine answers at unix:///nonexistent.sock",
            "expected: a Docker engine",
            "docker version",
            "DOCKER_HOST",
        ]);
    }
    child.assert_nothing_left().await;
}

#[tokio::test]
async fn an_unknown_key_of_a_stack_file_is_found_before_anything_is_made() {
    let child = Child::new("key").await;
    let ended = up(&child, "# mine\n[component.mesos-agent]\nverson = \"1.11.0\"\n", &[]).await;
    ended.assert_code(64);
    ended.assert_says(&[
        "mine.toml:3: component.mesos-agent.verson: unknown key",
        "expected: one of version, image",
        "did you mean `version`?",
    ]);
    assert_eq!(ended.stdout, "");
    child.assert_nothing_left().await;
}

#[tokio::test]
async fn a_component_that_exits_at_once_shows_its_status_and_its_last_lines() {
    let child = Child::new("exits").await;
    let foreign = Foreign::new(&child).await;
    let image = debian(&child).await;
    let stack = format!(
        "[component.mesos-agent]\nimage = \"{image}\"\n\
         cmd = [\"sh\", \"-c\", \"echo no such flag: --colour; exit 7\"]\n"
    );
    let ended = up(&child, &stack, &[]).await;
    ended.assert_code(1);
    let container = format!("{}-mesos-slave1-mesos-agent", child.name);
    ended.assert_says(&[
        &format!("the container {container} exited with status 7"),
        "expected: a container that keeps running",
        &format!("docker logs {container}"),
        "no such flag: --colour",
    ]);
    child.assert_nothing_left().await;
    foreign.assert_untouched().await;
    let folder = child.evidence().join(format!("up.{}", child.name));
    ended.assert_says(&[&folder.display().to_string()]);
    let log = |component: &str| folder.join(format!("logs-{}-{component}.log", child.name));
    let kept = std::fs::read_to_string(log("mesos-slave1-mesos-agent")).expect("its log was kept");
    assert_eq!(kept, "no such flag: --colour\n");
    assert!(log("mesos-master1-mesos-master").is_file(), "and those of its cluster");
}

#[tokio::test]
async fn a_program_that_is_not_in_the_image_is_told() {
    let child = Child::new("program").await;
    let image = debian(&child).await;
    let stack = format!("[component.mesos-master]\nimage = \"{image}\"\ncmd = [\"mesos-muster\"]\n");
    let ended = up(&child, &stack, &[]).await;
    ended.assert_code(1);
    let container = format!("{}-mesos-master1-mesos-master", child.name);
    ended.assert_says(&[
        &format!("the container {container} cannot run its program"),
        "mesos-muster",
        "expected: ",
        &format!("docker start {container}"),
    ]);
    child.assert_nothing_left().await;
}

#[tokio::test]
async fn a_component_that_never_becomes_ready_is_told_with_the_last_reason_and_its_log() {
    let child = Child::new("never").await;
    let image = debian(&child).await;
    let stack = format!(
        "[component.zookeeper]\nimage = \"{image}\"\n\
         cmd = [\"sh\", \"-c\", \"echo looking for a quorum; exec sleep infinity\"]\n"
    );
    let ended = up(&child, &stack, &[("HARNESS_DEADLINES", "ZOOKEEPER_READY=8")]).await;
    ended.assert_code(1);
    ended.assert_says(&[
        "in vain until ZooKeeper on mesos-master1 serves clients",
        "refused",
        "expected: ZooKeeper on mesos-master1 serves clients within 8s (ZOOKEEPER_READY)",
        &format!("last lines of {}-mesos-master1-zookeeper", child.name),
        "looking for a quorum",
    ]);
    child.assert_nothing_left().await;
    let folder = child.evidence().join(format!("up.{}", child.name));
    let log = folder.join(format!("logs-{}-mesos-master1-zookeeper.log", child.name));
    assert!(log.is_file(), "{} was kept", log.display());
}

/// Names and numbers as they must be, and a kind of disk that Mesos does not have.
const RESOURCES: &str = r#"
[node.mesos-slave1]
resources = '[{"name":"disk","type":"SCALAR","scalar":{"value":9},"disk":{"source":{"type":"NOWHERE"}}}]'
"#;

/// What only Mesos knows to be wrong: its own words are shown, those of the log's last lines.
#[rstest]
#[case::a_flag("mesos-agent", "args = [\"--no_such_flag=1\"]", "", "unknown flag 'no_such_flag'")]
#[case::a_port("mesos-master", "env = { MESOS_PORT = \"2181\" }", "", "Address already in use")]
#[case::resources("mesos-agent", "", RESOURCES, "Failed to find enum for 'NOWHERE'")]
#[tokio::test]
async fn what_mesos_refuses_is_shown_in_its_words(
    #[case] component: &str,
    #[case] setting: &str,
    #[case] more: &str,
    #[case] said: &str,
) {
    let child = Child::new("refused").await;
    let ended = up(&child, &format!("[component.{component}]\n{setting}\n{more}\n"), &[]).await;
    ended.assert_code(1);
    let node = if component == "mesos-agent" {
        "mesos-slave1"
    } else {
        "mesos-master1"
    };
    let container = format!("{}-{node}-{component}", child.name);
    ended.assert_says(&[
        &format!("the container {container} exited with status "),
        &format!("docker logs {container}"),
        said,
    ]);
    child.assert_nothing_left().await;
}

/// An image of nothing, as an archive that was cut short leaves it.
#[tokio::test]
async fn an_image_without_a_program_is_told() {
    let child = Child::new("empty").await;
    let reference = format!("mesos-harness-test/empty:{}", child.name);
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(0);
    archive
        .append_data(&mut header, "nothing", &b""[..])
        .expect("it is in memory");
    let archive = archive.into_inner().expect("it is in memory");
    let (repo, tag) = reference.split_once(':').expect("it has a tag");
    let options = CreateImageOptionsBuilder::new()
        .from_src("-")
        .repo(repo)
        .tag(tag)
        .build();
    let docker = child.engine.docker();
    let import = docker.create_image(Some(options), Some(bollard::body_full(archive.into())), None);
    let imported = import.try_collect::<Vec<_>>().await;

    let ended = up(
        &child,
        &format!("[component.mesos-agent]\nimage = \"{reference}\"\n"),
        &[],
    )
    .await;

    let removed = docker.remove_image(&reference, None::<RemoveImageOptions>, None).await;
    imported.expect("the engine imports it");
    removed.expect("nothing uses it");
    ended.assert_code(3);
    ended.assert_says(&[
        &format!("the image {reference} names no program to start"),
        "expected: an image with an ENTRYPOINT or a CMD",
        "hint:     name the program in the stack file",
    ]);
    child.assert_nothing_left().await;
}

#[tokio::test]
async fn an_image_that_is_nowhere_is_told_with_its_reference() {
    let child = Child::new("image").await;
    // No registry answers on this machine's port 1, so nothing is asked of the network.
    let stack = "[component.mesos-agent]\nimage = \"localhost:1/mesos-agent:candidate\"\n";
    let ended = up(&child, stack, &[]).await;
    ended.assert_code(3);
    ended.assert_says(&[
        "localhost:1/mesos-agent:candidate is not there, and no image registry serves it",
        "docker pull localhost:1/mesos-agent:candidate",
        "hint:     name an image that this engine has",
    ]);
    child.assert_nothing_left().await;
}

/// The lock pins another sha256 than that of the file in the cache: nothing is made of it.
#[tokio::test]
async fn an_artefact_that_is_not_what_the_lock_pins_stops_the_build() {
    let child = Child::new("sha256").await;
    let pinned = "0".repeat(64);
    let lock = format!(
        "[[artefact]]\nname = \"letters\"\nfile = \"letters.txt\"\nversion = \"1\"\nsha256 = \"{pinned}\"\n\
         client = \"pip\"\nrequest = \"letters==1\"\n"
    );
    child.file("fixtures/artefacts.lock", &lock);
    let name = format!("letters-{}", child.name);
    let image = format!("fixtures/images/{name}");
    child.file(
        &format!("{image}/image.toml"),
        "summary = \"Letters\"\nbase = \"debian\"\nartefacts = [\"letters\"]\n",
    );
    child.file(
        &format!("{image}/Dockerfile"),
        "ARG BASE\nFROM ${BASE}\nCOPY artefacts/letters.txt /\n",
    );
    let fixtures = child.folder.path().join("fixtures");
    std::fs::create_dir(fixtures.join("services")).expect("it is not there yet");
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/images/debian");
    let own = own.canonicalize().expect("it is there");
    // The same folder, so the same image: nothing of it is built again.
    let copied = std::process::Command::new("cp")
        .arg("-a")
        .args([&own, &fixtures.join("images/debian")])
        .status();
    assert!(copied.expect("cp runs").success());
    let cached = child.file(&format!("cache/mesos-harness/artefacts/{pinned}/letters.txt"), "abc");

    let cache = child.folder.path().join("cache");
    let folders = [("HARNESS_FIXTURES", &fixtures), ("XDG_CACHE_HOME", &cache)];
    let folders = folders.map(|(name, path)| (name, path.to_str().expect("a path of ours is UTF-8")));
    let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    for args in [&["images", "build", &name][..], &["images", "verify"]] {
        let ended = child.program(args, &folders).await;
        ended.assert_code(3);
        ended.assert_says(&[
            &format!("letters.txt is not what artefacts.lock pins: got sha256 {abc} (3 bytes)"),
            &format!("expected: sha256 {pinned}"),
            "artefact letters of artefacts.lock",
            &format!("rm '{}'", cached.display()),
        ]);
    }
    let filters = [("label", vec![labels::equals(labels::IMAGE, &name)])]
        .into_iter()
        .collect();
    let options = ListImagesOptionsBuilder::new().all(true).filters(&filters).build();
    let images = child.engine.docker().list_images(Some(options)).await;
    assert!(images.expect("it lists").is_empty(), "no image was made of it");
    child.assert_nothing_left().await;
}

#[tokio::test]
async fn names_on_the_command_line_are_refused_with_what_is_allowed() {
    let child = Child::new("names").await;
    for verb in ["ssh", "start", "stop", "logs"] {
        let ended = child.harness(verb, &["slave1"]).await;
        ended.assert_code(64);
        ended.assert_says(&[
            "slave1",
            "expected: mesos-master1 to mesos-master9, mesos-slave1 to mesos-slave99, haproxy1 or universe1",
        ]);
    }
    let ended = child.program(&["up", "--name", "Two Words"], &[]).await;
    ended.assert_code(64);
    ended.assert_says(&[
        "\"Two Words\" is no name for a cluster",
        "lower-case letters, digits and hyphens",
    ]);
    let ended = child.harness("up", &["--masters", "0"]).await;
    ended.assert_code(64);
    ended.assert_says(&["0 masters", "expected: 1 to 9 masters"]);
    for verb in [
        &["status"][..],
        &["down"],
        &["ssh", "mesos-slave1"],
        &["start", "mesos-slave1"],
    ] {
        let ended = child.harness(verb[0], &verb[1..]).await;
        ended.assert_code(64);
        ended.assert_says(&[&format!("no cluster called {} is up", child.name), "harness ps"]);
    }
    child.assert_nothing_left().await;
}

/// A reader that leaves at once (`harness up | true`) ends neither the boot nor the cluster.
#[tokio::test]
async fn a_reader_that_left_is_no_reason_to_fail() {
    let child = Child::new("pipe").await;
    for (verb, args) in [
        ("up", &[][..]),
        ("status", &[]),
        ("status", &["--json"]),
        ("logs", &["mesos-master1"]),
    ] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let mut all = vec![verb, "--name", &child.name];
        all.extend(args);
        let mut command = child.command(env!("CARGO_BIN_EXE_harness"), &all);
        let both = writer.try_clone().expect("a second end");
        command.stdout(writer).stderr(both);
        let running = command.spawn().expect("it starts");
        drop(command);
        child::end(running).await.assert_code(0);
    }
    let status = child.harness("status", &[]).await;
    status.assert_code(0);
    status.assert_says(&["mesos-agent"]);
    child.harness("down", &[]).await.assert_code(0);
    child.assert_nothing_left().await;
}

/// What is written nowhere is lost: that is an error, unlike a reader that left.
#[tokio::test]
async fn a_full_disk_is_told() {
    let child = Child::new("full").await;
    let full = std::fs::File::options()
        .write(true)
        .open("/dev/full")
        .expect("Linux has it");
    let mut command = child.command(env!("CARGO_BIN_EXE_harness"), &["ps"]);
    command.stdout(full);
    let ended = child::end(command.spawn().expect("it starts")).await;
    ended.assert_code(3);
    ended.assert_says(&["the output cannot be written", "because: "]);
}
