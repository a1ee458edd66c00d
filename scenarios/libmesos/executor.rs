//! Executors.

use harness::await_until::{Probe, Wait};
use harness::client::mesos::TaskState;
use harness::component::mesos_agent;
use harness::deadlines::TASK_STATE;
use harness::evidence::Verdict;
use harness::{Cluster, Result, check, check_contains};
use rstest::rstest;

use super::{count, run, task_running, with_jvm};

#[rstest]
#[case::jar_0_21_1("0.21.1")]
#[case::jar_1_4_1("1.4.1")]
#[case::jar_1_11_0("1.11.0")]
#[tokio::test]
async fn exchanges_messages_and_obeys(#[case] jar: &str) -> Verdict {
    let cluster = with_jvm().boot().await?;
    let script = "start
        executor 2 own
        await 2 TASK_RUNNING.by.a.JVM
        message own hello
        await 1 ^message.own.echo.hello
        kill own-0
        await 1 own-0.TASK_KILLED.as.it.was.told
        message own finish:own-1
        await 1 own-1.TASK_FINISHED
        message own stop
        await 1 ^executor.lost.own.0
        stop";

    let output = run(&cluster, jar, script).await?;

    check!(output.stdout.lines().last() == Some("end"), "{}", output.stdout);
    check!(count(&output, "overlap") == 0, "callbacks come one after the other");
    cluster.finish().await
}

#[rstest]
#[case::jar_0_21_1("0.21.1")]
#[case::jar_1_4_1("1.4.1")]
#[case::jar_1_11_0("1.11.0")]
#[tokio::test]
async fn senseless_arguments_are_exceptions(#[case] jar: &str) -> Verdict {
    let cluster = with_jvm().boot().await?;
    let script = "start
        executor 1 own
        await 1 TASK_RUNNING
        message own null
        await 1 exceptions.3
        message own finish:own-0
        await 1 own-0.TASK_FINISHED
        stop";

    let output = run(&cluster, jar, script).await?;

    for words in [
        "NullPointerException: sendStatusUpdate: status is null",
        "IllegalArgumentException: sendStatusUpdate: status lacks required fields: task_id",
        "NullPointerException: sendFrameworkMessage: data is null",
    ] {
        check_contains!(output.stdout, format!("message own refused {words}"));
    }
    check!(count(&output, "executor lost") == 0, "{}", output.stdout);
    cluster.finish().await
}

#[tokio::test]
async fn runs_a_thousand_tasks() -> Verdict {
    let cluster = with_jvm().boot().await?;
    let script = "quiet
        start
        executor 1000 many
        await 1000 TASK_RUNNING
        reconcile
        await 1000 Latest.task.state
        count TASK_LOST
        message many updates:many-0,1000
        await 1000 many-0.TASK_RUNNING.update
        stop";

    let output = run(&cluster, "0.21.1", script).await?;

    check_contains!(output.stdout, "count 0", "none is lost");
    check_contains!(output.stdout, "end");
    cluster.finish().await
}

/// Waits until the executor has answered two messages. The second was sent after the acknowledgement of its status, by
/// the same way: an agent that had not got that would tell the status again when it is back.
async fn answered_twice(cluster: &Cluster) -> Result<()> {
    const ANSWERS: &str = "master/valid_executor_to_framework_messages";
    Wait::that("the executor has answered two messages", TASK_STATE)
        .until(async || match cluster.mesos().metrics().await {
            Ok(metrics) if metrics.get(ANSWERS).is_some_and(|answers| *answers >= 2.0) => Probe::Ready(()),
            Ok(metrics) => Probe::NotYet(format!("{ANSWERS} is {:?}", metrics.get(ANSWERS))),
            Err(error) => Probe::NotYet(error.to_string()),
        })
        .await
}

/// Kills the agent of the executor as a crash kills it, and brings it back.
async fn crash(cluster: &Cluster) -> Result<()> {
    task_running(cluster).await?;
    answered_twice(cluster).await?;
    let slave = cluster.slave(1)?;
    cluster.kill(slave, mesos_agent::NAME).await?;
    cluster.revive_agent(slave).await
}

#[tokio::test]
async fn outlives_its_agent() -> Verdict {
    let cluster = with_jvm().slaves(2).resources(2, "cpus:0;mem:0")?.boot().await?;
    let script = "checkpoint
        start
        executor 1 own
        await 1 TASK_RUNNING
        persist own reregistrations ^message.own.reregistrations.1
        message own finish:own-0
        await 1 TASK_FINISHED
        stop";
    let zk = super::zk(&cluster);
    let framework = cluster.jvm_framework(2, "1.11.0", &zk, script);
    let (output, ()) = tokio::try_join!(framework, crash(&cluster))?;

    check!(
        count(&output, "status own-0 TASK_RUNNING") == 1,
        "nothing was told twice"
    );
    check!(count(&output, "executor lost") == 0);
    cluster.finish().await
}

/// The executor ends its task when it hears that the agent is gone, so nobody is there to be told.
#[rstest]
#[case::jar_0_21_1("0.21.1")]
#[case::jar_1_11_0("1.11.0")]
#[tokio::test]
async fn statuses_without_an_agent_arrive_later(#[case] jar: &str) -> Verdict {
    let cluster = with_jvm().slaves(2).resources(2, "cpus:0;mem:0")?.boot().await?;
    let script = "checkpoint
        start
        executor 1 own
        await 1 TASK_RUNNING
        message own when-alone:own-0
        await 1 ^message.own.alone.own-0
        message own hello
        await 1 own-0.TASK_FINISHED.without.an.agent
        stop";

    let zk = super::zk(&cluster);
    let framework = cluster.jvm_framework(2, jar, &zk, script);
    let (output, ()) = tokio::try_join!(framework, crash(&cluster))?;

    check!(count(&output, "status own-0 TASK_FINISHED") >= 1, "{}", output.stdout);
    // What reaches the framework may come twice: an agent that finds its master sends again what is open.
    let agent = cluster.slave(1)?.logs(mesos_agent::NAME, 2000).await?;
    check!(
        agent.matches("Handling status update TASK_FINISHED").count() == 1,
        "the executor tells it once"
    );
    check!(count(&output, "executor lost") == 0);
    cluster.finish().await
}

#[rstest]
#[case::exit("exit:7", "executor lost own 1792")]
#[case::exception("throw", "executor lost own 256")]
#[case::a_status_of_staging("staging:own-0", "executor lost own 256")]
#[tokio::test]
async fn an_end_without_a_status_fails_its_task(#[case] message: &str, #[case] lost: &str) -> Verdict {
    let cluster = with_jvm().boot().await?;
    let script = format!(
        "start\nexecutor 1 own\nawait 1 TASK_RUNNING\nmessage own {message}\nawait 1 TASK_FAILED\nawait 1 ^executor.lost\nstop"
    );

    let output = run(&cluster, "1.4.1", &script).await?;

    check_contains!(output.stdout, lost);
    let tasks = cluster.mesos().get_tasks().await?;
    check!(tasks.tasks.iter().all(|task| task.state != TaskState::TaskRunning));
    cluster.finish().await
}
