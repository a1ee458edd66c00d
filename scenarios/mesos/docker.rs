//! Docker tasks, on a node's own Docker.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use harness::client::mesos::{
    DockerSpec, FrameworkSpec, HealthCheck, Reason, StatusSource, TaskHandle, TaskSpec, TaskState, TaskStatus,
};
use harness::component::mesos_agent;
use harness::component::shell::Shell;
use harness::docker::exec::ExecSpec;
use harness::evidence::Verdict;
use harness::{Cluster, Result, check, check_contains};
use rstest::{fixture, rstest};
use serde_json::Value;

use crate::fixtures::{GRACE, STUBBORN, answer_of, stack_of, web_server};

/// On every node: the image that all of ours are made from.
const IMAGE: &str = "debian";
const SLEEPS: &str = "exec sleep 1000";

/// The README's cluster, whose slave has a Docker of its own.
#[fixture]
async fn cluster() -> Result<Cluster> {
    Cluster::builder().docker().boot().await
}

/// The same with another Mesos than the run's: each has a Docker containerizer of its own age.
async fn cluster_of(version: Option<&str>) -> Result<Cluster> {
    let builder = Cluster::builder().docker();
    match version {
        None => builder.boot().await,
        Some(version) => builder.stack_file(stack_of(version)).boot().await,
    }
}

fn debian() -> DockerSpec {
    DockerSpec::image(IMAGE)
}

/// What the engine said of the container when it ran.
fn inspected(running: &TaskStatus) -> Value {
    let data = STANDARD.decode(running.data.as_deref().unwrap_or_default());
    serde_json::from_slice(&data.unwrap_or_default()).unwrap_or_default()
}

/// The name that the container has on its node.
fn name_of(running: &TaskStatus) -> String {
    let name = inspected(running)[0]["Name"].as_str().unwrap_or_default().to_owned();
    name.trim_start_matches('/').to_owned()
}

async fn docker(shell: &Shell, words: &[&str]) -> Result<String> {
    let output = shell
        .run(ExecSpec::new(["sudo", "docker"].iter().chain(words).copied()))
        .await?;
    Ok(output.success()?.stdout)
}

async fn running(task: &TaskHandle) -> Result<TaskStatus> {
    let is_first = |status: &TaskStatus| status.state == TaskState::TaskRunning && status.data.is_some();
    task.await_status("runs", is_first).await
}

#[rstest]
#[tokio::test]
async fn output_is_in_the_sandbox_and_in_docker_logs(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let shell = cluster.shell(cluster.slave(1)?).await?;
    let framework = cluster.framework(FrameworkSpec::new("output")).await?;
    // Mesos' executor tells of a container that it has seen running, and of no other.
    let says = "echo to stdout; echo to stderr >&2; cat /etc/os-release >$MESOS_SANDBOX/release; sleep 3; exit 3";

    let task = framework.run(TaskSpec::command("says", says).docker(debian())).await?;

    let started = running(&task).await?;
    let ended = task.await_terminal().await?;
    check!(ended.state == TaskState::TaskFailed && ended.source == Some(StatusSource::SourceExecutor));
    check!(ended.message.as_deref() == Some("Container exited with status 3"));
    let sandbox = cluster.sandbox(&task).await?;
    check!(sandbox.text("stdout").await?.lines().any(|line| line == "to stdout"));
    check_contains!(sandbox.text("stderr").await?, "to stderr");
    check_contains!(sandbox.text("release").await?, "ID=debian", "it wrote into its sandbox");
    let name = name_of(&started);
    check!(inspected(&started).as_array().map(Vec::len) == Some(1) && name.starts_with("mesos-"));
    let logs = shell
        .run(ExecSpec::new(["sudo", "docker", "logs", &name]))
        .await?
        .success()?;
    check!(
        logs.stdout == "to stdout\n" && logs.stderr == "to stderr\n",
        "docker logs has both: {logs:?}"
    );
    framework.finish().await?;
    cluster.finish().await
}

/// Its node's address and ports are its own, and both kinds of tasks run on one agent.
#[rstest]
#[tokio::test]
async fn host_network_is_the_nodes(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let node = cluster.slave(1)?;
    let framework = cluster.framework(FrameworkSpec::new("host")).await?;
    let serves = TaskSpec::command("serves", web_server("from-the-container"))
        .ports(1)
        .docker(debian());

    let task = framework.run(serves).await?;
    let plain = framework.run(TaskSpec::command("plain", SLEEPS)).await?;

    let status = running(&task).await?;
    check!(
        status.ip_address() == Some(node.address().to_string().as_str()),
        "it has no address of its own: {status:?}"
    );
    let ports = inspected(&status)[0]["Config"]["Env"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let port = ports
        .iter()
        .find_map(|line| line.as_str()?.strip_prefix("PORT0=")?.parse::<u16>().ok());
    let answer = answer_of(node, port.unwrap_or_default()).await?;
    check!(answer == "from-the-container");
    plain.await_state(TaskState::TaskRunning).await?;
    check!(
        plain.history().iter().all(|status| status.data.is_none()),
        "the other one runs without Docker"
    );
    framework.finish().await?;
    cluster.finish().await
}

#[rstest]
#[case::of_the_run(None)]
#[case::v1_9(Some("1.9"))]
#[case::v1_10(Some("1.10"))]
#[tokio::test]
async fn bridge_publishes_ports_on_the_node(#[case] version: Option<&str>) -> Verdict {
    let cluster = cluster_of(version).await?;
    let node = cluster.slave(1)?;
    let framework = cluster.framework(FrameworkSpec::new("bridge")).await?;
    // The port of the server is the container's.
    let serves = web_server("from-the-bridge").replace("$PORT0", "8080");
    let serves = TaskSpec::command("serves", serves)
        .ports(1)
        .docker(debian().bridge().port(8080));

    let task = framework.run(serves).await?;

    let status = running(&task).await?;
    let own = status.ip_address().unwrap_or_default().to_owned();
    check!(
        !own.is_empty() && own != node.address().to_string(),
        "it has an address of its own: {status:?}"
    );
    let bindings = &inspected(&status)[0]["HostConfig"]["PortBindings"]["8080/tcp"];
    let port = bindings[0]["HostPort"]
        .as_str()
        .and_then(|port| port.parse::<u16>().ok());
    check!(
        port.is_some_and(|port| (31000..=32000).contains(&port)),
        "it is one of the agent's: {bindings}"
    );
    let answer = answer_of(node, port.unwrap_or_default()).await?;
    check!(answer == "from-the-bridge");
    framework.finish().await?;
    cluster.finish().await
}

/// The agent tries to pull it, which ends at the node's own Docker.
#[rstest]
#[tokio::test]
async fn missing_image_is_named(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let framework = cluster.framework(FrameworkSpec::new("missing")).await?;

    let spec = TaskSpec::command("missing", SLEEPS).docker(DockerSpec::image("no-such/image:1.0"));
    let task = framework.run(spec).await?;

    let status = task.await_terminal().await?;
    check!(status.state == TaskState::TaskFailed && status.source == Some(StatusSource::SourceAgent));
    check!(status.reason == Some(Reason::ContainerLaunchFailed));
    let message = status.message.unwrap_or_default();
    check_contains!(message, "Failed to launch container");
    check_contains!(message, "no-such/image", "it says which");
    framework.finish().await?;
    cluster.finish().await
}

#[rstest]
#[tokio::test]
async fn container_killed_behind_mesos_is_seen(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let shell = cluster.shell(cluster.slave(1)?).await?;
    let framework = cluster.framework(FrameworkSpec::new("behind")).await?;
    let task = framework
        .run(TaskSpec::command("killed", SLEEPS).docker(debian()))
        .await?;
    let status = running(&task).await?;

    docker(&shell, &["kill", &name_of(&status)]).await?;

    let ended = task.await_terminal().await?;
    check!(ended.state == TaskState::TaskFailed && ended.source == Some(StatusSource::SourceExecutor));
    check!(
        ended.message.as_deref() == Some("Container exited with status 137"),
        "{ended}"
    );
    framework.finish().await?;
    cluster.finish().await
}

/// The executor is asked back by the new agent and still has the same container. Not on Mesos 1.9: its agent then looks for
/// the container's process among its own, where a container of the engine's is not.
#[rstest]
#[case::of_the_run(None)]
#[case::v1_10(Some("1.10"))]
#[tokio::test]
async fn task_survives_its_agents_crash(#[case] version: Option<&str>) -> Verdict {
    let cluster = cluster_of(version).await?;
    let slave = cluster.slave(1)?;
    let shell = cluster.shell(slave).await?;
    let framework = cluster.framework(FrameworkSpec::new("survivor").checkpoint()).await?;
    let task = framework
        .run(TaskSpec::command("survives", SLEEPS).docker(debian()))
        .await?;
    let status = running(&task).await?;
    let (name, told) = (name_of(&status), task.history());

    cluster.kill(slave, mesos_agent::NAME).await?;
    cluster.revive_agent(slave).await?;

    let started = ["inspect", "--format", "{{.State.Running}} {{.State.StartedAt}}", &name];
    let before = inspected(&status)[0]["State"]["StartedAt"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    check!(
        docker(&shell, &started).await?.trim() == format!("true {before}"),
        "it runs on"
    );
    check!(task.history() == told, "its framework was told nothing");
    task.kill().await?;
    let end = task.await_terminal().await?;
    check!(end.state == TaskState::TaskKilled && end.source == Some(StatusSource::SourceExecutor));
    check!(docker(&shell, &started).await?.starts_with("false"), "and obeys");
    framework.finish().await?;
    cluster.finish().await
}

/// What a task does while its agent is away is told when it is back.
#[rstest]
#[tokio::test]
async fn end_while_the_agent_is_down_is_told_later(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let slave = cluster.slave(1)?;
    let shell = cluster.shell(slave).await?;
    let framework = cluster.framework(FrameworkSpec::new("late-news").checkpoint()).await?;
    let task = framework
        .run(TaskSpec::command("ends", SLEEPS).docker(debian()))
        .await?;
    let name = name_of(&running(&task).await?);

    cluster.kill(slave, mesos_agent::NAME).await?;
    docker(&shell, &["stop", "-t", "0", &name]).await?;
    check!(task.state() == TaskState::TaskRunning, "nobody can tell its framework");
    cluster.revive_agent(slave).await?;

    let status = task.await_terminal().await?;
    check!(status.state == TaskState::TaskFailed);
    check_contains!(status.message.unwrap_or_default(), "Container exited with status 137");
    framework.finish().await?;
    cluster.finish().await
}

#[rstest]
#[tokio::test]
async fn kill_honours_the_grace_period(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let framework = cluster.framework(FrameworkSpec::new("patient")).await?;
    let stubborn = TaskSpec::command("stubborn", STUBBORN)
        .kill_grace(GRACE)
        .docker(debian());
    let task = framework.run(stubborn).await?;
    let sandbox = cluster.sandbox(&task).await?;
    sandbox.await_text("stdout", "ready").await?;
    running(&task).await?;

    let asked = Instant::now();
    task.kill().await?;
    let ended = task.await_terminal().await?;

    check!(ended.state == TaskState::TaskKilled);
    check!(
        asked.elapsed() >= GRACE,
        "it had its {GRACE:?}, and {:?}",
        asked.elapsed()
    );
    check!(
        ended.message.as_deref() == Some("Container exited with status 137"),
        "{ended}"
    );
    check_contains!(sandbox.text("stdout").await?, "got SIGTERM");
    framework.finish().await?;
    cluster.finish().await
}

#[rstest]
#[tokio::test]
async fn task_gets_no_more_than_its_completion_time(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let framework = cluster.framework(FrameworkSpec::new("timed")).await?;
    let timed = TaskSpec::command("timed", SLEEPS).max_completion_time(Duration::from_secs(5));

    let task = framework.run(timed.docker(debian())).await?;

    let ended = task.await_terminal().await?;
    check!(ended.state == TaskState::TaskFailed);
    check!(ended.reason == Some(Reason::MaxCompletionTimeReached));
    framework.finish().await?;
    cluster.finish().await
}

/// Commands run in the container, and see its files; ports are those of the container.
#[rstest]
#[case::command(HealthCheck::command("test -e /inside"))]
#[case::http(HealthCheck::http(8080, "/"))]
#[case::tcp(HealthCheck::tcp(8080))]
#[tokio::test]
async fn check_that_succeeds_makes_the_task_healthy(
    #[future] cluster: Result<Cluster>,
    #[case] health: HealthCheck,
) -> Verdict {
    let cluster = cluster.await?;
    let framework = cluster.framework(FrameworkSpec::new("healthy")).await?;
    let serves = format!("touch /inside; {}", web_server("well").replace("$PORT0", "8080"));
    let spec = TaskSpec::command("healthy", serves)
        .ports(1)
        .docker(debian().bridge().port(8080));

    let task = framework
        .run(spec.health_check(health.grace_period(Duration::from_secs(30))))
        .await?;

    let status = task
        .await_status("is healthy", |status| status.healthy == Some(true))
        .await?;
    check!(status.state == TaskState::TaskRunning && status.source == Some(StatusSource::SourceExecutor));
    check!(status.reason == Some(Reason::TaskHealthCheckStatusUpdated));
    framework.finish().await?;
    cluster.finish().await
}

#[rstest]
#[tokio::test]
async fn check_that_fails_too_often_kills_the_task(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let framework = cluster.framework(FrameworkSpec::new("unhealthy")).await?;
    let check = HealthCheck::command("false").consecutive_failures(2);

    let task = framework
        .run(TaskSpec::command("ill", SLEEPS).docker(debian()).health_check(check))
        .await?;

    let ended = task.await_terminal().await?;
    check!(
        ended.state == TaskState::TaskKilled && ended.healthy == Some(false),
        "{ended:?}"
    );
    framework.finish().await?;
    cluster.finish().await
}

/// A relative folder of the node lies in the sandbox. Options reach `docker run` as they are.
#[rstest]
#[tokio::test]
async fn volumes_and_parameters_reach_docker(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let framework = cluster.framework(FrameworkSpec::new("given")).await?;
    let container = debian()
        .volume("data", "/data")
        .parameter("label", "colour=blue")
        .parameter("workdir", "/data");
    let container = container.parameter("hostname", "named").bridge();
    let writes = "echo written >file; hostname; echo $COLOUR; exec sleep 1000";

    let task = framework
        .run(
            TaskSpec::command("given", writes)
                .env("COLOUR", "green")
                .docker(container),
        )
        .await?;

    let sandbox = cluster.sandbox(&task).await?;
    check_contains!(sandbox.await_text("stdout", "green").await?, "named\n");
    check!(sandbox.await_text("data/file", "written").await? == "written\n");
    let status = running(&task).await?;
    check!(inspected(&status)[0]["Config"]["Labels"]["colour"] == "blue");
    framework.finish().await?;
    cluster.finish().await
}

/// What would reach the engine's machine ends with a sentence in the task's own output.
#[rstest]
#[case::privileged(debian().privileged(), "privileged")]
#[case::pid(debian().parameter("pid", "host"), "pid")]
#[case::socket(debian().volume("/var/run/docker.sock", "/var/run/docker.sock"), "/var/run/docker.sock")]
#[tokio::test]
async fn what_leaves_the_node_is_refused(
    #[future] cluster: Result<Cluster>,
    #[case] container: DockerSpec,
    #[case] word: &str,
) -> Verdict {
    let cluster = cluster.await?;
    let framework = cluster.framework(FrameworkSpec::new("refused")).await?;

    let task = framework
        .run(TaskSpec::command("refused", SLEEPS).docker(container))
        .await?;

    let ended = task.await_terminal().await?;
    check!(ended.state == TaskState::TaskFailed);
    check_contains!(ended.message.unwrap_or_default(), "Container exited with status 125");
    let said = cluster.sandbox(&task).await?.text("stderr").await?.to_lowercase();
    check_contains!(said, "error response from daemon");
    check_contains!(said, word);
    framework.finish().await?;
    cluster.finish().await
}

/// README "Building a custom image": on the slave where it runs.
#[rstest]
#[tokio::test]
async fn image_built_on_the_node_runs(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let shell = cluster.shell(cluster.slave(1)?).await?;
    let build = format!(
        "mkdir -p /tmp/own && cd /tmp/own && printf 'FROM {IMAGE}\\nRUN echo baked >/inside\\nCMD [\"cat\", \"/inside\"]\\n' \
         >Dockerfile && sudo docker build -t eronwright/own:1.0 ."
    );
    shell.run(ExecSpec::new(["sh", "-c", &build])).await?.success()?;
    let framework = cluster.framework(FrameworkSpec::new("builder")).await?;

    let task = framework
        .run(TaskSpec::command("own", "cat /inside").docker(DockerSpec::image("eronwright/own:1.0")))
        .await?;

    let ended = task.await_terminal().await?;
    check!(ended.state == TaskState::TaskFinished, "{ended}");
    check_contains!(cluster.sandbox(&task).await?.text("stdout").await?, "baked");
    framework.finish().await?;
    cluster.finish().await
}
