//! `harness package` and `harness certify` without an engine: what they say, and how they exit.

use std::process::Command;

use harness::certify::AnyCheck;
use harness::package::{Check, archive};
use serde_json::{Value, json};

fn package(args: &[&str]) -> (i32, String, String) {
    harness("package", args)
}

fn harness(verb: &str, args: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_harness"))
        .arg(verb)
        .args(args)
        .env("DOCKER_HOST", "unix:///nonexistent.sock")
        .current_dir(harness::workspace::checkout())
        .output()
        .expect("it is there");
    let text = |bytes| String::from_utf8(bytes).expect("it is there");
    (
        output.status.code().expect("it is there"),
        text(output.stdout),
        text(output.stderr),
    )
}

#[test]
fn the_command_says_file_line_and_column_and_exits_by_errors() {
    let (code, out, _) = package(&["lint", "fixtures/packages-broken/json.syntax"]);
    assert_eq!(code, 1, "{out}");
    let place =
        "fixtures/packages-broken/json.syntax/sound/0/config.json:10:11: error: json.syntax: expected `,` or `}`";
    assert!(out.starts_with(place), "{out}");

    let (code, out, _) = package(&["lint", "fixtures/packages-broken/render.loose", "--json"]);
    assert_eq!(code, 0, "a warning alone fails nothing: {out}");
    let out: Value = serde_json::from_str(&out).expect("it is there");
    assert_eq!((&out["errors"], &out["warnings"]), (&json!(0), &json!(1)));
    assert_eq!(out["findings"][0]["check"], "render.loose");
    assert_eq!(out["packages"][0]["revisions"][0]["assets"][0]["offline"], true);

    let (code, _, err) = package(&["lint", "fixtures/images"]);
    assert_eq!(code, 64, "{err}");
    assert!(err.contains("fixtures/images has no package"), "{err}");
}

#[test]
fn the_command_renders_with_options_of_a_file() {
    let scratch = tempfile::tempdir().expect("it is there");
    let file = scratch.path().join("options.json");
    let render = |text: &str| {
        std::fs::write(&file, text).expect("it is written");
        let file = file.display().to_string();
        package(&[
            "render",
            "fixtures/packages/universe/repo/packages/H/helloworld",
            "--revision",
            "0",
            "--options",
            &file,
            "--json",
        ])
    };
    let (code, out, _) = render(r#"{"helloworld": {"instances": 3}}"#);
    assert_eq!(code, 0, "{out}");
    let out: Value = serde_json::from_str(&out).expect("it is there");
    assert_eq!(
        (&out["version"], &out["app"]["instances"]),
        (&json!("0.1.0"), &json!(3))
    );

    let (code, out, _) = render("{\"helloworld\":\n {\"instances\": 3,}}");
    let error: Value = serde_json::from_str(&out).expect("it is there");
    assert_eq!(code, 64, "{out}");
    assert!(
        error["error"]["message"]
            .as_str()
            .expect("it is there")
            .contains("options.json:2:18: "),
        "{out}"
    );

    let (code, _, err) = render(r#"{"helloworld": {"instance": 3}}"#);
    assert_eq!(code, 64, "{err}");
    assert!(err.contains("did you mean helloworld.instances?"), "{err}");

    let (code, _, err) = package(&[
        "render",
        "fixtures/packages/universe/repo/packages/H/helloworld",
        "--revision",
        "7",
    ]);
    assert_eq!(code, 64, "{err}");
    assert!(
        err.contains("has no revision 7") && err.contains("one of 0, 1"),
        "{err}"
    );
    let (code, _, err) = package(&["render", "fixtures/packages-broken/render.json"]);
    assert_eq!(code, 1, "{err}");
    assert!(err.contains("marathon.json:7:3"), "{err}");
}

#[test]
fn the_command_lists_checks_and_writes_index_and_archive() {
    let (code, out, _) = package(&["checks", "--json"]);
    let listed: Value = serde_json::from_str(&out).expect("it is there");
    assert_eq!(
        (code, listed.as_array().expect("it is there").len()),
        (0, Check::ALL.len())
    );

    let (code, out, _) = package(&["index", "fixtures/packages-broken/source.index", "--check"]);
    assert_eq!(code, 1, "{out}");
    let (code, out, _) = package(&["index", "fixtures/packages/multiverse"]);
    let index: Value = serde_json::from_str(&out).expect("it is there");
    let names: Vec<&str> = index["packages"]
        .as_array()
        .expect("it is there")
        .iter()
        .filter_map(|one| one["name"].as_str())
        .collect();
    assert_eq!((code, names), (0, vec!["hello-cli", "helloworld"]));
    assert_eq!(index["packages"][1]["versions"], json!({"0.2.0-multiverse": "0"}));

    let scratch = tempfile::tempdir().expect("it is there");
    let zip = scratch.path().join("u.zip").display().to_string();
    let (code, out, _) = package(&["zip", "fixtures/packages/universe", &zip]);
    assert_eq!(code, 0, "{out}");
    let (code, out, _) = package(&["lint", &zip, "--offline"]);
    assert_eq!(code, 0, "{out}");
}

/// What is wrong with the request is told before anything else: no engine is there at all.
#[test]
fn the_certifier_refuses_what_is_no_package_at_once() {
    let scratch = tempfile::tempdir().expect("it is there");
    let file = |name: &str, bytes: &[u8]| {
        let path = scratch.path().join(name);
        std::fs::write(&path, bytes).expect("it is written");
        path.display().to_string()
    };
    let zip = |names: &[&str]| {
        let files = names.iter().map(|name| ((*name).to_owned(), &b"{}"[..]));
        archive::write(files).expect("names are different")
    };
    let traversal = file(
        "traversal.zip",
        &zip(&["top/repo/packages/X/x/0/package.json", "../evil"]),
    );
    let no_zip = file("page.zip", b"<html>404</html>");
    let unknown = file("unknown.json", br#"{"helloworld": {"cpu": 1}}"#);
    let broken = file("broken.json", b"{\n  \"helloworld\": }");
    for (args, expected, part) in [
        (&["helloword"][..], 64, "did you mean helloworld?"),
        (&["helloworld", "--revision", "7"], 64, "has no revision 7"),
        (
            &["helloworld", "--options", &unknown],
            64,
            "did you mean helloworld.cpus?",
        ),
        (
            &["helloworld", "--options", &broken],
            64,
            "broken.json:2:17: expected value",
        ),
        (&["helloworld", "--artefacts", &broken], 64, "is no artefact index"),
        (&["fixtures/packages/multiverse"], 64, "has 2 packages"),
        (&[&traversal], 1, "\"../evil\" leads out of the archive"),
        (&[&no_zip], 1, "is no intact zip archive"),
        (&[], 64, "PATH-OR-NAME"),
        (&["helloworld"], 3, "/nonexistent.sock"),
    ] {
        let (code, _, err) = harness("certify", args);
        assert_eq!(code, expected, "{args:?}: {err}");
        assert!(err.contains(part), "{args:?}: {err}");
    }
}

#[test]
fn the_certifier_lists_every_check() {
    let (code, out, _) = harness("certify", &["--list-checks", "--json"]);
    let listed: Value = serde_json::from_str(&out).expect("it is JSON");
    let listed: Vec<&str> = listed
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|one| one["check"].as_str())
        .collect();
    assert_eq!((code, listed), (0, AnyCheck::all().map(AnyCheck::id).collect()));
}
