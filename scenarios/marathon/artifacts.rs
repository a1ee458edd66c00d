//! Artifacts: files that Marathon keeps for its apps.

use axum::Router;
use axum::routing::get;
use harness::client::http::{Method, StatusCode};
use harness::client::marathon::{App, AppSpec};
use harness::component::{marathon, mesos_agent};
use harness::docker::exec::ExecSpec;
use harness::evidence::Verdict;
use harness::{Cluster, Result, check, check_contains};
use serde_json::{Value, json};

use super::sandbox;
use crate::fixtures::listen;

const GREETING: &str = "hello from the artifact store";

async fn with_store() -> Result<Cluster> {
    let builder = Cluster::builder().marathon();
    let kept = "file:///tmp/artifacts";
    builder
        .env(marathon::NAME, "MARATHON_ARTIFACT_STORE", kept)
        .boot()
        .await
}

/// What the app's task made of the greeting.
async fn shown(cluster: &Cluster, app: &App) -> Result<String> {
    let sandbox = sandbox(cluster, &app.tasks[0]).await?;
    sandbox.await_text("shown", "store").await
}

/// Sent by curl as a form, as the documentation has it, and fetched by a task.
#[tokio::test]
async fn uploaded_file_is_fetched_by_a_task() -> Verdict {
    let cluster = with_store().await?;
    let marathon = cluster.marathon();
    let url = format!(
        "http://{}:{}/v2/artifacts/texts/greeting.txt",
        cluster.master().address(),
        marathon::PORT
    );
    let toolbox = cluster.toolbox().await?;
    let form = "file=@-;filename=greeting.txt";
    let upload = ["curl", "--silent", "--show-error", "--include", "--form", form, &url];
    let upload = ExecSpec::new(upload).stdin(GREETING);

    let first = toolbox.run(upload.clone()).await?.success()?.stdout;
    let again = toolbox.run(upload).await?.success()?.stdout;

    check_contains!(first, "201 Created");
    check_contains!(first, "file:///tmp/artifacts/texts/greeting.txt", "where it is kept");
    check_contains!(again, "200 OK", "the second time it replaces a file");
    let spec = AppSpec::command("/a", "cp greeting.txt shown; sleep 1000").with("uris", json!([url]));
    let app = marathon.run(&spec).await?;
    check!(shown(&cluster, &app).await? == GREETING);
    let path = "v2/artifacts/texts/greeting.txt";
    marathon.http().request(Method::DELETE, path).send().await?.ok()?;
    check!(marathon.http().get(path).send().await?.status() == StatusCode::NOT_FOUND);
    cluster.finish().await
}

/// What `storeUrls` name is copied into the store, and tasks fetch it from there. The agent has the folder too, as where
/// a file system is shared: what is copied is put into it by hand.
#[tokio::test]
async fn store_urls_are_copied() -> Verdict {
    let cluster = with_store().await?;
    let marathon = cluster.marathon();
    let (listener, address) = listen().await?;
    let router = Router::new().route("/greeting.txt", get(async || ([("etag", "\"v-1\"")], GREETING)));
    let server = tokio::spawn(async move { axum::serve(listener, router).await });
    let good = format!("http://{address}/greeting.txt");
    let bad = format!("http://{address}/absent.txt");
    let spec = AppSpec::command("/a", "cp greeting.txt shown; sleep 1000").instances(0);

    let refused = spec.clone().with("storeUrls", json!([good, bad]));
    let refused = marathon.ask(Method::POST, "v2/apps", Some(refused.json())).await?;
    let made = marathon.run(&spec.with("storeUrls", json!([good]))).await?;

    check!(refused.status() == StatusCode::UNPROCESSABLE_ENTITY);
    let details = json!([{ "path": "/storeUrls(1)", "errors": [format!("Can not resolve url {bad}")] }]);
    check!(refused.json_of_any::<Value>()? == json!({ "message": "Object is not valid", "details": details }));
    server.abort();
    let app: Value = marathon.ask(Method::GET, "v2/apps//a", None).await?.json()?;
    check!(app["app"]["uris"] == json!(["file:///tmp/artifacts/v-1/greeting.txt"]));
    check!(app["app"]["storeUrls"] == json!([]) && made.tasks.is_empty());
    let kept = marathon
        .http()
        .get("v2/artifacts/v-1/greeting.txt")
        .send()
        .await?
        .ok()?;
    check!(kept.text() == GREETING);
    let share = "mkdir -p /tmp/artifacts/v-1 && cat >/tmp/artifacts/v-1/greeting.txt";
    let share = ExecSpec::new(["sh", "-c", share]).stdin(kept.text());
    cluster.slave(1)?.exec(mesos_agent::NAME, share).await?.success()?;
    marathon.deployed(&marathon.scale("/a", 1).await?).await?;
    let app = marathon.app("/a").await?;
    check!(shown(&cluster, &app).await? == GREETING);
    cluster.finish().await
}
