//! The package `spark`: its install, and the dispatcher that it brings.

mod readme {
    use harness::await_until::{Probe, Wait};
    use harness::deadlines::SERVICE_PAGE;
    use harness::docker::exec::ExecSpec;
    use harness::evidence::Verdict;
    use harness::{Cluster, Result, check, check_contains};
    use rstest::rstest;

    use super::super::packaged;
    use crate::dcos_cli::{cells, dcos};
    use crate::redactions::assert_text;

    /// README "Spark Package": the notes, the question, yes; then the address of the page, and the page.
    #[rstest]
    #[tokio::test]
    async fn installs_the_dispatcher(#[future] packaged: Result<Cluster>) -> Verdict {
        let cluster = packaged.await?;
        dcos(&cluster, &["package", "update"]).await?.success()?;

        let install = ExecSpec::new(["dcos", "package", "install", "spark"]).stdin("yes\n");
        let install = cluster.toolbox().await?.run(install).await?.success()?.stdout;

        assert_text(&cluster, "spark", "install", &install);
        let spark = cluster.spark();
        spark.dispatcher().await?;
        let tasks = dcos(&cluster, &["task"]).await?.success()?.stdout;
        check!(cells(&tasks)[1][..4] == ["spark", &cluster.slave(1)?.address().to_string(), "root", "R"]);
        spark.framework("spark").await?;
        let url = dcos(&cluster, &["spark", "webui"]).await?.success()?.stdout;
        check!(url == format!("http://{}/service/spark/\n", cluster.master().address()));
        let page = harness::client::Http::new(url.trim())?;
        let page = Wait::that("the dispatcher's page is there behind the router", SERVICE_PAGE)
            .until(
                async || match page.get("").send().await.and_then(|answer| answer.ok()) {
                    Ok(answer) => Probe::Ready(answer.text()),
                    Err(error) => Probe::NotYet(error.to_string()),
                },
            )
            .await?;
        check_contains!(page, "<title>Spark Drivers for Mesos cluster</title>");
        check_contains!(
            page,
            "href=\"/service/spark/static/bootstrap.min.css\"",
            "its links lead through the router"
        );
        cluster.finish().await
    }
}
