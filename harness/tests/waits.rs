//! No wait is without an end, and one that ends in vain explains itself: on a real engine, with plain containers.

mod child;

use std::os::unix::net::UnixListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

use child::Child;
use futures_util::StreamExt as _;
use harness::Kind;
use harness::await_until::{Probe, Wait};
use harness::deadlines::Deadline;
use harness::docker::exec::{ExecSpec, exec};
use harness::docker::{ContainerSpec, container, logs};
use harness::image::{ImageSpec, Images};
use harness::lease::Lease;

const SHORT: Deadline = Deadline::custom("SHORT", Duration::from_secs(15));
/// Nothing here may take so long: the death of a container ends a wait with this deadline.
const LONG: Deadline = Deadline::custom("LONG", Duration::from_secs(600));
const AT_ONCE: Duration = Duration::from_secs(20);

/// A container that runs `script`, under a lease of its own.
async fn running(child: &Child, script: &str) -> Arc<Lease> {
    let images = Images::open(child.engine.clone()).expect("the fixtures are there");
    let debian = images
        .ensure(&ImageSpec::new("debian"))
        .await
        .expect("the image is there");
    let lease = Lease::take(&child.engine, "waits", false).await.expect("it is taken");
    let spec = ContainerSpec::new(&child.name, debian, lease.labels().clone()).entrypoint(["sh", "-c", script]);
    spec.init().create(&child.engine).await.expect("it is created");
    container::start(&child.engine, &child.name).await.expect("it starts");
    lease
}

/// It dies a moment later, and says why.
const DIES: &str = "echo no such flag: --colour; sleep 1; exit 7";
/// It says something, and never anything more.
const SILENT: &str = "echo looking for a quorum; exec sleep infinity";

#[tokio::test]
async fn a_container_that_dies_ends_a_wait_at_once() {
    let child = Child::new("dies").await;
    let _lease = running(&child, DIES).await;
    let started = Instant::now();
    let names = [child.name.clone()];
    let error = Wait::that("it answers", LONG)
        .unless(container::death(&child.engine, &names))
        .until(async || Probe::<()>::NotYet("silent".to_owned()))
        .await
        .expect_err("it died");
    assert!(started.elapsed() < AT_ONCE, "{:?}", started.elapsed());
    assert_eq!(error.kind(), Kind::Component);
    let text = error.explain();
    for part in ["exited with status 7", "no such flag: --colour"] {
        assert!(text.contains(part), "{part} stands in {text}");
    }
}

#[tokio::test]
async fn a_command_that_never_ends_is_killed_and_named() {
    let child = Child::new("exec").await;
    let _lease = running(&child, SILENT).await;
    let spec = ExecSpec::new(["sh", "-c", "echo began; sleep 4321"]).within(SHORT);
    let error = exec(&child.engine, &child.name, spec).await.expect_err("it never ends");
    assert_eq!(error.kind(), Kind::Deadline);
    let text = error.explain();
    for part in [
        "sleep 4321` ends in",
        "(SHORT)",
        "stdout: began",
        "SIGKILL was sent to its processes",
        "docker exec",
    ] {
        assert!(text.contains(part), "{part} stands in {text}");
    }
    let left = exec(
        &child.engine,
        &child.name,
        ExecSpec::new(["sh", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '"]),
    );
    let left = left.await.expect("it runs").stdout;
    assert!(!left.contains("sleep 4321"), "{left}");

    // The engine may leave its output open where the container dies.
    let started = Instant::now();
    let (ended, killed) = tokio::join!(
        exec(
            &child.engine,
            &child.name,
            ExecSpec::new(["sleep", "4321"]).within(LONG)
        ),
        async {
            let running = ExecSpec::new(["sh", "-c", "until grep -qs 4321 /proc/[0-9]*/cmdline; do :; done"]);
            exec(&child.engine, &child.name, running).await?;
            container::kill(&child.engine, &child.name).await
        }
    );
    killed.expect("it was running");
    // Its exit code, or the death of its container, whichever the engine tells.
    let told = ended.map_or_else(|error| error.kind() == Kind::Component, |ended| ended.exit_code == 137);
    assert!(told, "it did not end by itself");
    assert!(started.elapsed() < AT_ONCE, "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_log_that_stays_open_is_waited_for_no_longer_than_said() {
    let child = Child::new("log").await;
    let _lease = running(&child, SILENT).await;
    let mut lines = Vec::new();
    let error = Wait::that("a leader is logged", SHORT)
        .explained_by(async { vec![logs::evidence(&child.engine, &child.name, 5).await] })
        .for_future(async {
            let mut log = std::pin::pin!(logs::follow(&child.engine, &child.name, logs::Start::Beginning));
            while let Some(line) = log.next().await {
                lines.push(line?.text);
            }
            Ok(())
        })
        .await
        .expect_err("nothing more comes");
    assert!(error.explain().contains("looking for a quorum"), "{error:?}");
    assert_eq!(lines, ["looking for a quorum"]);

    let started = Instant::now();
    let (rest, killed) = tokio::join!(
        Wait::that("the log ends", LONG).for_future(async {
            let log = logs::follow(&child.engine, &child.name, logs::Start::Beginning);
            Ok(log.collect::<Vec<_>>().await.len())
        }),
        container::kill(&child.engine, &child.name)
    );
    killed.expect("it was running");
    assert_eq!(rest.expect("it ends with its container"), 1);
    assert!(started.elapsed() < AT_ONCE, "{:?}", started.elapsed());
}

/// An agent that runs and never registers: what a person sees then.
#[tokio::test]
async fn a_wait_in_vain_names_itself_its_last_reason_and_the_logs_that_matter() {
    let child = Child::new("vain").await;
    let images = Images::open(child.engine.clone()).expect("the fixtures are there");
    let debian = images
        .ensure(&ImageSpec::new("debian"))
        .await
        .expect("the image is there");
    let stack = format!("[component.mesos-agent]\nimage = \"{debian}\"\ncmd = [\"sh\", \"-c\", \"{SILENT}\"]\n");
    let stack = child.file("mine.toml", &stack);
    let stack = stack.to_str().expect("a path of ours is UTF-8");
    let env = [("HARNESS_DEADLINES", "AGENT_REGISTERED=8")];
    let ended = child.harness_with("up", &["--stack", stack], &env).await;
    ended.assert_code(1);
    child.assert_nothing_left().await;
    let said = ended
        .stderr
        .find("error: ")
        .map(|at| &ended.stderr[at..])
        .unwrap_or_default();
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(harness::workspace::checkout().join("snapshots/waits"));
    settings.set_prepend_module_to_snapshot(false);
    settings.add_filter(&child.name, "[cluster]");
    settings.add_filter(&child.folder.path().display().to_string(), "[folder]");
    settings.add_filter(r"waited \d+(\.\d+)?m?s in vain", "waited [time] in vain");
    settings.add_filter(r"\(\d+ looks\)", "([n] looks)");
    settings.add_filter("a look at it did not come back; before that: ", "");
    // The master's log: glog lines, whose number and text are upstream's.
    settings.add_filter(r"(?m)(^ +[IWE]\d{4} .*\n)+", "            [lines of glog]\n");
    settings.bind(|| insta::assert_snapshot!("agent-never-registers", said));
}

#[tokio::test]
async fn a_deadline_that_is_none_is_told() {
    let child = Child::new("deadline").await;
    for (value, part) in [
        ("OFER=5", "no deadline is called \"OFER\""),
        ("OFFER=soon", "\"OFFER=soon\" is no deadline"),
    ] {
        let ended = child.program(&["ps"], &[("HARNESS_DEADLINES", value)]).await;
        ended.assert_code(64);
        ended.assert_says(&[part, "expected: "]);
    }
    let ended = child.program(&["ps"], &[("HARNESS_PATIENCE", "much")]).await;
    ended.assert_code(64);
    ended.assert_says(&["HARNESS_PATIENCE=much is no factor", "a number from 0.1 to 100"]);
}

/// P10: an engine that takes connections, and never says a word.
#[tokio::test]
async fn an_engine_that_says_nothing_is_waited_for_no_longer_than_said() {
    let child = Child::new("mute").await;
    let socket = child.folder.path().join("mute.sock");
    // Nobody takes them: the kernel does.
    let _mute = UnixListener::bind(&socket).expect("the folder is ours");
    let address = format!("unix://{}", socket.display());
    let env = [
        ("DOCKER_HOST", address.as_str()),
        ("HARNESS_DEADLINES", "ENGINE_REQUEST=1"),
    ];
    for args in [&["ps"][..], &["up", "--name", &child.name]] {
        let ended = child.program(args, &env).await;
        ended.assert_code(3);
        ended.assert_says(&[
            &format!("no Docker engine answers at {address}: the request timed out"),
            "ran:      docker version",
        ]);
    }
}
