//! libmesos for the JVM, with a framework and an executor in Java on the jars of three versions.

mod executor;
mod scheduler;

use harness::await_until::{Probe, Wait};
use harness::client::mesos::TaskState;
use harness::cluster::ClusterBuilder;
use harness::docker::exec::ExecOutput;
use harness::toolbox::jvm_framework;
use harness::{Cluster, Result, deadlines};

/// Agents with a JVM.
fn with_jvm() -> ClusterBuilder {
    Cluster::builder()
        .agent_image(jvm_framework::image())
        .beside(jvm_framework::MEGABYTES)
}

/// The masters as schedulers find them.
fn zk(cluster: &Cluster) -> String {
    format!("zk://{}:2181/mesos", cluster.master().address())
}

/// Runs a script on the slave 1.
async fn run(cluster: &Cluster, jar: &str, script: &str) -> Result<ExecOutput> {
    cluster.jvm_framework(1, jar, &zk(cluster), script).await
}

/// How many lines of a framework's output begin so.
fn count(output: &ExecOutput, start: &str) -> usize {
    output.stdout.lines().filter(|line| line.starts_with(start)).count()
}

/// The id that a framework was registered with.
fn framework_id(output: &ExecOutput) -> String {
    let registered = output.stdout.lines().find_map(|line| line.strip_prefix("registered "));
    let id = registered.and_then(|rest| rest.split(' ').next());
    id.unwrap_or_default().to_owned()
}

/// Until the only task runs.
async fn task_running(cluster: &Cluster) -> Result<()> {
    Wait::that("the task runs", deadlines::EXEC)
        .until(async || {
            let tasks = cluster.mesos().get_tasks().await;
            let running = tasks.map(|all| all.tasks.first().map(|task| task.state) == Some(TaskState::TaskRunning));
            Probe::from_passing(running.map(|runs| runs.then_some(())), "it does not yet")
        })
        .await
}
