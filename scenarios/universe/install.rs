//! `dcos package install`, `list` and `uninstall`.

use harness::evidence::Verdict;
use harness::{Cluster, Result, check, check_contains};
use rstest::rstest;

use super::{updated, written};
use crate::dcos_cli::{cells, dcos, dcos_package, document};
use crate::redactions::assert_document;

mod readme {
    use harness::evidence::Verdict;
    use harness::{Cluster, Result, check, check_contains};
    use rstest::rstest;

    use super::super::{answered, updated, written};
    use crate::dcos_cli::{cells, dcos};
    use crate::redactions::assert_text;

    /// README "Spark Package": the notes, the question, an answer that is none, and yes.
    #[rstest]
    #[tokio::test]
    async fn question_is_answered_with_yes(#[future] updated: Result<Cluster>) -> Verdict {
        let cluster = updated.await?;

        let no = answered(&cluster, &["package", "install", "helloworld"], "no\n")
            .await?
            .success()?;
        let apps = cluster.marathon().apps().await?;
        let yes = answered(&cluster, &["package", "install", "helloworld"], "maybe\nyes\n")
            .await?
            .success()?;

        check_contains!(no.stdout, "Continue installing? [yes/no] Exiting installation.\n");
        check!(apps.is_empty(), "after a no nothing is installed");
        assert_text(&cluster, "universe", "install", &yes.stdout);
        cluster
            .marathon()
            .await_app("/helloworld", "helloworld runs", |app| app.tasks_healthy == 1)
            .await?;
        cluster.finish().await
    }

    /// README "Kafka Package": `--options` names a file of options.
    #[rstest]
    #[tokio::test]
    async fn options_are_laid_over_the_defaults(#[future] updated: Result<Cluster>) -> Verdict {
        let cluster = updated.await?;
        let options = r#"{"helloworld": {"id": "hello-2", "instances": 2, "greeting": "It's me"}}"#;
        let options = format!("--options={}", written(&cluster, "/tmp/options.json", options).await?);

        dcos(&cluster, &["package", "install", "--yes", &options, "helloworld"])
            .await?
            .success()?;

        let app = cluster.marathon();
        let app = app
            .await_app("/hello-2", "both run", |app| app.tasks_healthy == 2)
            .await?;
        let task = &app.tasks[0];
        let said = cluster
            .slave(1)?
            .http(task.ports[0])
            .get("/")
            .send()
            .await?
            .ok()?
            .text();
        check!(said == "It's me\n");
        cluster.finish().await
    }

    /// README "Kafka Package": a package brings a sub-command, which the client finds from then on.
    #[rstest]
    #[tokio::test]
    async fn sub_command_is_found(#[future] updated: Result<Cluster>) -> Verdict {
        let cluster = updated.await?;
        let before = dcos(&cluster, &["helloworld", "greet"]).await?;

        let install = dcos(&cluster, &["package", "install", "hello-cli"])
            .await?
            .success()?
            .stdout;

        check!(before.exit_code == 1);
        check_contains!(before.stderr, "'helloworld' is not a dcos command.");
        check_contains!(install, "New command available: dcos helloworld\n");
        let greeting = dcos(&cluster, &["helloworld", "greet", "Ada"]).await?.success()?;
        check!(greeting.stdout == "Hello, Ada!\n");
        let help = dcos(&cluster, &["help"]).await?.success()?.stdout;
        check!(
            cells(&help)
                .iter()
                .any(|row| row.join(" ") == "helloworld Greet from the command line")
        );
        check!(
            dcos(&cluster, &["config", "validate"]).await?.exit_code == 0,
            "its schema is asked for"
        );
        dcos(&cluster, &["package", "uninstall", "hello-cli"])
            .await?
            .success()?;
        check!(dcos(&cluster, &["helloworld", "greet"]).await?.exit_code == 1);
        cluster.finish().await
    }
}

/// Under an id of its own, and once more under that of the package.
#[rstest]
#[tokio::test]
async fn two_of_a_package_are_told_apart(#[future] updated: Result<Cluster>) -> Verdict {
    let cluster = updated.await?;
    dcos(&cluster, &["package", "install", "--yes", "helloworld"])
        .await?
        .success()?;
    dcos(
        &cluster,
        &["package", "install", "--yes", "--app", "--app-id=/other", "helloworld"],
    )
    .await?
    .success()?;

    let which = dcos_package(&cluster, &["uninstall", "helloworld"]).await?;
    dcos(
        &cluster,
        &["package", "uninstall", "--app", "--app-id=/other", "helloworld"],
    )
    .await?
    .success()?;
    cluster.marathon().at_rest().await?;
    let left = document(&cluster, &["package", "list", "--json"]).await?;
    dcos(
        &cluster,
        &["package", "install", "--yes", "--app", "--app-id=/other", "helloworld"],
    )
    .await?
    .success()?;
    dcos(&cluster, &["package", "uninstall", "--app", "--all", "helloworld"])
        .await?
        .success()?;

    check!(which.exit_code == 1);
    check_contains!(which.stderr, "Multiple apps named [helloworld] are installed: [");
    check_contains!(
        which.stderr,
        "use --app-id to specify the ID of the app to uninstall, or use --all"
    );
    check!(left[0]["apps"] == serde_json::json!(["/helloworld"]));
    let none = dcos(&cluster, &["package", "list"]).await?;
    check!(none.exit_code == 1);
    check_contains!(none.stderr, "There are currently no installed packages.");
    cluster.finish().await
}

#[rstest]
#[tokio::test]
async fn app_or_command_is_installed_alone(#[future] updated: Result<Cluster>) -> Verdict {
    let cluster = updated.await?;
    dcos(&cluster, &["config", "unset", "package.sources", "--index=0"])
        .await?
        .success()?;

    let command = dcos(&cluster, &["package", "install", "--yes", "--cli", "helloworld"])
        .await?
        .success()?
        .stdout;
    let listed = dcos(&cluster, &["package", "list"]).await?.success()?.stdout;
    let apps = cluster.marathon().apps().await?;
    let install = [
        "package",
        "install",
        "--yes",
        "--app",
        "--package-version=0.1.0",
        "helloworld",
    ];
    let app = dcos(&cluster, &install).await?.success()?.stdout;

    check!(command.contains("Installing CLI subcommand for package [helloworld] version [0.2.0]\n") && apps.is_empty());
    check!(cells(&listed)[1][..4] == ["helloworld", "0.2.0", "---", "helloworld"]);
    check!(app.contains("Installing Marathon app for package [helloworld] version [0.1.0]\n") && !app.contains("CLI"));
    let labels = cluster.marathon().app("/helloworld").await?.labels;
    check!(labels["DCOS_PACKAGE_VERSION"] == "0.1.0" && labels["DCOS_PACKAGE_RELEASE"] == "0");
    dcos(&cluster, &["package", "uninstall", "--cli", "helloworld"])
        .await?
        .success()?;
    check!(cluster.marathon().apps().await?.len() == 1, "the app stays");
    cluster.finish().await
}

#[rstest]
#[tokio::test]
async fn installed_ones_are_listed_with_endpoints(#[future] updated: Result<Cluster>) -> Verdict {
    let cluster = updated.await?;
    dcos(&cluster, &["package", "install", "--yes", "helloworld"])
        .await?
        .success()?;
    let marathon = cluster.marathon();
    let app = marathon
        .await_app("/helloworld", "it runs", |app| app.tasks_running == 1)
        .await?;

    let mut list = document(&cluster, &["package", "list", "--json", "--endpoints", "helloworld"]).await?;

    let ports = list[0]["endpoints"][0]["ports"].take();
    check!(ports == serde_json::json!(app.tasks[0].ports));
    assert_document(&cluster, "universe", "list", &list);
    let table = dcos(&cluster, &["package", "list"]).await?.success()?.stdout;
    check!(cells(&table)[1][..4] == ["helloworld", "0.2.0-multiverse", "/helloworld", "---"]);
    cluster.finish().await
}

/// The client asks the scheduler nothing: it ends the framework of the name that the install wrote into a label.
#[rstest]
#[tokio::test]
async fn framework_ends_with_its_package(#[future] named: Result<Cluster>) -> Verdict {
    let cluster = named.await?;
    dcos(&cluster, &["package", "update"]).await?.success()?;
    dcos(&cluster, &["package", "install", "--yes", "hello-framework"])
        .await?
        .success()?;
    let marathon = cluster.marathon();
    marathon
        .await_app("/hello-framework", "its scheduler serves", |app| app.tasks_healthy == 1)
        .await?;
    let running = dcos(&cluster, &["service"]).await?.success()?.stdout;
    check!(
        cells(&running)
            .iter()
            .any(|row| row[0] == "hello-framework" && row[2] == "True")
    );

    let uninstall = dcos_package(&cluster, &["uninstall", "hello-framework"])
        .await?
        .success()?;

    check_contains!(
        uninstall.stderr,
        "Uninstalled package [hello-framework] version [0.2.0]\n"
    );
    check_contains!(uninstall.stderr, "hello-framework is gone, and its tasks with it.\n");
    let state = cluster.mesos().state().await?.typed;
    check!(
        !state
            .frameworks
            .iter()
            .any(|framework| framework.name == "hello-framework")
    );
    check!(
        state
            .completed_frameworks
            .iter()
            .any(|framework| framework.name == "hello-framework")
    );
    cluster.finish().await
}

/// Its scheduler finds the master and Marathon by their names.
#[rstest::fixture]
async fn named() -> Result<Cluster> {
    Cluster::builder()
        .marathon()
        .admin_router()
        .mesos_dns()
        .universe()
        .boot()
        .await
}

#[rstest]
#[case::unknown(
    r#"{"helloworld": {"cpu": 1}}"#,
    "Additional properties are not allowed ('cpu' was unexpected)"
)]
#[case::too_small(r#"{"helloworld": {"mem": 1}}"#, "1 is less than the minimum of 16")]
#[case::no_json("{\"helloworld\": ", "Error loading JSON")]
#[tokio::test]
async fn wrong_options_are_refused(
    #[future] updated: Result<Cluster>,
    #[case] options: &str,
    #[case] message: &str,
) -> Verdict {
    let cluster = updated.await?;
    let options = format!("--options={}", written(&cluster, "/tmp/wrong.json", options).await?);

    let install = dcos(&cluster, &["package", "install", "--yes", &options, "helloworld"]).await?;

    check!(install.exit_code == 1);
    check_contains!(install.stderr, message);
    check!(cluster.marathon().apps().await?.is_empty());
    let unknown = dcos_package(&cluster, &["install", "--yes", "no-such-package"]).await?;
    check!(unknown.exit_code == 1);
    check_contains!(
        unknown.stderr,
        "Package [no-such-package] not found\nYou may need to run 'dcos package update'"
    );
    cluster.finish().await
}
