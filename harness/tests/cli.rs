//! The command line without any engine: help, completions, colours, wrong usage, and what a program reads.

mod child;

use std::process::Command;

use child::pty::at_a_terminal;
use harness::error::EXIT_CODES;
use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_harness");
const VERBS: [&str; 20] = [
    "up",
    "status",
    "ps",
    "down",
    "ssh",
    "exec",
    "env",
    "tool",
    "open",
    "start",
    "stop",
    "logs",
    "conform",
    "images",
    "package",
    "certify",
    "doctor",
    "setup",
    "sweep",
    "completions",
];

/// The program on no particular terminal, without an engine.
fn command(args: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command
        .args(args)
        .env("COLUMNS", "100")
        .env("DOCKER_HOST", "unix:///nonexistent.sock");
    for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "HARNESS_STACK"] {
        command.env_remove(name);
    }
    command
}

fn run(args: &[&str]) -> (i32, String, String) {
    let output = command(args).output().expect("it runs");
    let text = |bytes| String::from_utf8(bytes).expect("it says UTF-8");
    let code = output.status.code().expect("no signal ended it");
    (code, text(output.stdout), text(output.stderr))
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn checkout(path: &str) -> String {
    std::fs::read_to_string(harness::workspace::checkout().join(path)).expect("it is there")
}

#[test]
fn help_is_what_it_was() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(harness::workspace::checkout().join("snapshots/cli"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        let (code, help, _) = run(&["--help"]);
        assert_eq!(code, 0);
        insta::assert_snapshot!("help", help);
        for verb in VERBS {
            let (code, help, _) = run(&[verb, "--help"]);
            assert_eq!(code, 0, "{verb}");
            insta::assert_snapshot!(format!("help-{verb}"), help);
        }
    });
}

#[test]
fn the_readme_has_the_exit_codes_of_the_program() {
    let readme = checkout("README.md");
    for row in EXIT_CODES {
        let line = format!("| {} | {} | {} |", row.code, row.meaning, row.conform);
        assert!(readme.contains(&line), "{line:?} stands in README.md");
    }
}

#[test]
fn completions_know_every_verb() {
    for shell in ["bash", "zsh", "fish"] {
        let (code, script, _) = run(&["completions", shell]);
        assert_eq!(code, 0, "{shell}");
        for verb in VERBS {
            assert!(script.contains(verb), "{verb} stands in the completions for {shell}");
        }
    }
    let (code, _, said) = run(&["completions", "dash"]);
    assert_eq!(code, 64);
    assert!(said.contains("possible values: bash"), "{said}");
}

#[test]
fn bash_completes_verbs_and_options() {
    let script = r#"source /dev/stdin
        complete_words() {
            COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
            _harness harness "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
            echo "${COMPREPLY[@]}"
        }
        complete_words harness st
        complete_words harness down --f"#;
    let mut bash = Command::new("bash");
    let (_, completions, _) = run(&["completions", "bash"]);
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(file.path(), completions).expect("it is written");
    let input = std::fs::File::open(file.path()).expect("it is there");
    let output = bash.args(["-c", script]).stdin(input).output().expect("bash runs");
    let words = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(words, "status start stop\n--foreign\n", "{output:?}");
}

#[test]
fn a_mistyped_word_is_told_what_it_may_have_been() {
    for (args, said) in [
        (&["statsu"][..], "'status'"),
        (&["up", "--slave", "2"], "'--slaves'"),
        (&["ssh", "slave2"], "did you mean mesos-slave2?"),
        (&["open", "mesos-mastr1"], "did you mean mesos-master1?"),
        (&["logs", "mesos-agent1"], "did you mean mesos-slave1?"),
    ] {
        let (code, stdout, stderr) = run(args);
        assert_eq!((code, stdout.as_str()), (64, ""), "{args:?}");
        assert!(stderr.contains(said), "{said} stands in {stderr}");
    }
}

#[test]
fn an_error_is_one_document_too_and_a_person_reads_it_beside() {
    for verb in [
        &["up"][..],
        &["status"],
        &["ps"],
        &["down"],
        &["sweep"],
        &["start", "mesos-slave2"],
        &["stop", "mesos-slave2"],
        &["images", "list"],
        &["images", "prune"],
        &["images", "save", "all.tar"],
        &["images", "load", "all.tar"],
    ] {
        let (code, stdout, stderr) = run(&[verb, &["--json"]].concat());
        let error = &json(&stdout)["error"];
        assert_eq!(code, 3, "{verb:?}");
        assert_eq!(
            (&error["kind"], &error["exit_code"]),
            (&"environment".into(), &3.into())
        );
        let message = error["message"].as_str().expect("a string");
        assert!(message.contains("no Docker engine answers"), "{message}");
        assert!(error["hint"].is_string(), "{error}");
        assert!(stderr.contains(&format!("error: {message}")), "{stderr}");
    }
}

#[test]
fn wrong_usage_is_one_document_too() {
    let (code, stdout, stderr) = run(&["ps", "--json", "--nodes"]);
    let error = &json(&stdout)["error"];
    assert_eq!(
        (code, &error["kind"], &error["exit_code"]),
        (64, &"usage".into(), &64.into())
    );
    assert!(
        error["message"].as_str().expect("a string").contains("--nodes"),
        "{error}"
    );
    assert!(stderr.contains("Usage: harness ps"), "{stderr}");
    let (_, stdout, _) = run(&["exec", "mesos-slave", "--", "ps", "--json"]);
    assert_eq!(stdout, "", "the option is another command's");
}

#[test]
fn a_conformance_run_without_a_scenario_is_a_verdict_too() {
    let (code, stdout, stderr) = run(&["conform", "--only", "mesos.tusk", "--json"]);
    let verdict = json(&stdout);
    assert_eq!(
        (code, &verdict["verdict"], &verdict["exit_code"]),
        (4, &"not-run".into(), &4.into())
    );
    assert_eq!(
        (&verdict["report"], &verdict["requirements"]),
        (&Value::Null, &Value::Array(Vec::new()))
    );
    let message = verdict["error"]["message"].as_str().expect("a string");
    assert!(message.contains("no requirement is mesos.tusk"), "{message}");
    assert!(stderr.contains(message), "{stderr}");
}

#[test]
fn doctor_answers_a_program_whatever_it_finds() {
    let (code, stdout, _) = run(&["doctor", "--json"]);
    let answer = json(&stdout);
    assert_eq!((code, &answer["usable"]), (3, &Value::Bool(false)));
    let checks = answer["checks"].as_array().expect("a list");
    let engine = checks
        .iter()
        .find(|check| check["name"] == "docker engine")
        .expect("it is checked");
    assert_eq!(engine["verdict"], "missing");
    assert!(engine["remedy"].is_string(), "{engine}");
}

/// Whether there are colours in how `harness ps` fails, with these options and variables.
fn is_coloured(args: &[&str], env: &[(&str, &str)]) -> bool {
    let output = command(&[&["ps"], args].concat())
        .envs(env.iter().copied())
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("no Docker engine answers"), "{said}");
    said.contains('\u{1b}')
}

#[test]
fn colours_are_for_terminals_and_for_those_who_ask() {
    assert!(!is_coloured(&[], &[]));
    assert!(is_coloured(&["--color", "always"], &[]));
    assert!(
        is_coloured(&["--color", "always"], &[("NO_COLOR", "1")]),
        "the option is the last word"
    );
    assert!(is_coloured(&[], &[("CLICOLOR_FORCE", "1")]));
    assert!(!is_coloured(&["--color", "never"], &[("CLICOLOR_FORCE", "1")]));
    assert!(!is_coloured(&[], &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]));
}

#[tokio::test]
async fn a_terminal_has_colours_unless_told_otherwise() {
    let (status, shown) = at_a_terminal(command(&["doctor"])).await;
    assert_eq!(status.code(), Some(3));
    assert!(shown.contains("\u{1b}[31mmissing"), "{shown:?}");
    let mut plain = command(&["ps"]);
    plain.env("NO_COLOR", "1");
    for plain in [plain, command(&["ps", "--color=never"])] {
        let (_, shown) = at_a_terminal(plain).await;
        assert!(shown.contains("error:") && !shown.contains('\u{1b}'), "{shown:?}");
    }
}
