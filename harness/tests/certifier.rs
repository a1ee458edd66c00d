//! The certifier can fail: each broken package is refused for the mistake that it has.

mod child;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use child::{Child, Ended};

use harness::certify::{AnyCheck, Certificate, Certifier, LiveCheck, Verdict};
use harness::package::{index, source};
use harness::report::Outcome;
use rstest::rstest;
use serde_json::Value;

/// A package of `fixtures/packages-broken/`, in the folder that is called as its check.
struct Broken {
    /// The check that must catch it.
    check: LiveCheck,
    /// The same mistake by the words of other checks; no other check fails.
    also: &'static [LiveCheck],
    /// A part of the reason.
    says: &'static str,
}

const fn broken(check: LiveCheck, says: &'static str) -> Broken {
    Broken { check, also: &[], says }
}

/// One for every check on a cluster.
const BROKEN: &[Broken] = &[
    broken(
        LiveCheck::InstallRuns,
        "`dcos package install --yes sound` ended with exit code 1",
    ),
    broken(LiveCheck::InstallApp, "in place of \"2015-11-20T00:00:00.000Z\""),
    broken(LiveCheck::InstallHealthy, "is not healthy 4s after its start"),
    broken(LiveCheck::ServeFramework, "0 active of that name; there are"),
    broken(LiveCheck::ServePage, "502 Bad Gateway"),
    broken(LiveCheck::ServeName, "sound.mesos does not resolve"),
    // What the sub-command said last, dcos 0.3.6 may drop: it reads no more once its child has ended.
    broken(LiveCheck::ServeCommand, "`dcos sound --info` ended with exit code 1"),
    broken(LiveCheck::SurviveTask, "ended as TASK_FAILED"),
    broken(LiveCheck::SurviveScheduler, "ended as TASK_FAILED"),
    broken(LiveCheck::SurviveAgent, "in vain until 2 tasks of /sound are healthy"),
    broken(LiveCheck::UninstallRuns, "multiple frameworks with the same name"),
    broken(LiveCheck::LeaveApp, "apps are left: /left-behind"),
    broken(LiveCheck::LeaveFramework, "frameworks are left: left-behind ("),
    Broken {
        check: LiveCheck::LeaveTask,
        also: &[LiveCheck::LeaveApp, LiveCheck::LeaveName],
        says: "tasks are left: left-behind (",
    },
    broken(LiveCheck::LeaveReservation, "for left-behind on"),
    broken(LiveCheck::LeaveZnode, "nodes in ZooKeeper are left: /left-behind"),
    Broken {
        check: LiveCheck::LeaveName,
        also: &[LiveCheck::LeaveFramework],
        says: "names in DNS are left: left-behind.mesos.",
    },
    broken(LiveCheck::InstallAgain, "ended as TASK_FAILED"),
    broken(LiveCheck::UpgradeHealthy, "ended as TASK_FAILED"),
    broken(LiveCheck::UpgradeState, "an update lost the framework sound-"),
];

fn folder(check: LiveCheck) -> PathBuf {
    harness::workspace::fixtures()
        .join("packages-broken")
        .join(check.id())
        .join("sound")
}

fn failed(certificate: &Certificate) -> BTreeSet<AnyCheck> {
    certificate.failed().map(|judged| judged.check).collect()
}

#[test]
fn every_check_on_a_cluster_has_a_broken_package() {
    let caught: Vec<LiveCheck> = BROKEN.iter().map(|broken| broken.check).collect();
    assert_eq!(caught, LiveCheck::ALL);
    let mut table = String::new();
    for broken in BROKEN {
        assert!(folder(broken.check).is_dir(), "{}", broken.check);
        let also: Vec<&str> = broken.also.iter().map(|check| check.id()).collect();
        let also = if also.is_empty() {
            String::new()
        } else {
            format!(" (also {})", also.join(", "))
        };
        let _ = writeln!(
            table,
            "{}{also}\n    {}\n    … {}",
            broken.check,
            broken.check.what(),
            broken.says
        );
    }
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(harness::workspace::checkout().join("snapshots/packages"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!("broken-live", table));
}

#[rstest]
#[case::install_runs(LiveCheck::InstallRuns)]
#[case::install_app(LiveCheck::InstallApp)]
#[case::install_healthy(LiveCheck::InstallHealthy)]
#[case::serve_framework(LiveCheck::ServeFramework)]
#[case::serve_page(LiveCheck::ServePage)]
#[case::serve_name(LiveCheck::ServeName)]
#[case::serve_command(LiveCheck::ServeCommand)]
#[case::survive_task(LiveCheck::SurviveTask)]
#[case::survive_scheduler(LiveCheck::SurviveScheduler)]
#[case::survive_agent(LiveCheck::SurviveAgent)]
#[case::uninstall_runs(LiveCheck::UninstallRuns)]
#[case::leave_app(LiveCheck::LeaveApp)]
#[case::leave_framework(LiveCheck::LeaveFramework)]
#[case::leave_task(LiveCheck::LeaveTask)]
#[case::leave_reservation(LiveCheck::LeaveReservation)]
#[case::leave_znode(LiveCheck::LeaveZnode)]
#[case::leave_name(LiveCheck::LeaveName)]
#[case::install_again(LiveCheck::InstallAgain)]
#[case::upgrade_healthy(LiveCheck::UpgradeHealthy)]
#[case::upgrade_state(LiveCheck::UpgradeState)]
#[tokio::test]
async fn a_broken_package_is_refused_for_its_mistake(#[case] check: LiveCheck) {
    let broken = BROKEN
        .iter()
        .find(|broken| broken.check == check)
        .expect("a test looks for each");
    let mut certifier = Certifier::of(folder(check).display().to_string()).until_first_failure();
    if check == LiveCheck::SurviveAgent {
        // It never comes back: a wait of any length ends so.
        certifier = certifier.back_within(Some(Duration::from_secs(15)));
    }

    let certificate = certifier
        .run()
        .await
        .unwrap_or_else(|error| panic!("{}", error.explain()));

    assert_eq!(certificate.verdict, Verdict::Refused);
    let expected = broken.also.iter().chain([&check]).map(|check| AnyCheck::Live(*check));
    assert_eq!(
        failed(&certificate),
        expected.collect(),
        "{:#?}",
        certificate.failed().collect::<Vec<_>>()
    );
    let own = certificate
        .failed()
        .find(|judged| judged.check == AnyCheck::Live(check))
        .expect("it is among them");
    let reason = own.reason.as_deref().unwrap_or_default();
    assert!(reason.contains(broken.says), "{reason}");
    assert_eq!(own.remedy.as_deref(), Some(check.remedy()));
    let after = LiveCheck::ALL.iter().filter(|other| **other > check);
    let untouched = certificate
        .checks
        .iter()
        .filter(|judged| judged.outcome == Outcome::NotRun)
        .count();
    assert!(untouched <= after.count(), "what comes before it was made");
}

/// The files are judged first: no cluster is booted for a package that cannot be right.
#[tokio::test]
async fn a_package_with_errors_in_its_files_is_refused_at_once() {
    let path = harness::workspace::fixtures().join("packages-broken/app.privileged/sound");
    let certificate = Certifier::of(path.display().to_string()).run().await;
    let certificate = certificate.unwrap_or_else(|error| panic!("{}", error.explain()));
    assert_eq!(certificate.verdict, Verdict::Refused);
    assert!(certificate.components.is_empty() && certificate.run.seconds < 10.0);
    let checks: Vec<&str> = certificate.failed().map(|judged| judged.check.id()).collect();
    assert_eq!(checks, ["app.privileged", "asset.missing"]);
    let live = certificate
        .checks
        .iter()
        .filter(|judged| matches!(judged.check, AnyCheck::Live(_)));
    assert!(live.clone().all(|judged| judged.outcome == Outcome::NotRun) && live.count() == LiveCheck::ALL.len());
}

/// `harness certify`, and what it wrote: the JSON and the page.
async fn command(child: &Child, args: &[&str], code: i32) -> (Ended, Value, String) {
    let out = child.folder.path().join("certificate");
    let out = out.display().to_string();
    let ended = child
        .program(&[&["certify"], args, &["--out", &out]].concat(), &[])
        .await;
    ended.assert_code(code);
    let read = |name: &str| std::fs::read_to_string(Path::new(&out).join(name)).expect("it is written");
    let certificate = serde_json::from_str(&read("certificate.json")).expect("it is JSON");
    (ended, certificate, read("certificate.html"))
}

#[tokio::test]
async fn the_command_refuses_by_its_exit_code_and_writes_why() {
    let child = Child::new("refused").await;
    let path = harness::workspace::fixtures().join("packages-broken/app.privileged/sound");
    let path = path.display().to_string();
    let remedy = harness::package::Check::AppPrivileged.remedy();

    let (ended, written, page) = command(&child, &[&path, "--json"], 1).await;

    let said: Value = serde_json::from_str(&ended.stdout).expect("one JSON document");
    assert_eq!(said, written);
    assert_eq!(written["verdict"], "refused");
    let own = |check: &str| {
        let all = written["checks"].as_array().expect("a list").iter();
        all.clone()
            .find(|one| one["check"] == check)
            .expect("every check is there")
            .clone()
    };
    assert_eq!(
        (&own("app.privileged")["outcome"], &own("install.runs")["outcome"]),
        (&"failed".into(), &"not-run".into())
    );
    assert_eq!(own("app.privileged")["remedy"], remedy);
    let place = own("app.privileged")["evidence"][0]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    assert!(place.contains("sound/0/marathon.json"), "{place}");
    for part in ["app.privileged", remedy, "refused: ", "sound/0/marathon.json"] {
        assert!(page.contains(part), "{part}: {page}");
    }

    let (ended, _, _) = command(&child, &[&path], 1).await;
    ended.assert_says(&[
        "sound 1.0.0 (revision 0): refused: 2 failed",
        remedy,
        "/certificate/certificate.html",
    ]);
    child.assert_nothing_left().await;
}

/// Of an archive with two packages, as a user's is; the one without an app, which takes a cluster the shortest.
#[tokio::test]
async fn the_command_certifies_one_of_an_archive_and_shows_what_it_saw() {
    let child = Child::new("certified").await;
    let sources = source::open(&harness::workspace::fixtures().join("packages/multiverse")).expect("it is there");
    let archive = child.folder.path().join("two.zip");
    std::fs::write(&archive, index::zip(&sources[0], "two").expect("it is made")).expect("it is written");
    let archive = archive.display().to_string();

    let (ended, certificate, page) = command(&child, &[&archive, "--package", "hello-cli"], 0).await;

    ended.assert_says(&[
        "hello-cli 0.1.0 (revision 0): certified: ",
        "serve.command",
        "/certificate/certificate.html",
    ]);
    assert_eq!(certificate["verdict"], "certified");
    let (subject, run) = (&certificate["subject"], &certificate["run"]);
    assert_eq!(
        (&subject["name"], &subject["path"]),
        (&"hello-cli".into(), &archive.as_str().into())
    );
    let sha256 = subject["sha256"].as_str().unwrap_or_default();
    assert!(
        sha256.len() == 64 && sha256.bytes().all(|byte| byte.is_ascii_hexdigit()),
        "{sha256}"
    );
    assert_eq!(run["command"], format!("harness certify {archive} --package hello-cli"));
    let at = |key: &str| {
        run[key]
            .as_str()
            .unwrap_or_default()
            .parse::<jiff::Timestamp>()
            .expect("RFC 3339")
    };
    assert!(
        run["seconds"].as_f64() > Some(0.0) && at("started") <= at("ended"),
        "{run}"
    );
    let components = certificate["components"].as_array().expect("a list");
    for name in ["mesos-master", "mesos-agent", "marathon", "universe"] {
        let one = components.iter().find(|one| one["name"] == name);
        let one = one.unwrap_or_else(|| panic!("{name}: {components:?}"));
        let said = |key: &str| one[key].as_str().is_some_and(|text| !text.is_empty());
        assert!(
            said("version") && said("provenance") && said("artefact") && said("image"),
            "{one}"
        );
        assert!(said("sha256") || one["provenance"] == "stand-in", "{one}");
    }
    let live: Vec<&str> = LiveCheck::ALL.iter().map(|check| check.id()).collect();
    let checks = certificate["checks"].as_array().expect("a list").iter();
    let passed =
        checks.filter(|one| one["outcome"] == "passed" && live.contains(&one["check"].as_str().unwrap_or_default()));
    let passed: Vec<&Value> = passed.collect();
    for one in &passed {
        let shown = one["evidence"].as_array().is_some_and(|lines| !lines.is_empty());
        assert!(shown && one["seconds"].as_f64() > Some(0.0), "{one}");
    }
    let ids: Vec<&str> = passed.iter().filter_map(|one| one["check"].as_str()).collect();
    assert!(
        ["install.runs", "serve.command", "leave.framework"]
            .iter()
            .all(|id| ids.contains(id)),
        "{ids:?}"
    );
    assert!(
        page.contains("hello-cli") && page.contains("serve.command") && page.contains(sha256),
        "{page}"
    );
    child.assert_nothing_left().await;
}
