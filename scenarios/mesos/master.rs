//! The master's API.

mod readme {
    use harness::evidence::Verdict;
    use harness::{Cluster, Result, check, check_contains};
    use rstest::rstest;
    use serde_json::json;

    use crate::fixtures::{assert_shape, cluster, has_known_shapes};

    /// README "Launching the cluster": the Mesos UI's address answers, and what it shows is there.
    #[rstest]
    #[tokio::test]
    async fn answers_with_its_state(#[future] cluster: Result<Cluster>) -> Verdict {
        let cluster = cluster.await?;
        let master = cluster.mesos();

        let state = master.state().await?;

        check_contains!(
            state.leader.clone().unwrap_or_default(),
            cluster.master().address().to_string()
        );
        check!(state.activated_slaves == 1.0, "one agent is activated");
        check!(
            state.version == master.get_version().await?.version,
            "both APIs name one version"
        );
        check!(master.get_health().await?, "the master is healthy");
        if has_known_shapes() {
            assert_shape("slaves", &master.slaves().await?.raw);
            assert_shape("state", &state.raw);
            for path in ["flags", "version"] {
                assert_shape(path, &master.http().get(path).send().await?.json()?);
            }
            for call in ["GET_AGENTS", "GET_STATE"] {
                assert_shape(call, &master.operator_call(&json!({ "type": call })).await?);
            }
        }
        cluster.finish().await
    }
}
