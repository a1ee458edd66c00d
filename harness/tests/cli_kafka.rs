//! README "Deploying Kafka", line by line, in a shell with `source bin/env-setup`: the commands are the real clients.

mod child;

use child::pty::Talk;
use child::{Child, Ended, end};

const PROGRAM: &str = env!("CARGO_BIN_EXE_harness");

#[tokio::test]
async fn the_readmes_chapter_on_kafka_works_as_typed() {
    let child = Child::new("kafka").await;
    child.program(&["up", "--name", &child.name], &[]).await.assert_code(0);
    let endpoint = a_broker_serves_a_topic(&child).await;
    kafkacat_lists(&child, &endpoint).await;
    kafkacat_produces_what_is_typed(&child, &endpoint).await;
    kafkacat_consumes_until_ctrl_c(&child, &endpoint).await;
    child.harness("down", &[]).await.assert_code(0);
    child.assert_nothing_left().await;
}

/// `bash -c lines` in the README's checkout, after `source bin/env-setup`.
fn shell(child: &Child, lines: &str) -> tokio::process::Command {
    let sourced = format!("source bin/env-setup >&2 && {lines}");
    let mut command = child.command("bash", &["-c", &sourced]);
    command
        .current_dir(harness::workspace::fixtures().join("vagrant"))
        .env("HOME", child.folder.path())
        .env("HARNESS_BIN", PROGRAM)
        .env("HARNESS_CLUSTER", &child.name)
        .env("XDG_CACHE_HOME", cache());
    command
}

async fn typed(child: &Child, lines: &str) -> Ended {
    end(shell(child, lines).spawn().expect("bash")).await
}

/// As [`typed`], at a terminal.
fn talk(child: &Child, lines: &str) -> Talk {
    Talk::start(shell(child, lines).into_std())
}

/// The cache of whoever runs the tests: the images' artefacts are there.
fn cache() -> std::path::PathBuf {
    let root = harness::image::cache::root().expect("a home");
    root.parent().expect("a folder in it").to_owned()
}

async fn a_broker_serves_a_topic(child: &Child) -> String {
    let install = "dcos package install --yes --options=apps/kafka/options.json kafka";
    let ran = typed(child, install).await;
    ran.assert_code(0);
    assert!(
        ran.stdout.contains("New command available: dcos kafka"),
        "{}",
        ran.stdout
    );
    // "Proceed once the Mesos task named `Kafka` reaches the running state."
    let running = "until dcos task | grep -q '^kafka  .* R  ' && dcos kafka broker list; do :; done";
    typed(child, running).await.assert_code(0);
    let broker = "dcos kafka broker add 0 && dcos kafka broker start 0 && dcos kafka topic add topic1";
    let ran = typed(child, broker).await;
    ran.assert_code(0);
    let endpoint = ran
        .stdout
        .lines()
        .find_map(|line| line.trim().strip_prefix("endpoint: "));
    let endpoint = endpoint.unwrap_or_else(|| panic!("{}", ran.stdout)).to_owned();
    assert!(
        ran.stdout
            .ends_with("topic added:\n  name: topic1\n  partitions: 0:[0]\n\n"),
        "{}",
        ran.stdout
    );
    endpoint
}

async fn kafkacat_lists(child: &Child, endpoint: &str) {
    // The topic is there before its partition has a leader.
    let led = format!("until kafkacat -L -b {endpoint} | grep -q 'partition 0, leader 0'; do :; done");
    typed(child, &led).await.assert_code(0);
    let ran = typed(child, &format!("kafkacat -L -b {endpoint}")).await;
    ran.assert_code(0);
    for line in [
        "Metadata for all topics (from broker ",
        " 1 brokers:",
        &format!("  broker 0 at {endpoint}"),
        "  topic \"topic1\" with 1 partitions:",
        "    partition 0, leader 0, replicas: 0, isrs: 0",
    ] {
        assert!(ran.stdout.contains(line), "{line} in {}", ran.stdout);
    }
}

/// "(ctrl-C)(ctrl-C)", once both lines are where they belong.
async fn kafkacat_produces_what_is_typed(child: &Child, endpoint: &str) {
    let mut producer = talk(child, &format!("kafkacat -P -b {endpoint} -t topic1"));
    producer.await_raw().await;
    producer.type_in("Hello\rWorld\r");
    producer.await_shown("Hello\r\nWorld\r\n").await;
    let read = format!("kafkacat -C -b {endpoint} -t topic1 -c 2");
    let ran = typed(child, &read).await;
    ran.assert_code(0);
    assert_eq!(ran.stdout, "Hello\nWorld\n", "{}", producer.shown());
    producer.type_in("\x03\x03");
    producer.end().await;
}

async fn kafkacat_consumes_until_ctrl_c(child: &Child, endpoint: &str) {
    let mut consumer = talk(child, &format!("kafkacat -C -b {endpoint} -t topic1"));
    consumer.await_shown("Hello\r\nWorld\r\n").await;
    consumer.type_in("\x03\x03");
    consumer.end().await;
}
