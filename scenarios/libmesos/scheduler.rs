//! Schedulers.

use harness::await_until::{Probe, Wait};
use harness::client::mesos::TaskState;
use harness::component::{mesos_agent, mesos_master};
use harness::evidence::Verdict;
use harness::{Cluster, Result, check, check_contains, deadlines};
use rstest::rstest;

use super::{count, framework_id, run, task_running, with_jvm, zk};

#[rstest]
#[case::jar_0_21_1("0.21.1")]
#[case::jar_1_4_1("1.4.1")]
#[case::jar_1_11_0("1.11.0")]
#[tokio::test]
async fn runs_tasks_to_their_end(#[case] jar: &str) -> Verdict {
    let cluster = with_jvm().boot().await?;
    let script = "start
        await 1 ^registered
        launch 3 task sleep 1000
        await 3 TASK_RUNNING
        reconcile
        await 3 Reconciliation:.Latest
        reconcile unheard-of
        await 1 unheard-of.TASK_LOST
        launch 1 brief true
        await 1 brief-3.TASK_FINISHED
        kill task-0
        await 1 task-0.TASK_KILLED
        decline
        revive
        request
        stop
        join";

    let output = run(&cluster, jar, script).await?;

    check_contains!(output.stdout, "told DRIVER_RUNNING", "the driver started");
    check!(output.stdout.lines().last() == Some("end"));
    check!(count(&output, "told DRIVER_STOPPED") == 2, "stop and join say so");
    check!(count(&output, "overlap") == 0, "callbacks come one after the other");
    check!(count(&output, "disconnected") == 0, "its own end is no disconnection");
    check_contains!(output.stderr, "a stand-in of libmesos", "the library says what it is");
    check!(!output.stderr.contains("WARNING in native method"), "{}", output.stderr);
    await_no_framework(&cluster).await?;
    cluster.finish().await
}

#[rstest]
#[case::jar_0_21_1("0.21.1")]
#[case::jar_1_4_1("1.4.1")]
#[case::jar_1_11_0("1.11.0")]
#[tokio::test]
async fn senseless_arguments_are_exceptions(#[case] jar: &str) -> Verdict {
    let cluster = with_jvm().boot().await?;

    let output = run(
        &cluster,
        jar,
        "start\nawait 1 ^registered\nbad-input\nlaunch 1 task true\nawait 1 FINISHED\nstop",
    )
    .await?;

    check!(
        count(&output, "took launch") + count(&output, "took start") == 0,
        "{}",
        output.stdout
    );
    check!(count(&output, "refused ") >= 17, "{}", output.stdout);
    check_contains!(
        output.stdout,
        "told DRIVER_ABORTED DRIVER_ABORTED DRIVER_ABORTED",
        "a master that cannot be"
    );
    check_contains!(output.stdout, "task-0 TASK_FINISHED", "the driver goes on");
    cluster.finish().await
}

/// What a reader of the exception has to know to find the defect; and that a stranger's exception stays his.
#[rstest]
#[case::jar_0_21_1("0.21.1")]
#[case::jar_1_4_1("1.4.1")]
#[case::jar_1_11_0("1.11.0")]
#[tokio::test]
async fn exceptions_name_the_argument(#[case] jar: &str) -> Verdict {
    let cluster = with_jvm().boot().await?;

    let output = run(&cluster, jar, "start\nawait 1 ^registered\nbad-input\nstop").await?;

    for words in [
        "NullPointerException: killTask: taskId is null",
        "NullPointerException: launchTasks: tasks[0] is null",
        "NullPointerException: sendFrameworkMessage: data is null",
        "NullPointerException: reconcileTasks: statuses.iterator() is null",
        "IllegalArgumentException: launchTasks: tasks[0] is a java.lang.String, not a org.apache.mesos.Protos$TaskInfo",
        "IllegalArgumentException: launchTasks: tasks[0] lacks required fields: name, slave_id.value",
        "IllegalArgumentException: initialize: credential lacks required fields: principal",
        "IllegalArgumentException: initialize: framework is no FrameworkInfo",
        "IllegalStateException: initialize: the driver is initialised already",
        "IllegalStateException: killTask: the driver was not initialised, or is finalised",
        "ConcurrentModificationException: changed",
    ] {
        check_contains!(output.stdout, words);
    }
    check!(!output.stderr.contains("WARNING in native method"), "{}", output.stderr);
    cluster.finish().await
}

#[rstest]
#[case::jar_0_21_1("0.21.1")]
#[case::jar_1_4_1("1.4.1")]
#[case::jar_1_11_0("1.11.0")]
#[tokio::test]
async fn calls_out_of_season_tell_the_status(#[case] jar: &str) -> Verdict {
    let cluster = with_jvm().boot().await?;

    let output = run(&cluster, jar, "out-of-season").await?;

    for told in [
        "before: DRIVER_NOT_STARTED x8 DRIVER_NOT_STARTED x3",
        "started: DRIVER_RUNNING DRIVER_RUNNING",
        "after: DRIVER_STOPPED x8 DRIVER_STOPPED x3 DRIVER_STOPPED",
        "executor before: DRIVER_NOT_STARTED x5",
        "executor without an agent: DRIVER_ABORTED",
        "executor after: DRIVER_ABORTED DRIVER_STOPPED x5",
    ] {
        check_contains!(output.stdout, told);
    }
    check!(count(&output, "took ") == 0, "{}", output.stdout);
    check!(count(&output, "registered") == 1, "one start, one registration");
    cluster.finish().await
}

#[tokio::test]
async fn a_successor_takes_over_its_tasks() -> Verdict {
    let cluster = with_jvm().boot().await?;
    let first = "failover-timeout 60\nstart\nlaunch 2 task sleep 1000\nawait 2 TASK_RUNNING\ncrash";
    let first = run(&cluster, "0.21.1", first).await?;
    let id = framework_id(&first);
    let tasks = cluster.mesos().get_tasks().await?.tasks;
    check!(
        tasks.iter().all(|task| task.state == TaskState::TaskRunning) && tasks.len() == 2,
        "{tasks:?}"
    );

    // A driver that is stopped in a callback does not acknowledge its status, as upstream's: the second reconciliation is
    // answered after that callback.
    let second = format!(
        "failover-timeout 60\nid {id}\nstart\nawait 1 ^registered\nreconcile\nawait 2 Latest\nkill task-1\n\
        await 1 KILLED\nreconcile\nawait 3 Latest\nstop failover"
    );
    let second = run(&cluster, "1.11.0", &second).await?;
    check!(
        framework_id(&second) == id,
        "the jar of another version, under the same id"
    );
    let third = run(
        &cluster,
        "1.4.1",
        &format!("id {id}\nstart\nawait 1 ^registered\nreconcile\nawait 1 task-0.TASK_RUNNING\nstop"),
    )
    .await?;
    check!(count(&third, "status task-1") == 0, "what ended is not told again");
    check!(
        cluster.mesos().get_tasks().await?.tasks.is_empty(),
        "`stop` ended the last one"
    );
    cluster.finish().await
}

/// The one that was there is told, and makes no more callbacks.
#[tokio::test]
async fn a_successor_ends_the_one_before_it() -> Verdict {
    let cluster = with_jvm().boot().await?;
    let before = "failover-timeout 60\nstart\nawait 1 ^error\njoin\nstop";
    let after = async {
        let id = registered(&cluster).await?;
        run(&cluster, "1.4.1", &format!("id {id}\nstart\nawait 1 ^registered\nstop")).await
    };

    let (before, after) = tokio::try_join!(run(&cluster, "1.11.0", before), after)?;

    check_contains!(before.stdout, "error Framework failed over", "it is told");
    check!(count(&before, "told DRIVER_ABORTED") == 2, "{}", before.stdout);
    check!(framework_id(&after) == framework_id(&before));
    cluster.finish().await
}

/// A master that does not lead sends the driver to the one that does, and ZooKeeper to the next one.
#[tokio::test]
async fn follows_the_leader() -> Verdict {
    let cluster = with_jvm().masters(3).zookeepers(1).boot().await?;
    let leading = cluster.leading_master().await?;
    let standby = cluster.master_nodes().find(|node| node.name() != leading.name());
    let standby = format!("{}:5050", standby.expect("there are three").address());
    let redirected = cluster
        .jvm_framework(1, "0.21.1", &standby, "start\nawait 1 ^registered\nstop")
        .await?;
    check_contains!(redirected.stdout, format!(" at {}:5050", leading.address()));

    let stays = "failover-timeout 600\nstart\nlaunch 1 task sleep 1000\nawait 1 TASK_RUNNING\nawait 1 ^disconnected\n\
        launch-lost\nawait 1 ^reregistered\nreconciled task-0.TASK_RUNNING.Reconciliation\nstop";
    let fails = async {
        task_running(&cluster).await?;
        cluster.kill(leading, mesos_master::NAME).await
    };
    let (output, ()) = tokio::try_join!(run(&cluster, "1.11.0", stays), fails)?;

    check!(count(&output, "registered") == 1 && count(&output, "reregistered") == 1);
    check_contains!(
        output.stdout,
        "status lost TASK_LOST Master disconnected",
        "what nobody could launch"
    );
    check!(
        !output
            .stdout
            .contains(&format!("reregistered at {}:", leading.address())),
        "another leads"
    );
    cluster.finish().await
}

#[tokio::test]
async fn credentials_are_shown_to_the_master() -> Verdict {
    let credentials = r#"{"credentials": [{"principal": "app", "secret": "app-secret"}]}"#;
    let cluster = with_jvm()
        .file(mesos_master::NAME, "/etc/mesos/credentials", credentials)
        .env(mesos_master::NAME, "MESOS_CREDENTIALS", "/etc/mesos/credentials")
        .env(mesos_master::NAME, "MESOS_AUTHENTICATE_HTTP_FRAMEWORKS", "true")
        .env(mesos_master::NAME, "MESOS_HTTP_FRAMEWORK_AUTHENTICATORS", "basic")
        .boot()
        .await?;
    for jar in ["0.21.1", "1.11.0"] {
        let known = run(
            &cluster,
            jar,
            "credential app app-secret\nstart\nlaunch 1 t true\nawait 1 FINISHED\nstop",
        )
        .await?;
        check!(count(&known, "registered") == 1);

        let guessed = run(&cluster, jar, "credential app guessed\nstart\nawait 1 ^error\njoin").await?;

        check_contains!(guessed.stdout, "error Master refused authentication");
        check_contains!(guessed.stdout, "told DRIVER_ABORTED");
    }
    cluster.finish().await
}

/// An agent repeats what nobody acknowledges, after ten seconds; what is acknowledged it forgets.
#[tokio::test]
async fn acknowledges_what_it_is_told_to() -> Verdict {
    let cluster = with_jvm().boot().await?;
    let script = "explicit\nstart\nlaunch 1 task sleep 1000\nawait 2 ^status.task-0.TASK_STARTING\nacknowledge\n\
        await 1 TASK_RUNNING\nacknowledge\nkill task-0\nawait 1 TASK_KILLED\nstop";

    let output = run(&cluster, "1.4.1", script).await?;

    check!(count(&output, "status task-0 TASK_STARTING") == 2, "{}", output.stdout);
    check!(count(&output, "status task-0 TASK_RUNNING") == 1, "{}", output.stdout);
    let implicit = run(
        &cluster,
        "1.11.0",
        "start\nlaunch 1 t true\nawait 1 FINISHED\nacknowledge",
    )
    .await;
    let error = implicit.err().map(|error| error.explain()).unwrap_or_default();
    check_contains!(
        error,
        "Implicit acknowledgements are enabled",
        "where upstream's library ends the process"
    );
    cluster.finish().await
}

#[tokio::test]
async fn an_exception_in_a_callback_aborts() -> Verdict {
    let cluster = with_jvm().boot().await?;

    let output = run(
        &cluster,
        "1.11.0",
        "throw-at status\nstart\nlaunch 1 task sleep 9\njoin\nstop",
    )
    .await?;

    check_contains!(output.stderr, "thrown on purpose", "it is printed with its trace");
    check!(count(&output, "told DRIVER_ABORTED") == 2, "{}", output.stdout);
    check!(count(&output, "status") == 1, "no callback follows");
    cluster.finish().await
}

#[tokio::test]
async fn an_agents_loss_is_told() -> Verdict {
    let cluster = with_jvm().slaves(2).resources(2, "cpus:0;mem:0")?.boot().await?;
    let script = "start\nlaunch 1 task sleep 1000\nawait 1 TASK_RUNNING\nawait 1 ^slave.lost\nawait 1 TASK_LOST\nstop";
    let lost = async {
        task_running(&cluster).await?;
        let agent = cluster.mesos().get_tasks().await?.tasks[0].agent_id.clone();
        cluster.lets_end(cluster.slave(1)?, mesos_agent::NAME);
        cluster.mesos().mark_agent_gone(&agent).await
    };

    let zk = zk(&cluster);
    let (output, ()) = tokio::try_join!(cluster.jvm_framework(2, "0.21.1", &zk, script), lost)?;

    check!(count(&output, "slave lost") == 1 && count(&output, "status task-0 TASK_LOST") == 1);
    cluster.finish().await
}

/// Nothing is lost and nothing grows. The latency that the framework prints is for the reader of the evidence: a time is
/// no verdict on a loaded machine.
#[rstest]
#[case::jar_0_21_1("0.21.1")]
#[case::jar_1_11_0("1.11.0")]
#[tokio::test]
async fn ten_thousand_statuses_leave_nothing(#[case] jar: &str) -> Verdict {
    let cluster = with_jvm().boot().await?;

    let output = run(&cluster, jar, "bench 10000").await?;

    check_contains!(
        output.stdout,
        "bench 10000 callbacks, 32000 acknowledgements",
        "each is acknowledged"
    );
    check_contains!(output.stdout, "bench 10000 callbacks at once");
    let number = |after: &str| -> f64 {
        let rest = output.stdout.split(after).nth(1).unwrap_or_default();
        rest.split(' ')
            .next()
            .and_then(|number| number.parse().ok())
            .unwrap_or(f64::NAN)
    };
    let (before, after) = (number("memory "), number("before, "));
    check!(after <= before * 1.05, "{}", output.stdout);
    cluster.finish().await
}

/// The id of the framework that is or will be the only one.
async fn registered(cluster: &Cluster) -> Result<String> {
    Wait::that("the framework is registered", deadlines::EXEC)
        .until(async || {
            let frameworks = cluster.mesos().get_frameworks().await;
            let id = frameworks.map(|all| all.frameworks.first().and_then(|first| first.framework_info.id.clone()));
            Probe::from_passing(id.map(|id| id.map(|id| id.to_string())), "there is none")
        })
        .await
}

/// Waits until no framework is left: with it its tasks have gone.
async fn await_no_framework(cluster: &Cluster) -> Result<()> {
    Wait::that("the framework is gone", deadlines::TASK_STATE)
        .until(async || match cluster.mesos().get_frameworks().await {
            Ok(all) if all.frameworks.is_empty() => Probe::Ready(()),
            Ok(all) => Probe::NotYet(format!("{:?} are there", all.frameworks)),
            Err(error) => Probe::NotYet(error.to_string()),
        })
        .await
}
