//! Artifacts: files that Marathon keeps for its apps.

use harness::client::http::StatusCode;
use harness::client::marathon::AppSpec;
use harness::component::marathon;
use harness::docker::exec::ExecSpec;
use harness::evidence::Verdict;
use harness::{Cluster, check, check_contains};
use serde_json::json;

use super::sandbox;

const GREETING: &str = "hello from the artifact store";

/// Sent by curl as a form, as the documentation has it, and fetched by a task.
#[tokio::test]
async fn uploaded_file_is_fetched_by_a_task() -> Verdict {
    let cluster = Cluster::builder()
        .marathon()
        .env(marathon::NAME, "MARATHON_ARTIFACT_STORE", "file:///tmp/artifacts")
        .boot()
        .await?;
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
    let shown = sandbox(&cluster, &app.tasks[0])
        .await?
        .await_text("shown", "store")
        .await?;
    check!(shown == GREETING);
    let path = "v2/artifacts/texts/greeting.txt";
    marathon
        .http()
        .request(harness::client::http::Method::DELETE, path)
        .send()
        .await?
        .ok()?;
    check!(marathon.http().get(path).send().await?.status() == StatusCode::NOT_FOUND);
    cluster.finish().await
}
