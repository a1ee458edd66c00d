mod answers;
mod config;
mod election;
mod http;
mod records;

use harness::await_until::{Probe, Wait};
use harness::client::mesos::{Framework, FrameworkSpec, TaskHandle, TaskSpec, TaskState};
use harness::component::shell::Shell;
use harness::docker::exec::ExecSpec;
use harness::{Cluster, Result, deadlines};

/// One master, one slave, and Mesos-DNS.
async fn cluster() -> Result<Cluster> {
    Cluster::builder().mesos_dns().boot().await
}

/// A framework whose scheduler says that it is on the first master's node.
async fn framework(cluster: &Cluster, name: &str) -> Result<Framework> {
    let host = cluster.master().address().to_string();
    cluster.framework(FrameworkSpec::new(name).hostname(host)).await
}

/// A task that runs until it is killed.
async fn running(framework: &Framework, task: TaskSpec) -> Result<TaskHandle> {
    let task = framework.run(task).await?;
    task.await_state(TaskState::TaskRunning).await?;
    Ok(task)
}

/// What `dig` prints in a shell on a node, with these words after it.
async fn dig(shell: &Shell, words: &[&str]) -> Result<String> {
    // One try: a question that is lost shows as what it is.
    let dig = ["dig", "+tries=1", "+time=20"].iter().chain(words);
    Ok(shell.run(ExecSpec::new(dig.copied())).await?.stdout)
}

/// The answers alone, sorted; empty where there are none.
async fn answers(shell: &Shell, words: &[&str]) -> Result<Vec<String>> {
    let words: Vec<&str> = ["+short"].iter().chain(words).copied().collect();
    let mut lines: Vec<String> = dig(shell, &words).await?.lines().map(str::to_owned).collect();
    lines.sort();
    Ok(lines)
}

/// Waits until `dig` with these words answers `expected`: the records follow the cluster within a second.
async fn await_answers(shell: &Shell, words: &[&str], expected: &[String]) -> Result<()> {
    let what = format!("dig {} answers {expected:?}", words.join(" "));
    Wait::that(what, deadlines::NAME_RESOLVED)
        .until(async || match answers(shell, words).await {
            Ok(found) if found == expected => Probe::Ready(()),
            Ok(found) => Probe::NotYet(format!("it answers {found:?}")),
            Err(error) => Probe::NotYet(error.to_string()),
        })
        .await
}
