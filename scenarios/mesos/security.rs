//! Who may do what.

use harness::Cluster;
use harness::check;
use harness::client::mesos::{FrameworkSpec, TaskSpec, TaskState};
use harness::component::{mesos_agent, mesos_master};
use harness::evidence::Verdict;
use harness::{Result, check_contains};

/// Everybody must say who they are, agents too. `app` may use the role `app` and nothing else; `guest` may tear no
/// framework down.
async fn guarded() -> Result<Cluster> {
    const CREDENTIALS: &str = r#"{"credentials": [{"principal": "app", "secret": "app-secret"},
        {"principal": "agent", "secret": "agent-secret"}, {"principal": "guest", "secret": "guest-secret"}]}"#;
    const ACLS: &str = r#"{"register_frameworks": [
            {"principals": {"values": ["app"]}, "roles": {"values": ["app"]}},
            {"principals": {"values": ["app"]}, "roles": {"type": "NONE"}}],
        "teardown_frameworks": [
            {"principals": {"values": ["guest"]}, "framework_principals": {"type": "NONE"}}]}"#;
    Cluster::builder()
        .file(mesos_master::NAME, "/etc/mesos/credentials", CREDENTIALS)
        .env(mesos_master::NAME, "MESOS_CREDENTIALS", "/etc/mesos/credentials")
        .env(mesos_master::NAME, "MESOS_AUTHENTICATE_HTTP_FRAMEWORKS", "true")
        .env(mesos_master::NAME, "MESOS_HTTP_FRAMEWORK_AUTHENTICATORS", "basic")
        .env(mesos_master::NAME, "MESOS_AUTHENTICATE_HTTP_READWRITE", "true")
        .env(mesos_master::NAME, "MESOS_AUTHENTICATE_AGENTS", "true")
        .env(mesos_master::NAME, "MESOS_ACLS", ACLS)
        .file(
            mesos_agent::NAME,
            "/etc/mesos/credential",
            r#"{"principal": "agent", "secret": "agent-secret"}"#,
        )
        .env(mesos_agent::NAME, "MESOS_CREDENTIAL", "/etc/mesos/credential")
        // Instead of a second: an agent may authenticate before the master is ready for it.
        .env(mesos_agent::NAME, "MESOS_AUTHENTICATION_BACKOFF_FACTOR", "10ms")
        .boot()
        .await
}

/// What went wrong, or nothing.
fn refusal<T>(answer: Result<T>) -> String {
    answer.err().map(|error| error.explain()).unwrap_or_default()
}

#[tokio::test]
async fn framework_needs_its_secret_and_its_role() -> Verdict {
    let cluster = guarded().await?;
    let spec = || FrameworkSpec::new("app").roles(["app"]);

    let nobody = cluster.framework(spec()).await;
    let impostor = cluster.framework(spec().credential("app", "guessed")).await;
    let stray = cluster
        .framework(spec().credential("app", "app-secret").roles(["other"]))
        .await;
    let app = cluster.framework(spec().credential("app", "app-secret")).await?;

    check_contains!(refusal(nobody), "401");
    check_contains!(refusal(impostor), "401");
    check_contains!(refusal(stray), "Not authorized", "its role is another's");
    let task = app.run(TaskSpec::command("task", "true")).await?;
    check!(task.await_terminal().await?.state == TaskState::TaskFinished);
    app.finish().await?;
    cluster.finish().await
}

#[tokio::test]
async fn operator_needs_a_secret_and_permission() -> Verdict {
    let cluster = guarded().await?;
    let app = FrameworkSpec::new("app").roles(["app"]).credential("app", "app-secret");
    let app = cluster.framework(app).await?;
    let guest = cluster.mesos().credential("guest", "guest-secret");

    let nobody = cluster.mesos().teardown(app.id()).await;
    let forbidden = guest.teardown(app.id()).await;

    check_contains!(refusal(nobody), "401");
    check_contains!(refusal(forbidden), "403");
    let frameworks = guest.get_frameworks().await?;
    check!(frameworks.frameworks.len() == 1, "a guest may look");
    check!(frameworks.frameworks[0].active, "and has harmed nothing");
    app.finish().await?;
    cluster.finish().await
}
