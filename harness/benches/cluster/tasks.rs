//! From an offer at hand to TASK_RUNNING, and from nothing but a wish to TASK_RUNNING.

use std::time::Instant;

use harness::client::mesos::{FrameworkSpec, TaskSpec, TaskState};
use harness::{Cluster, Result};

use crate::measure::{Entry, Limit, seconds};

/// All tasks on one cluster, each alone on it; the first does not count. There is no floor: what is below the
/// harness's own scheduler is Mesos itself.
pub(crate) async fn measure(tasks: u16) -> Result<Vec<Entry>> {
    let cluster = Cluster::builder().for_a_person().boot().await?;
    let framework = cluster.framework(FrameworkSpec::new("bench")).await?;
    let (mut running, mut run) = (Vec::new(), Vec::new());
    for number in 0..=tasks {
        let offer = framework.await_offer("is any", |_| true).await?;
        let started = Instant::now();
        let task = framework
            .launch(&offer, TaskSpec::command("sleeps", "exec sleep 600"))
            .await?;
        task.await_state(TaskState::TaskRunning).await?;
        let launched = seconds(started.elapsed());
        task.kill().await?;
        task.await_terminal().await?;

        let started = Instant::now();
        let task = framework.run(TaskSpec::command("sleeps", "exec sleep 600")).await?;
        task.await_state(TaskState::TaskRunning).await?;
        let wished = seconds(started.elapsed());
        task.kill().await?;
        task.await_terminal().await?;
        if number > 0 {
            running.push(launched);
            run.push(wished);
        }
    }
    framework.finish().await?;
    cluster.down().await?;
    let running = Entry::new("task.running", running, Vec::new(), Some(Limit::Median(0.2)));
    let run = Entry::new("task.run-to-running", run, Vec::new(), None);
    Ok(running.into_iter().chain(run).collect())
}
