//! Who may do what.

use harness::client::mesos::{FrameworkSpec, TaskSpec, TaskState};
use harness::cluster::ClusterBuilder;
use harness::component::{mesos_agent, mesos_master};
use harness::evidence::Verdict;
use harness::{Cluster, Error, Kind, Result, check, check_contains};

/// Everybody must say who they are, agents too. `app` may use the role `app` and nothing else; `guest` may tear no
/// framework down.
fn guarded() -> ClusterBuilder {
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
        // Instead of a second: an agent may authenticate before the master is ready for it.
        .env(mesos_agent::NAME, "MESOS_AUTHENTICATION_BACKOFF_FACTOR", "10ms")
}

/// Gives the agents of `builder` a secret.
fn with_secret(builder: ClusterBuilder, secret: &str) -> ClusterBuilder {
    let credential = format!(r#"{{"principal": "agent", "secret": "{secret}"}}"#);
    builder
        .file(mesos_agent::NAME, "/etc/mesos/credential", &credential)
        .env(mesos_agent::NAME, "MESOS_CREDENTIAL", "/etc/mesos/credential")
}

/// The HTTP status of a refusal.
fn status<T>(answer: &Result<T>) -> Option<u16> {
    answer.as_ref().err().and_then(Error::http_status)
}

#[tokio::test]
async fn framework_needs_its_secret_and_its_role() -> Verdict {
    let cluster = with_secret(guarded(), "agent-secret").boot().await?;
    let spec = || FrameworkSpec::new("app").roles(["app"]);

    let nobody = cluster.framework(spec()).await;
    let impostor = cluster.framework(spec().credential("app", "guessed")).await;
    let stray = cluster
        .framework(spec().credential("app", "app-secret").roles(["other"]))
        .await;
    let app = cluster.framework(spec().credential("app", "app-secret")).await?;

    check!(status(&nobody) == Some(401));
    check!(status(&impostor) == Some(401));
    let refusal = stray.err().map(|error| error.to_string()).unwrap_or_default();
    check_contains!(refusal, "Not authorized", "its role is another's");
    let task = app.run(TaskSpec::command("task", "true")).await?;
    check!(task.await_terminal().await?.state == TaskState::TaskFinished);
    app.finish().await?;
    cluster.finish().await
}

#[tokio::test]
async fn operator_needs_a_secret_and_permission() -> Verdict {
    let cluster = with_secret(guarded(), "agent-secret").boot().await?;
    let app = FrameworkSpec::new("app").roles(["app"]).credential("app", "app-secret");
    let app = cluster.framework(app).await?;
    let guest = cluster.mesos().credential("guest", "guest-secret");

    let nobody = cluster.mesos().teardown(app.id()).await;
    let forbidden = guest.teardown(app.id()).await;

    check!(status(&nobody) == Some(401));
    check!(status(&forbidden) == Some(403));
    let frameworks = guest.get_frameworks().await?;
    check!(frameworks.frameworks.len() == 1, "a guest may look");
    check!(frameworks.frameworks[0].active, "and has harmed nothing");
    app.finish().await?;
    cluster.finish().await
}

/// A refused agent ends itself, which is sooner seen than that one without any credential asks in vain.
#[tokio::test]
async fn agent_needs_its_secret() -> Verdict {
    let mut cluster = with_secret(guarded().slaves(0), "guessed").boot().await?;

    let started = cluster.start_slave(1).await;

    let error = started.err();
    check!(error.as_ref().map(Error::kind) == Some(Kind::Component), "it ends");
    let told = error.map(|error| error.explain()).unwrap_or_default();
    check_contains!(told, "refused authentication");
    check!(cluster.mesos().agents().await?.is_empty(), "no agent is registered");
    cluster.finish().await
}
