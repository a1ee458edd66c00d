//! What scenarios start from.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::time::Duration;

use harness::await_until::{Probe, Wait};
use harness::client::mesos::agent::Sandbox;
use harness::component::{mesos_agent, mesos_master};
use harness::deadlines::TASK_STATE;
use harness::docker::exec::ExecSpec;
use harness::evidence::place::workspace_root;
use harness::node::Node;
use harness::stack::{Source, Stack, user_file};
use harness::{Cluster, Error, Kind, Result};
use serde_json::Value;
use tokio::net::TcpListener;

/// The README's cluster: one master, one slave with the README's resources. A fresh one for every scenario.
pub(crate) use harness::fixtures::cluster;

/// Says when it gets SIGTERM, and goes on.
pub(crate) const STUBBORN: &str = "trap 'echo got SIGTERM' TERM; echo ready; while :; do sleep 0.05; done";

/// Above the 3 s that an executor gives by default: one that ignores the kill policy is too early.
pub(crate) const GRACE: Duration = Duration::from_secs(4);

/// The command of an app that serves `text` on the first port of its task: Perl with [`WEB_SERVER_MODULES`].
pub(crate) fn web_server(text: &str) -> String {
    format!(
        "cat >server.pl <<'END'\n{}END\nexec perl server.pl $PORT0 {text}",
        include_str!("web_server.pl")
    )
}

/// What the server on that port of `node` says, as soon as there is one.
pub(crate) async fn answer_of(node: &Node, port: u16) -> Result<String> {
    let http = node.http(port);
    Wait::that(format!("port {port} of {} answers", node.name()), TASK_STATE)
        .until(
            async || match http.get("").send().await.and_then(harness::client::http::Answer::ok) {
                Ok(answer) => Probe::Ready(answer.text()),
                Err(error) => Probe::NotYet(error.to_string()),
            },
        )
        .await
}

/// The stack of this Mesos: `1.9`, `1.10` or `1.11`.
pub(crate) fn stack_of(version: &str) -> PathBuf {
    workspace_root().join(format!("fixtures/stacks/mesos-{version}.toml"))
}

/// Makes a file in a sandbox on the first slave, for a task that waits for it.
pub(crate) async fn touch(cluster: &Cluster, sandbox: &Sandbox, name: &str) -> Result<()> {
    let touch = ExecSpec::new(["touch", &sandbox.path(name)]);
    cluster.slave(1)?.exec(mesos_agent::NAME, touch).await?.success()?;
    Ok(())
}

/// What [`web_server`] needs.
pub(crate) const WEB_SERVER_MODULES: [&str; 1] = ["IO::Socket::INET"];

/// What the first slave's image says where it has no Perl with these modules, in which some tasks are written.
pub(crate) async fn lacks_perl(cluster: &Cluster, modules: &[&str]) -> Result<Option<String>> {
    let modules: Vec<String> = modules.iter().map(|module| format!("-M{module}")).collect();
    let command = format!("perl {} -e 1", modules.join(" "));
    let said = cluster
        .slave(1)?
        .exec(mesos_agent::NAME, ExecSpec::new(["sh", "-c", &command]))
        .await?;
    Ok((said.exit_code != 0).then(|| format!("`{}`: {}", said.ran, said.stderr.trim())))
}

/// True in a run of the default stack: what another version, a flag or a user's own image adds to a document or drops
/// from it is for no snapshot to judge.
pub(crate) fn has_known_shapes() -> bool {
    user_file(None).is_none()
}

/// Compares the shape of an API document (names and types, not values) with `snapshots/mesos/<version of the default stack>/<name>.snap`: a
/// field that is added, dropped or of another type shows as a diff. What a cluster's size decides is kept out by showing
/// only the first element of a list.
pub(crate) fn assert_shape(name: &str, document: &Value) {
    let mesos = Stack::load(None).and_then(|stack| Ok(stack.component(mesos_master::NAME)?.source.clone()));
    let Source::Version(mesos) = mesos.expect("the default stack is read") else {
        unreachable!("the default stack names versions");
    };
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(workspace_root().join("snapshots/mesos").join(mesos));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_sort_maps(true);
    settings.bind(|| insta::assert_json_snapshot!(name, shape(document)));
}

fn shape(value: &Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| (name.clone(), shape(value)))
            .collect(),
        Value::Array(items) => items.iter().take(1).map(shape).collect(),
        Value::String(_) => "string".into(),
        Value::Number(_) => "number".into(),
        Value::Bool(_) => "boolean".into(),
        Value::Null => Value::Null,
    }
}

/// A free port of this machine, on the address that clusters reach it by.
pub(crate) async fn listen() -> Result<(TcpListener, SocketAddr)> {
    let failed = |error: std::io::Error| {
        Error::new(Kind::Environment, "this machine has no address that a cluster reaches").caused_by(error)
    };
    // Nothing is sent: the kernel only chooses the address from which it would be.
    let own = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).and_then(|socket| {
        socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9))?;
        socket.local_addr()
    });
    let listener = TcpListener::bind((own.map_err(failed)?.ip(), 0))
        .await
        .map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}
