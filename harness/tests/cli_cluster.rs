//! The command line on a running cluster: what a person does with one, step by step.

mod child;

use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::time::Duration;

use bollard::query_parameters::RemoveContainerOptions;
use child::Child;
use child::pty::{at_a_terminal, typing_at_a_terminal};
use harness::await_until::{Probe, Wait};
use harness::deadlines::Deadline;
use nix::sys::signal::Signal;
use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_harness");
const SOON: Duration = Duration::from_secs(20);

#[tokio::test]
async fn what_a_person_does_with_a_cluster() {
    let child = Child::new("cli").await;
    boots_and_says_so_twice(&child).await;
    is_listed_with_its_owner(&child).await;
    runs_commands_beside_components(&child).await;
    gives_a_command_a_terminal(&child).await;
    enters_a_node_as_vagrant_did(&child).await;
    ends_a_command_with_a_signal(&child).await;
    opens_what_is_asked(&child).await;
    shows_the_logs_of_several(&child).await;
    starts_and_stops_a_node_for_a_program(&child).await;
    up_starts_what_was_stopped(&child).await;
    shows_its_progress_to_a_terminal_alone(&child).await;
    let down = child.harness("down", &["--json"]).await;
    down.assert_code(0);
    assert_eq!(down.json(), serde_json::json!({"removed": [child.name], "left": []}));
    child.assert_nothing_left().await;
}

async fn boots_and_says_so_twice(child: &Child) {
    let first = child.harness("up", &["--json"]).await;
    first.assert_code(0);
    let first = first.json();
    assert_eq!(
        (&first["name"], &first["already_up"]),
        (&child.name.as_str().into(), &false.into())
    );
    assert!(first["boot_s"].as_f64().is_some_and(|took| took > 0.0), "{first}");
    let services = first["services"].as_array().expect("a list");
    let agent = services
        .iter()
        .find(|one| one["component"] == "mesos-agent")
        .expect("it runs");
    let address = agent["address"].as_str().expect("a string");
    assert_eq!(agent["place"], format!("http://{address}:5051"));

    let again = child.harness("up", &["--json"]).await;
    again.assert_code(0);
    let again = again.json();
    assert_eq!((&again["already_up"], &again["boot_s"]), (&true.into(), &Value::Null));
    for part in ["services", "components", "subnet"] {
        assert_eq!(again[part], first[part], "nothing was changed");
    }
    let again = child.harness("up", &[]).await;
    again.assert_code(0);
    let (name, down) = (&child.name, format!("harness down --name {}", child.name));
    again.assert_says(&[&format!("the cluster {name} is up already"), address, &down]);
}

async fn starts_and_stops_a_node_for_a_program(child: &Child) {
    let started = child.harness("start", &["mesos-slave2", "--json"]).await;
    started.assert_code(0);
    let started = started.json();
    let address = started["address"].as_str().expect("a string");
    let services = serde_json::json!([{"component": "mesos-agent", "place": format!("http://{address}:5051")}]);
    assert_eq!(
        (&started["node"], &started["services"]),
        (&"mesos-slave2".into(), &services)
    );
    let stopped = child.harness("stop", &["mesos-slave2", "--json"]).await;
    stopped.assert_code(0);
    assert_eq!(
        stopped.json(),
        serde_json::json!({"name": child.name, "node": "mesos-slave2"})
    );
    // As a `start` leaves it that is interrupted.
    let agent = format!("{}-mesos-slave2-mesos-agent", child.name);
    let docker = child.engine.docker();
    let removed = docker.remove_container(&agent, None::<RemoveContainerOptions>).await;
    removed.expect("it was stopped");
    child.harness("start", &["mesos-slave2"]).await.assert_code(0);
    child.harness("stop", &["mesos-slave2"]).await.assert_code(0);
}

/// As `vagrant up` after `vagrant halt`.
async fn up_starts_what_was_stopped(child: &Child) {
    child.harness("stop", &["mesos-slave1"]).await.assert_code(0);
    child.harness("stop", &["mesos-master1"]).await.assert_code(0);
    let up = child.harness("up", &["--json"]).await;
    up.assert_code(0);
    let up = up.json();
    assert_eq!(up["already_up"], true);
    assert_eq!(up["started"], serde_json::json!(["mesos-master1", "mesos-slave1"]));
    let state = child.harness("exec", &["mesos-slave1", "--", "true"]).await;
    state.assert_code(0);
}

async fn is_listed_with_its_owner(child: &Child) {
    let one = child.listed().await.expect("it is up");
    let owner = &one["owner"];
    assert_eq!(owner["user"], harness::owner::this_user());
    assert_eq!((&owner["life"], &owner["me"]), (&"kept".into(), &true.into()));
    assert!(
        owner["pid"].is_i64() && one["run"].is_string() && one["created"].is_u64(),
        "{one}"
    );
    assert_eq!(one["nodes"], serde_json::json!(["mesos-master1", "mesos-slave1"]));
    let table = child.program(&["ps"], &[]).await;
    let row = table.stdout.lines().find(|line| line.starts_with(&child.name));
    let row = row.expect("it is in the table");
    for part in [&harness::owner::this_user(), "kept", "1 master, 1 slave"] {
        assert!(row.contains(part), "{part:?} stands in {row:?}");
    }
    let status = child.harness("status", &["--json"]).await;
    let status = status.json();
    let agent = status["containers"]
        .as_array()
        .expect("a list")
        .last()
        .expect("one at least");
    assert_eq!(
        (&agent["node"], &agent["component"]),
        (&"mesos-slave1".into(), &"mesos-agent".into())
    );
    assert_eq!(agent["state"], "running");
}

async fn runs_commands_beside_components(child: &Child) {
    let exec = async |args: &[&str]| child.harness("exec", args).await;
    let agent = exec(&[
        "mesos-slave1",
        "--",
        "sh",
        "-c",
        "echo $MESOS_PORT; echo bad >&2; exit 7",
    ])
    .await;
    agent.assert_code(7);
    assert_eq!((agent.stdout.as_str(), agent.stderr.as_str()), ("5051\n", "bad\n"));
    let zookeeper = exec(&[
        "mesos-master1",
        "zookeeper",
        "--",
        "sh",
        "-c",
        "echo ${MESOS_PORT:-none}; tty",
    ])
    .await;
    zookeeper.assert_code(1);
    assert_eq!(zookeeper.stdout, "none\nnot a tty\n");
    let wrong = exec(&["mesos-master1", "zokeeper", "--", "true"]).await;
    wrong.assert_code(64);
    wrong.assert_says(&["mesos-master1 has no component zokeeper", "did you mean zookeeper?"]);
    let absent = exec(&["mesos-slave4", "--", "true"]).await;
    absent.assert_code(64);
    absent.assert_says(&[&format!("harness start --name {} mesos-slave4", child.name)]);
}

async fn gives_a_command_a_terminal(child: &Child) {
    let mut command = std::process::Command::new(PROGRAM);
    command.args([
        "exec",
        "-it",
        "--name",
        &child.name,
        "mesos-slave1",
        "--",
        "sh",
        "-c",
        "tty; exit 3",
    ]);
    let (status, shown) = at_a_terminal(command).await;
    assert_eq!(status.code(), Some(3), "{shown}");
    assert!(shown.contains("/dev/pts/"), "{shown}");
}

/// `harness ssh`, with a command and with a shell that a person types into.
async fn enters_a_node_as_vagrant_did(child: &Child) {
    let script = "hostname; id -un; sudo docker logs mesos-agent 2>&1 | grep -c Registered; exit 7";
    let ran = child.harness("ssh", &["mesos-slave1", "--", "sh", "-c", script]).await;
    ran.assert_code(7);
    assert!(ran.stdout.starts_with("mesos-slave1\n"), "{}", ran.stdout);
    let registered = ran.stdout.lines().last().and_then(|count| count.parse::<u32>().ok());
    assert!(registered.is_some_and(|count| count > 0), "{}", ran.stdout);

    let mut command = std::process::Command::new(PROGRAM);
    command.args(["ssh", "--name", &child.name, "mesos-master1"]);
    let (status, shown) = typing_at_a_terminal(command, "$ ", "tput cols; echo $0; exit 5\r").await;
    assert_eq!(status.code(), Some(5), "{shown}");
    assert!(shown.contains("mesos-master1"), "{shown}");
    assert!(
        shown.contains("100\r\nbash\r\n"),
        "it has the width of this terminal: {shown}"
    );
}

async fn ends_a_command_with_a_signal(child: &Child) {
    let processes = async || {
        let list = "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' '";
        child
            .harness("exec", &["mesos-slave1", "--", "sh", "-c", list])
            .await
            .stdout
    };
    let args = ["exec", "--name", &child.name, "mesos-slave1", "--", "sleep", "4711"];
    let running = child.command(PROGRAM, &args).spawn().expect("it starts");
    let runs = async |wanted: bool| {
        let deadline = Deadline::custom("SIGNALLED", SOON);
        let wait = Wait::that(format!("the command runs: {wanted}"), deadline);
        let look = async || match processes().await.contains("sleep 4711") == wanted {
            true => Probe::Ready(()),
            false => Probe::NotYet("not yet".to_owned()),
        };
        wait.until(look).await.expect("it is so in time");
    };
    runs(true).await;
    child::send(&running, Signal::SIGTERM);
    child::end(running).await.assert_code(128 + Signal::SIGTERM as i32);
    runs(false).await;
}

async fn opens_what_is_asked(child: &Child) {
    let url = child.harness("open", &["mesos", "--print"]).await;
    url.assert_code(0);
    assert!(
        url.stdout.starts_with("http://10.") && url.stdout.ends_with(":5050\n"),
        "{}",
        url.stdout
    );
    let agent = child.harness("open", &["mesos-slave1", "--print"]).await;
    assert!(agent.stdout.ends_with(":5051\n"), "{}", agent.stdout);

    let opened = child.folder.path().join("opened");
    let browser = child.file(
        "bin/xdg-open",
        &format!("#!/bin/sh\necho \"$1\" > {}\n", opened.display()),
    );
    std::fs::set_permissions(&browser, PermissionsExt::from_mode(0o755)).expect("it is ours");
    let path = format!("{}:/usr/bin:/bin", browser.parent().expect("a folder").display());
    let env = [("PATH", path.as_str()), ("DISPLAY", ":7")];
    let shown = child.harness_with("open", &["mesos"], &env).await;
    shown.assert_code(0);
    assert_eq!(shown.stdout, url.stdout);
    Wait::that("the browser was called", Deadline::custom("OPENED", SOON))
        .until(async || match std::fs::read_to_string(&opened) {
            Ok(called) if called == url.stdout => Probe::Ready(()),
            other => Probe::NotYet(format!("{other:?}")),
        })
        .await
        .expect("it is");
}

async fn shows_its_progress_to_a_terminal_alone(child: &Child) {
    const SPINNER: [char; 4] = ['\u{2801}', '\u{2802}', '\u{2804}', '\u{2840}'];
    let command = |verb: &str, node: &str| {
        let mut command = std::process::Command::new(PROGRAM);
        command.args([verb, "--name", &child.name, node]);
        command
    };
    let (status, shown) = at_a_terminal(command("start", "mesos-slave2")).await;
    assert_eq!(status.code(), Some(0), "{shown}");
    assert!(
        shown.contains(SPINNER) && shown.contains("mesos-slave2") && shown.contains("starting"),
        "{shown:?}"
    );
    assert!(
        shown
            .trim_end()
            .lines()
            .last()
            .is_some_and(|line| line.contains("mesos-slave2 is up at")),
        "{shown:?}"
    );
    let mut dumb = command("stop", "mesos-slave2");
    dumb.env("TERM", "dumb");
    let plain = child::end(
        tokio::process::Command::from(dumb)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts"),
    )
    .await;
    plain.assert_code(0);
    assert_eq!(plain.stderr, "");
    let again = format!("`harness start --name {} mesos-slave2` starts it again", child.name);
    plain.assert_says(&["mesos-slave2 is stopped", &again]);
}

async fn shows_the_logs_of_several(child: &Child) {
    let one = child
        .harness("logs", &["mesos-master1", "mesos-master", "--tail", "5"])
        .await;
    one.assert_code(0);
    assert!(
        !one.stdout.contains(" | ") && one.stderr.lines().count() <= 5,
        "{}",
        one.stderr
    );
    let all = child.harness("logs", &["--since", "1h"]).await;
    all.assert_code(0);
    all.assert_says(&[
        "mesos-master1 zookeeper    | ",
        "mesos-master1 mesos-master | ",
        "mesos-slave1 mesos-agent   | ",
        "Registered with master",
    ]);
    let nothing = child.harness("logs", &["mesos-slave1", "--since", "0s"]).await;
    nothing.assert_code(0);
    assert!(!nothing.stderr.contains("Registered with master"), "{}", nothing.stderr);

    // Followed, both are read at once: lines of each come, though neither ends.
    let args = ["logs", "--name", &child.name, "mesos-master1", "--follow"];
    let mut running = child.command(PROGRAM, &args).spawn().expect("it starts");
    let lines = async |prefix: &str, stream: &mut (dyn tokio::io::AsyncRead + Unpin + Send)| {
        use tokio::io::AsyncBufReadExt as _;
        let mut lines = tokio::io::BufReader::new(stream).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            if line.starts_with(prefix) {
                return;
            }
        }
        panic!("no line began with {prefix:?}");
    };
    let (mut stdout, mut stderr) = (
        running.stdout.take().expect("piped"),
        running.stderr.take().expect("piped"),
    );
    let both = async {
        tokio::join!(
            lines("zookeeper    | ", &mut stdout),
            lines("mesos-master | ", &mut stderr)
        )
    };
    tokio::time::timeout(SOON, both).await.expect("they come in time");
    child::send(&running, Signal::SIGTERM);
    running.wait().await.expect("it ends");
}

#[tokio::test]
async fn a_topology_file_in_the_folder_describes_the_cluster() {
    let child = Child::new("topology").await;
    let text = "slaves = 2\nservices = \"none\"\n[agent]\nattributes = \"rack:a\"\n[node.mesos-slave2]\n\
                resources = \"cpus:3;mem:512\"\nrole = \"ads\"\n[node.mesos-slave3]\nattributes = \"rack:c\"\n";
    child.file("harness.toml", text);
    let up = async |args: &[&str]| {
        let mut command = child.command(PROGRAM, &[&["up", "--name", &child.name], args].concat());
        command.current_dir(child.folder.path());
        child::end(command.spawn().expect("it starts")).await
    };
    let said = up(&[]).await;
    said.assert_code(0);
    said.assert_says(&["the topology is that of harness.toml in this folder", "mesos-slave2"]);
    let offers = async |node: &str| {
        let print = "echo \"$MESOS_RESOURCES $MESOS_ATTRIBUTES $MESOS_DEFAULT_ROLE\"";
        child.harness("exec", &[node, "--", "sh", "-c", print]).await.stdout
    };
    assert_eq!(offers("mesos-slave2").await, "cpus:3;mem:512 rack:a ads\n");
    // One that is started later, from another folder.
    child.harness("start", &["mesos-slave3"]).await.assert_code(0);
    assert!(offers("mesos-slave3").await.ends_with(" rack:c \n"));
    let again = up(&[]).await;
    again.assert_code(0);
    again.assert_says(&["is up already"]);
    let other = up(&["--slaves", "4"]).await;
    other.assert_code(64);
    other.assert_says(&["booted with 1 masters and 2 slaves"]);
    child.file("other.toml", "slaves = 2\n[agent]\nrole = \"ads\"\n");
    let other = up(&["--topology", "other.toml"]).await;
    other.assert_code(64);
    other.assert_says(&["its agents are not those of the topology file"]);
    child.harness("down", &[]).await.assert_code(0);

    child.file("harness.toml", "masters = 10\n");
    let wrong = up(&[]).await;
    wrong.assert_code(64);
    wrong.assert_says(&["harness.toml:1: masters: is 10", "expected: 1 to 9"]);
    child.assert_nothing_left().await;
}
