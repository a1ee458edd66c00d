//! `dcos marathon`: apps, their tasks and their deployments.

use std::collections::BTreeMap;

use harness::client::marathon::App;
use harness::component::Service;
use harness::docker::exec::{ExecOutput, ExecSpec};
use harness::evidence::Verdict;
use harness::{Cluster, Error, Kind, Result, check, check_contains};
use rstest::{fixture, rstest};
use serde_json::{Value, json};

use super::{cells, dcos, document};

/// The cluster of the other commands, and Marathon.
#[fixture]
async fn apps() -> Result<Cluster> {
    let builder = Cluster::builder().service(Service::AdminRouter);
    builder.service(Service::Marathon).boot().await
}

const WEB: &str = r#"{"id": "/web", "cmd": "sleep 1000", "cpus": 0.1, "mem": 16, "instances": 1}"#;

/// `dcos marathon app add`, with the descriptor on standard input.
async fn add(cluster: &Cluster, app: &str) -> Result<ExecOutput> {
    with_input(cluster, &["marathon", "app", "add"], app).await
}

async fn with_input(cluster: &Cluster, args: &[&str], input: &str) -> Result<ExecOutput> {
    let command = ExecSpec::new(["dcos"].iter().chain(args).copied()).stdin(input);
    cluster.toolbox().await?.run(command).await
}

/// Waits for the end of the deployment that `output` tells of.
async fn deployed(cluster: &Cluster, output: ExecOutput) -> Result<()> {
    let output = output.success()?;
    let id = output
        .stdout
        .trim()
        .trim_start_matches("Created deployment ")
        .to_owned();
    let watch = ["marathon", "deployment", "watch", "--max-count=60", "--interval=1", &id];
    dcos(cluster, &watch).await?.success().map(drop)
}

#[rstest]
#[tokio::test]
async fn app_is_added_scaled_and_removed(#[future] apps: Result<Cluster>) -> Verdict {
    let cluster = apps.await?;

    let added = add(&cluster, WEB).await?.success()?;
    // Until then it is locked.
    let at_rest = |app: &App| app.tasks_running == 1 && app.deployments.is_empty();
    cluster.marathon().await_app("/web", "it is deployed", at_rest).await?;
    deployed(
        &cluster,
        dcos(&cluster, &["marathon", "app", "update", "web", "instances=2"]).await?,
    )
    .await?;

    check!(added.stdout.is_empty(), "a new app is no news");
    let table = dcos(&cluster, &["marathon", "app", "list"]).await?.success()?.stdout;
    let rows = cells(&table);
    check!(rows[0] == ["ID", "MEM", "CPUS", "TASKS", "HEALTH", "DEPLOYMENT", "CONTAINER", "CMD"]);
    check!(rows[1][..5] == ["/web", "16.0", "0.1", "2/2", "---"]);
    let tasks = document(&cluster, &["marathon", "task", "list", "--json"]).await?;
    check!(tasks.as_array().map(Vec::len) == Some(2));
    let again = add(&cluster, WEB).await?;
    check!(again.exit_code == 1);
    check_contains!(again.stderr, "Application '/web' already exists");
    dcos(&cluster, &["marathon", "app", "remove", "web"]).await?.success()?;
    let none = dcos(&cluster, &["marathon", "app", "show", "web"]).await?;
    check!(none.exit_code == 1);
    check_contains!(none.stderr, "Error: App '/web' does not exist");
    cluster.finish().await
}

#[rstest]
#[tokio::test]
async fn versions_are_listed_and_shown(#[future] apps: Result<Cluster>) -> Verdict {
    let cluster = apps.await?;
    add(&cluster, WEB).await?.success()?;
    let first = document(&cluster, &["marathon", "app", "show", "web"]).await?;

    let updated = dcos(&cluster, &["marathon", "app", "update", "--force", "web", "mem=24"]).await?;
    deployed(&cluster, updated).await?;

    let versions = document(&cluster, &["marathon", "app", "version", "list", "web"]).await?;
    let latest = document(&cluster, &["marathon", "app", "show", "web"]).await?;
    check!(
        versions == json!([latest["version"], first["version"]]),
        "the latest first"
    );
    let before = document(&cluster, &["marathon", "app", "show", "--app-version=-1", "web"]).await?;
    check!(before["mem"].as_f64() == Some(16.0) && latest["mem"].as_f64() == Some(24.0));
    let too_old = dcos(&cluster, &["marathon", "app", "show", "--app-version=-9", "web"]).await?;
    check!(too_old.exit_code == 1);
    check_contains!(too_old.stderr, "Application 'web' only has 2 version(s).");
    cluster.finish().await
}

#[rstest]
#[tokio::test]
async fn group_is_added_scaled_and_removed(#[future] apps: Result<Cluster>) -> Verdict {
    let cluster = apps.await?;
    let group = json!({ "id": "/shop", "apps": [
        { "id": "web", "cmd": "sleep 1000", "cpus": 0.1, "mem": 16, "instances": 1 },
        { "id": "db", "cmd": "sleep 1000", "cpus": 0.1, "mem": 16, "instances": 2 },
    ] });

    with_input(&cluster, &["marathon", "group", "add"], &group.to_string())
        .await?
        .success()?;

    let table = dcos(&cluster, &["marathon", "group", "list"]).await?.success()?.stdout;
    check!(cells(&table) == [["ID", "APPS"], ["/shop", "2"]]);
    all_run(&cluster, "/shop/db", 2).await?;
    let scaled = dcos(&cluster, &["marathon", "group", "scale", "--force", "shop", "2"]).await?;
    deployed(&cluster, scaled).await?;
    let shown = document(&cluster, &["marathon", "group", "show", "shop"]).await?;
    let instances = shown["apps"].as_array().into_iter().flatten();
    let instances: BTreeMap<_, _> = instances
        .map(|app| (app["id"].as_str(), app["instances"].as_u64()))
        .collect();
    check!(instances == BTreeMap::from([(Some("/shop/db"), Some(4)), (Some("/shop/web"), Some(2))]));
    let again = with_input(&cluster, &["marathon", "group", "add"], &group.to_string()).await?;
    check!(again.exit_code == 1);
    check_contains!(again.stderr, "Group '/shop' already exists");
    dcos(&cluster, &["marathon", "group", "remove", "--force", "shop"])
        .await?
        .success()?;
    let none = dcos(&cluster, &["marathon", "group", "show", "shop"]).await?;
    check!(none.exit_code == 1);
    check_contains!(none.stderr, "Error: Group '/shop' does not exist");
    cluster.finish().await
}

/// Two apps that no agent has room for: the start of one is taken back, that of the other is given up.
#[rstest]
#[tokio::test]
async fn deployments_are_listed_and_ended(#[future] apps: Result<Cluster>) -> Verdict {
    let cluster = apps.await?;
    let nothing = dcos(&cluster, &["marathon", "deployment", "list"]).await?;
    check!(nothing.exit_code == 1);
    check_contains!(nothing.stderr, "There are no deployments");
    for id in ["/taken-back", "/given-up"] {
        let app = json!({ "id": id, "cmd": "sleep 1000", "cpus": 1000, "mem": 16, "instances": 1 });
        add(&cluster, &app.to_string()).await?.success()?;
    }

    let back = listed(&cluster, "/taken-back").await?;
    let up = listed(&cluster, "/given-up").await?;
    let rolled_back = dcos(&cluster, &["marathon", "deployment", "rollback", &back])
        .await?
        .success()?;
    dcos(&cluster, &["marathon", "deployment", "stop", &up])
        .await?
        .success()?;

    let answer: Value = serde_json::from_str(&rolled_back.stdout).unwrap_or_default();
    check!(
        answer["deploymentId"].is_string(),
        "the way back is a deployment: {}",
        rolled_back.stdout
    );
    let none = dcos(&cluster, &["marathon", "app", "show", "taken-back"]).await?;
    check_contains!(none.stderr, "Error: App '/taken-back' does not exist");
    let left = document(&cluster, &["marathon", "app", "show", "given-up"]).await?;
    check!(left["instances"] == 1, "what was given up stays as it was asked for");
    cluster.finish().await
}

/// The id of the app's deployment, out of the table.
async fn listed(cluster: &Cluster, app: &str) -> Result<String> {
    let table = dcos(cluster, &["marathon", "deployment", "list"]).await?.success()?;
    let rows = cells(&table.stdout);
    let of_app = rows.iter().find(|row| row[0] == app);
    match of_app {
        Some(row) if rows[0] == ["APP", "ACTION", "PROGRESS", "ID"] && row[1] == "scale" && row[2].ends_with("/2") => {
            Ok(row[3].to_owned())
        }
        _ => Err(Error::new(Kind::Answer, format!("no row of {app} as expected")).evidence(table.stdout)),
    }
}

async fn all_run(cluster: &Cluster, app: &str, tasks: u32) -> Result<()> {
    let all = |app: &App| app.tasks_running == tasks;
    let what = format!("{tasks} tasks of {app} run");
    cluster.marathon().await_app(app, &what, all).await.map(drop)
}
