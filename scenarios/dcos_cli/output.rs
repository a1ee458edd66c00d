//! What `--json` shows.

mod readme {
    use harness::client::mesos::{FrameworkSpec, TaskSpec, TaskState};
    use harness::component::mesos_master;
    use harness::evidence::Verdict;
    use harness::{Cluster, Result, check};
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::super::{document, routed};
    use crate::fixtures::has_known_shapes;
    use crate::redactions::assert_document;

    /// The fields of the README's sample.
    const FIELDS: [&str; 20] = [
        "TASK_ERROR",
        "TASK_FAILED",
        "TASK_FINISHED",
        "TASK_KILLED",
        "TASK_LOST",
        "TASK_RUNNING",
        "TASK_STAGING",
        "TASK_STARTING",
        "active",
        "attributes",
        "framework_ids",
        "hostname",
        "id",
        "offered_resources",
        "pid",
        "registered_time",
        "reregistered_time",
        "reserved_resources",
        "resources",
        "unreserved_resources",
    ];

    /// README "DCOS CLI": `dcos node --json`, with one task of 1 cpu, 1024 MB and two ports. The sample has the time of a
    /// re-registration: the master was restarted there.
    #[rstest]
    #[tokio::test]
    async fn json_shows_used_and_offered_resources(#[future] routed: Result<Cluster>) -> Verdict {
        let cluster = routed.await?;
        let before = document(&cluster, &["node", "--json"]).await?;
        check!(
            before[0].get("reregistered_time").is_none(),
            "an agent that registered once has no time of a second"
        );
        cluster.kill(&cluster.master(), mesos_master::NAME).await?;
        cluster.revive(&cluster.master(), mesos_master::NAME).await?;
        cluster.mesos().await_leader().await?;
        let slave = cluster.slave(1)?.address().to_string();
        cluster.mesos().await_agent(&slave).await?;
        let framework = cluster.framework(FrameworkSpec::new("readme")).await?;
        let task = framework
            .run(
                TaskSpec::command("sleeps", "sleep 1000")
                    .resources(1.0, 1024.0)
                    .ports(2),
            )
            .await?;
        task.await_state(TaskState::TaskRunning).await?;

        let nodes = document(&cluster, &["node", "--json"]).await?;

        check!(nodes.as_array().map(Vec::len) == Some(1));
        let node = &nodes[0];
        let missing: Vec<&str> = FIELDS.into_iter().filter(|field| node.get(field).is_none()).collect();
        check!(
            missing == Vec::<&str>::new(),
            "every field of the README's sample is there"
        );
        let whole = json!({"cpus": 4.0, "disk": 35164.0, "gpus": 0.0, "mem": 2929.0, "ports": "[31000-32000]"});
        check!(node["resources"] == whole);
        check!(node["unreserved_resources"] == whole);
        check!(node["reserved_resources"] == json!({}));
        let amount = |of: &str, what: &str| node[of][what].clone();
        check!(amount("used_resources", "cpus") == 1.0 && amount("used_resources", "mem") == 1024.0);
        check!(amount("used_resources", "disk") == 0.0);
        check!(node["TASK_RUNNING"] == 1 && node["TASK_FAILED"] == 0);
        check!(node["pid"] == format!("slave(1)@{slave}:5051"));
        check!(node["framework_ids"] == json!([framework.id().to_string()]));
        check!(node["hostname"] == Value::from(slave) && node["active"] == true);
        if has_known_shapes() {
            assert_document(&cluster, "dcos-cli", "node", &nodes);
        }
        framework.finish().await?;
        cluster.finish().await
    }
}
