//! README "Spark CLI": what `dcos spark` does.

mod readme {
    use harness::evidence::Verdict;
    use harness::workload::spark::{self, DriverState, EXAMPLES, IMAGE};
    use harness::{Cluster, Result, check, check_contains};
    use rstest::rstest;

    use super::super::{installed, submission};

    /// In cluster mode, to the dispatcher's endpoint, in its image where no other is named; then what manages it.
    #[rstest]
    #[tokio::test]
    async fn submits_in_cluster_mode(#[future] installed: Result<Cluster>) -> Verdict {
        let cluster = installed.await?;
        let spark = cluster.spark();
        let args = format!(
            "--submit-args=--driver-memory=512M --executor-memory=512M --total-executor-cores=1 \
             --class org.apache.spark.examples.SparkPi {EXAMPLES} 10"
        );

        let id = submission(&spark.command(&["run", &args]).await?.success()?)?;

        let dispatcher = spark.dispatcher().await?;
        let page = spark
            .page()
            .await?
            .get("driver/")
            .query("id", &id)
            .send()
            .await?
            .ok()?
            .text();
        check_contains!(
            page,
            format!("<td>spark.mesos.executor.docker.image</td><td>{IMAGE}</td>")
        );
        dispatcher.await_state(&id, DriverState::Finished).await?;
        let status = spark.command(&["status", &id]).await?.success()?.stdout;
        check!(status.starts_with(&format!(
            "Submission ID: {id}\nDriver state: FINISHED\nLast status: task_id {{"
        )));
        let log = spark.command(&["log", &id]).await?.success()?.stdout;
        check!(spark::pi(&log).is_some_and(|pi| (3.0..3.3).contains(&pi)), "{log}");
        let killed = spark.command(&["kill", &id]).await?;
        check!(killed.exit_code == 1 && killed.stdout == "Kill job failed.\nMessage: Driver already terminated\n");
        let unknown = spark.command(&["status", "driver-0"]).await?;
        check!(unknown.exit_code == 1 && unknown.stdout == "Job id 'driver-0' is not found\n");
        cluster.finish().await
    }
}
