//! `dcos task`: tasks, and what they wrote.

use harness::client::mesos::{FrameworkSpec, TaskSpec, TaskState};
use harness::evidence::Verdict;
use harness::{Cluster, Result, check, check_contains};
use rstest::rstest;

use super::{cells, dcos, document, routed};

mod readme {
    use harness::client::mesos::{FrameworkSpec, TaskSpec, TaskState};
    use harness::evidence::Verdict;
    use harness::{Cluster, Result, check};
    use rstest::rstest;

    use super::super::{cells, dcos, routed};

    /// README "Broker": `dcos task`, whose columns it shows.
    #[rstest]
    #[tokio::test]
    async fn lists_what_runs(#[future] routed: Result<Cluster>) -> Verdict {
        let cluster = routed.await?;
        let framework = cluster.framework(FrameworkSpec::new("lists").user("root")).await?;
        let task = framework
            .run(TaskSpec::command("broker-0", "sleep 1000").id("broker-0-1"))
            .await?;
        task.await_state(TaskState::TaskRunning).await?;

        let table = dcos(&cluster, &["task"]).await?.success()?.stdout;

        let slave = cluster.slave(1)?.address().to_string();
        let expected = [
            ["NAME", "HOST", "USER", "STATE", "ID"],
            ["broker-0", &slave, "root", "R", "broker-0-1"],
        ];
        check!(cells(&table) == expected);
        framework.finish().await?;
        cluster.finish().await
    }
}

#[rstest]
#[tokio::test]
async fn completed_ones_are_listed_when_asked_for(#[future] routed: Result<Cluster>) -> Verdict {
    let cluster = routed.await?;
    let framework = cluster.framework(FrameworkSpec::new("ends")).await?;
    let task = framework
        .run(TaskSpec::command("fails", "exit 3").id("fails-1"))
        .await?;
    task.await_terminal().await?;

    let running = dcos(&cluster, &["task"]).await?.success()?.stdout;
    let completed = dcos(&cluster, &["task", "--completed"]).await?.success()?.stdout;

    check!(running == "", "an empty table is nothing at all");
    let rows = cells(&completed);
    check!(rows.len() == 2 && rows[1][0] == "fails" && rows[1][3] == "F" && rows[1][4] == "fails-1");
    let json = document(&cluster, &["task", "--completed", "--json", "fail"]).await?;
    check!(json[0]["state"] == "TASK_FAILED" && json[0]["id"] == "fails-1");
    framework.finish().await?;
    cluster.finish().await
}

#[rstest]
#[tokio::test]
async fn log_shows_what_a_task_wrote(#[future] routed: Result<Cluster>) -> Verdict {
    let cluster = routed.await?;
    let framework = cluster.framework(FrameworkSpec::new("writes")).await?;
    let script = "for i in 1 2 3; do echo out-$i; done; echo err-1 >&2; sleep 1000";
    let task = framework
        .run(TaskSpec::command("writes", script).id("writes-1"))
        .await?;
    task.await_state(TaskState::TaskRunning).await?;
    cluster.sandbox(&task).await?.await_text("stderr", "err-1").await?;

    let last = dcos(&cluster, &["task", "log", "--lines=2", "writes"])
        .await?
        .success()?
        .stdout;
    let errors = dcos(&cluster, &["task", "log", "writes-1", "stderr"])
        .await?
        .success()?
        .stdout;

    check!(last == "out-2\nout-3\n");
    check_contains!(errors, "err-1\n");
    let none = dcos(&cluster, &["task", "log", "writes-1", "no-such-file"]).await?;
    check!(none.exit_code == 1);
    check_contains!(none.stderr, "No files exist. Exiting.");
    framework.finish().await?;
    cluster.finish().await
}

#[rstest]
#[tokio::test]
async fn log_of_a_completed_task_is_told_apart(#[future] routed: Result<Cluster>) -> Verdict {
    let cluster = routed.await?;
    let framework = cluster.framework(FrameworkSpec::new("ended")).await?;
    let task = framework
        .run(TaskSpec::command("ended", "echo done").id("ended-1"))
        .await?;
    task.await_terminal().await?;

    let running = dcos(&cluster, &["task", "log", "ended-1"]).await?;
    let completed = dcos(&cluster, &["task", "log", "--completed", "ended-1"])
        .await?
        .success()?;

    check!(running.exit_code == 1);
    check_contains!(
        running.stderr,
        "No running tasks match ID [ended-1]; however, there is 1 matching completed task. \
         Run with --completed to see these logs."
    );
    check_contains!(completed.stdout, "done\n");
    framework.finish().await?;
    cluster.finish().await
}

#[rstest]
#[tokio::test]
async fn ls_shows_the_sandbox(#[future] routed: Result<Cluster>) -> Verdict {
    let cluster = routed.await?;
    let framework = cluster.framework(FrameworkSpec::new("files")).await?;
    let script = "mkdir kept && echo 12345 > kept/numbers && sleep 1000";
    let task = framework.run(TaskSpec::command("files", script).id("files-1")).await?;
    task.await_state(TaskState::TaskRunning).await?;
    cluster
        .sandbox(&task)
        .await?
        .await_text("kept/numbers", "12345")
        .await?;

    let short = dcos(&cluster, &["task", "ls", "files-1"]).await?.success()?.stdout;
    let long = dcos(&cluster, &["task", "ls", "--long", "files-1", "kept"])
        .await?
        .success()?
        .stdout;

    let names: Vec<&str> = short.split_whitespace().collect();
    check!(["kept", "stderr", "stdout"].iter().all(|name| names.contains(name)));
    let row = &cells(&long)[0];
    check!(row[0] == "-rw-r--r--" && row[1] == "1" && row[4] == "6" && row.last() == Some(&"numbers"));
    let none = dcos(&cluster, &["task", "ls", "files-1", "no-such-folder"]).await?;
    check!(none.exit_code == 1);
    check_contains!(none.stderr, "Cannot access [no-such-folder]: No such file or directory");
    framework.finish().await?;
    cluster.finish().await
}
