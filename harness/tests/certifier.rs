//! The certifier can fail: each broken package is refused for the mistake that it has.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;

use harness::certify::{AnyCheck, Certificate, Certifier, LiveCheck, Verdict};
use harness::report::Outcome;
use rstest::rstest;

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
    let certifier = Certifier::of(folder(check).display().to_string()).until_first_failure();

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
