//! The scenarios of this suite.

mod greeter {
    mod image {
        use harness::prelude::*;
        use rstest::rstest;

        #[rstest]
        #[tokio::test]
        async fn greets(#[future] cluster: Result<Cluster>) -> Verdict {
            let cluster = cluster.await?;
            let framework = cluster.framework(FrameworkSpec::new("own-suite")).await?;

            let task = framework.run(TaskSpec::command("greets", "greet world")).await?;

            check!(task.await_terminal().await?.state == TaskState::TaskFinished);
            check_contains!(
                cluster.sandbox(&task).await?.text("stdout").await?,
                "hello from our own image, world"
            );
            framework.finish().await?;
            cluster.finish().await
        }
    }
}
