//! The routes to Mesos: the leading master, and each agent.

use harness::await_until::{Probe, Wait};
use harness::client::mesos::session::Command;
use harness::client::mesos::{AgentClient, Framework, FrameworkSpec, MasterClient, TaskHandle, TaskSpec, TaskState};
use harness::component::{admin_router, mesos_master};
use harness::evidence::Verdict;
use harness::{Cluster, Error, Kind, Result, check, check_contains, deadlines};
use rstest::rstest;
use serde_json::Value;

use super::{route, routed, router};

/// A client of the agent that runs `task`, by the router.
fn agent_of(cluster: &Cluster, task: &TaskHandle) -> Result<AgentClient> {
    AgentClient::new(&route(cluster, &format!("slave/{}", task.agent_id())))
}

#[rstest]
#[tokio::test]
async fn reaches_the_leading_master(#[future] routed: Result<Cluster>) -> Verdict {
    let cluster = routed.await?;
    let through = MasterClient::new(&route(&cluster, "mesos"))?;

    let (seen, direct) = (through.state().await?, cluster.mesos().state().await?);

    check!(seen.leader.is_some() && seen.leader == direct.leader);
    check!(
        through.agents().await?[0].id == cluster.mesos().agents().await?[0].id,
        "the same agents"
    );
    check!(through.get_health().await?, "the v1 API answers too");
    cluster.finish().await
}

/// A framework's whole life goes through the router: what the master sends must arrive as it is sent, without an end.
#[rstest]
#[tokio::test]
async fn passes_events_on_as_they_come(#[future] routed: Result<Cluster>) -> Verdict {
    let cluster = routed.await?;
    let mesos = route(&cluster, "mesos");
    let mut events = MasterClient::new(&mesos)?.subscribe().await?;

    let framework = Framework::subscribe(&mesos, FrameworkSpec::new("through")).await?;
    let task = framework.run(TaskSpec::command("short", "true")).await?;

    check!(
        framework.master() == format!("{mesos}/"),
        "no redirect led past the router"
    );
    check!(task.await_terminal().await?.state == TaskState::TaskFinished);
    let id = framework.id().clone();
    framework.finish().await?;
    events.await_framework_removed(&id).await?;
    cluster.finish().await
}

/// README "Sandbox output", by the router.
#[rstest]
#[tokio::test]
async fn reaches_a_tasks_sandbox(#[future] routed: Result<Cluster>) -> Verdict {
    let cluster = routed.await?;
    let framework = cluster.framework(FrameworkSpec::new("sandboxed")).await?;
    let task = framework
        .run(TaskSpec::command(
            "writes",
            "echo 'a file' > 'a b.txt'; echo hello; sleep 1000",
        ))
        .await?;

    let sandbox = agent_of(&cluster, &task)?.sandbox(framework.id(), task.id()).await?;

    sandbox.await_text("stdout", "hello").await?;
    check!(
        sandbox.text("a b.txt").await? == "a file\n",
        "a name with a space is found"
    );
    framework.finish().await?;
    cluster.finish().await
}

/// Both directions stay open at once, and what is sent arrives before the end.
#[rstest]
#[tokio::test]
async fn attaches_to_a_task_in_both_directions(#[future] routed: Result<Cluster>) -> Verdict {
    let cluster = routed.await?;
    let framework = cluster.framework(FrameworkSpec::new("attached")).await?;
    let task = framework.run(TaskSpec::command("task", "sleep 1000")).await?;
    let status = task.await_state(TaskState::TaskRunning).await?;
    let parent = status.container_status.and_then(|status| status.container_id);
    let parent = parent.ok_or_else(|| Error::new(Kind::Answer, "a running task has no container"))?;
    let agent = agent_of(&cluster, &task)?;

    let session = agent.exec(&parent, Command::shell("tr a-z A-Z; exit 3")).await?;
    let inner = session.container().clone();
    agent.attach_input(&inner, b"hello\n").await?;

    check!(session.read_to_end().await?.stdout == b"HELLO\n");
    framework.finish().await?;
    cluster.finish().await
}

/// Clients of 2015, as dcoscli 0.3.6, know no other names.
#[rstest]
#[tokio::test]
async fn answers_under_the_names_of_old(#[future] routed: Result<Cluster>) -> Verdict {
    let cluster = routed.await?;
    let framework = cluster.framework(FrameworkSpec::new("old-names")).await?;
    let task = framework.run(TaskSpec::command("runs", "sleep 1000")).await?;
    task.await_state(TaskState::TaskRunning).await?;
    let sandbox = cluster.sandbox(&task).await?;
    let agent = format!("slave/{}", task.agent_id());
    let http = router(&cluster);

    for path in ["mesos/master/state.json", "mesos/state.json", "mesos/master/tasks.json"] {
        let document: Value = http.get(path).send().await?.json()?;
        check_contains!(document.to_string(), task.id().to_string());
    }
    for path in ["state.json", "slave(1)/state.json"] {
        let state: Value = http.get(&format!("{agent}/{path}")).send().await?.json()?;
        check!(state["id"] == task.agent_id().to_string());
    }
    let browse = http.get(&format!("{agent}/files/browse.json"));
    let listed: Value = browse.query("path", sandbox.directory()).send().await?.json()?;
    check_contains!(listed.to_string(), "stdout");
    let snapshot: Value = http.get("mesos/metrics/snapshot").send().await?.json()?;
    check!(snapshot["master/elected"] == 1.0, "what kept its name is passed on");
    framework.finish().await?;
    cluster.finish().await
}

/// A router that looks its masters up when it starts, as the original did, goes on to the one that is gone.
#[tokio::test]
async fn follows_a_change_of_leader() -> Verdict {
    let cluster = Cluster::builder()
        .masters(3)
        .zookeepers(1)
        .admin_router()
        .boot()
        .await?;
    let first = cluster.leading_master().await?;

    cluster.kill(first, mesos_master::NAME).await?;
    let next = cluster.next_leading_master(first).await?.master();

    for node in cluster.master_nodes() {
        let through = MasterClient::new(&format!("http://{}:{}/mesos", node.address(), admin_router::PORT))?;
        let seen = Wait::that("the router leads to the new leader", deadlines::HTTP_REQUEST)
            .until(async || match through.state().await {
                Ok(state) => Probe::Ready(state.leader.clone().unwrap_or_default()),
                Err(error) => Probe::NotYet(error.to_string()),
            })
            .await?;
        check!(seen.trim_start_matches("master@") == next.http().authority());
    }
    cluster.finish().await
}
