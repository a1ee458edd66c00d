//! `harness env` and `harness tool`: the real clients, on a person's PATH.

mod child;

use std::process::{Command, Stdio};

use child::pty::{at_a_terminal, typing_at_a_terminal};
use child::{Child, Ended, end};
use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_harness");

#[tokio::test]
async fn the_real_clients_are_on_the_path() {
    let child = Child::new("env").await;
    the_readme_boots_the_full_stack(&child).await;
    a_shell_finds_them_and_loses_them_again(&child).await;
    they_see_the_files_of_whoever_calls(&child).await;
    they_end_as_they_do_anywhere(&child).await;
    they_have_a_terminal_where_the_caller_has_one(&child).await;
    the_readme_sources_its_own_script(&child).await;
    a_node_has_the_checkout(&child).await;
    child.harness("down", &[]).await.assert_code(0);
    child.assert_nothing_left().await;
}

/// `harness up` alone, as a person types it.
async fn the_readme_boots_the_full_stack(child: &Child) {
    let up = child.program(&["up", "--name", &child.name, "--json"], &[]).await;
    up.assert_code(0);
    let up = up.json();
    let services = up["services"].as_array().expect("a list");
    let mut what: Vec<_> = services
        .iter()
        .map(|one| format!("{} {}", one["node"], one["component"]).replace('"', ""))
        .collect();
    what.sort();
    assert_eq!(
        what,
        [
            "haproxy1 haproxy",
            "mesos-master1 admin-router",
            "mesos-master1 marathon",
            "mesos-master1 mesos-dns",
            "mesos-master1 mesos-master",
            "mesos-master1 zookeeper",
            "mesos-slave1 mesos-agent",
            "universe1 universe",
        ]
    );
    let agent = services.iter().find(|one| one["component"] == "mesos-agent");
    let address = agent.and_then(|one| one["address"].as_str()).expect("a string");
    let node = child
        .program(&["tool", "--name", &child.name, "dcos", "node"], &[])
        .await;
    node.assert_code(0);
    assert!(node.stdout.contains(address), "{}", node.stdout);
}

#[tokio::test]
async fn without_a_cluster_nothing_is_printed_for_the_shell() {
    let child = Child::new("env-none").await;
    let none = child.harness("env", &[]).await;
    none.assert_code(64);
    assert_eq!(none.stdout, "");
    none.assert_says(&[&format!("no cluster called {} is up", child.name)]);
    let none = child
        .program(&["tool", "--name", &child.name, "dcos", "node"], &[])
        .await;
    none.assert_code(64);
}

/// `bash -c script` with a home and a working folder of its own, and the commands' folder in the test's cache.
async fn bash(child: &Child, script: &str) -> Ended {
    let mut command = child.command("bash", &["-c", script]);
    command
        .current_dir(child.folder.path())
        .env("HOME", child.folder.path())
        .env("HARNESS", PROGRAM)
        .env("NAME", &child.name)
        .env("XDG_CACHE_HOME", cache());
    end(command.spawn().expect("bash")).await
}

/// The cache of whoever runs the tests: the images' artefacts are there.
fn cache() -> std::path::PathBuf {
    let root = harness::image::cache::root().expect("a home");
    root.parent().expect("a folder in it").to_owned()
}

async fn a_shell_finds_them_and_loses_them_again(child: &Child) {
    let script = r#"
        before=$PATH
        eval "$("$HARNESS" env --name "$NAME")"
        eval "$("$HARNESS" env --name "$NAME")"
        dcos --version
        dcos config show core.email
        kafkacat -V | head -1
        kcat -V | head -1
        zkCli.sh -server mesos-master1:2181 ls / | tail -1
        "$HARNESS" tool hostname
        eval "$("$HARNESS" env --unset)"
        [ "$PATH" = "$before" ] && [ -z "${HARNESS_CLUSTER+set}" ] && echo as it was
    "#;
    let ran = bash(child, script).await;
    ran.assert_code(0);
    let kcat = "kcat - Apache Kafka producer and consumer tool";
    let expected = [
        "dcos version 0.3.6",
        "nobody@nowhere.com",
        kcat,
        kcat,
        "[marathon, mesos, zookeeper]",
        "toolbox",
        "as it was",
    ];
    assert_eq!(ran.stdout.lines().collect::<Vec<_>>(), expected, "{}", ran.stderr);

    let json = child.harness("env", &["--json"]).await.json();
    assert_eq!(
        json["commands"],
        serde_json::json!(["dcos", "kafkacat", "kcat", "zkCli.sh"])
    );
    assert_eq!(json["name"], Value::from(child.name.as_str()));
}

async fn they_see_the_files_of_whoever_calls(child: &Child) {
    child.file("apps/app.json", r#"{"id": "/a"}"#);
    let script = r#"
        cd apps
        tool() { "$HARNESS" tool --name "$NAME" "$@"; }
        tool pwd
        tool cat app.json
        echo piped | tool cat
        tool sh -c 'echo written > "$HOME/apps/written"; id -u'
        cat written
    "#;
    let ran = bash(child, script).await;
    ran.assert_code(0);
    let folder = child.folder.path().join("apps");
    let user = nix::unistd::getuid();
    let expected = format!("{}\n{{\"id\": \"/a\"}}piped\n{user}\nwritten\n", folder.display());
    assert_eq!(ran.stdout, expected, "{}", ran.stderr);
    let written = std::fs::metadata(folder.join("written")).expect("it was written");
    assert_eq!(std::os::unix::fs::MetadataExt::uid(&written), user.as_raw());
}

async fn they_end_as_they_do_anywhere(child: &Child) {
    let tool = async |args: &[&str]| {
        let mut all = vec!["tool", "--name", &child.name];
        all.extend(args);
        child.program(&all, &[]).await
    };
    let wrong = tool(&["dcos", "bogus"]).await;
    wrong.assert_code(1);
    wrong.assert_says(&["'bogus' is not a dcos command."]);
    assert_eq!(wrong.stdout, "");
    let options = tool(&["sh", "-c", "echo \"$@\"; exit 7", "sh", "--name", "-x"]).await;
    options.assert_code(7);
    assert_eq!(options.stdout, "--name -x\n");
    let none = tool(&["no-such-client"]).await;
    assert!(!none.status.success());
}

async fn they_have_a_terminal_where_the_caller_has_one(child: &Child) {
    let tool = |script: &str| {
        let mut command = Command::new(PROGRAM);
        command.args(["tool", "--name", &child.name, "sh", "-c", script]);
        command
    };
    let prompt = "printf 'Continue installing? [yes/no] '; read answer; echo \"it was $answer\"";
    let (status, shown) = typing_at_a_terminal(tool(prompt), "[yes/no] ", "yes\r").await;
    assert!(status.success() && shown.contains("it was yes"), "{shown}");
    let sleeping = "echo ready; exec sleep 600";
    let (status, shown) = typing_at_a_terminal(tool(sleeping), "ready", "\x03").await;
    assert_eq!(status.code(), Some(130), "{shown}");
    // The size arrives a moment after the start.
    let sized = "until [ \"$(stty size)\" = '24 100' ]; do sleep 0.05; done";
    let script = format!("test -t 0 && test -t 1 && test -t 2 && echo $TERM; {sized}");
    let (status, shown) = at_a_terminal(tool(&script)).await;
    assert!(status.success() && shown.contains("xterm"), "{shown}");
    let mut colourful = Command::new(PROGRAM);
    colourful.args(["tool", "--name", &child.name, "dcos", "config", "show"]);
    let (status, _) = at_a_terminal(colourful).await;
    assert!(status.success());
}

/// README "Installing the CLI".
async fn the_readme_sources_its_own_script(child: &Child) {
    let checkout = harness::workspace::fixtures().join("vagrant");
    let script = r#"
        export HARNESS_BIN="$HARNESS" HARNESS_CLUSTER="$NAME"
        bin/install-cli.sh && source bin/env-setup && dcos --version
    "#;
    let script = format!("cd '{}' && {script}", checkout.display());
    let ran = bash(child, &script).await;
    ran.assert_code(0);
    assert!(ran.stdout.ends_with("dcos version 0.3.6\n"), "{}", ran.stdout);
}

async fn a_node_has_the_checkout(child: &Child) {
    let mut command = child.command(PROGRAM, &["ssh", "--name", &child.name, "mesos-slave1", "--"]);
    command
        .arg("cd /vagrant && ls bin && ! touch x 2>/dev/null")
        .stdin(Stdio::null());
    let ran = end(command.spawn().expect("it starts")).await;
    ran.assert_code(0);
    ran.assert_says(&["env-setup", "install-cli.sh"]);
}
