//! `dcos config`: the configuration that `bin/env-setup` makes, and changes to it.

use harness::evidence::Verdict;
use harness::{Cluster, Result, check, check_contains};
use rstest::rstest;

use super::{dcos, routed, router};

mod readme {
    use harness::evidence::Verdict;
    use harness::{Cluster, Result, check, check_contains};
    use rstest::rstest;

    use super::super::{dcos, routed, router};

    /// README "Configuration": `dcos config show`. The master's own URL is left out: calls pass the router.
    #[rstest]
    #[tokio::test]
    async fn names_the_cluster(#[future] routed: Result<Cluster>) -> Verdict {
        let cluster = routed.await?;

        let shown = dcos(&cluster, &["config", "show"]).await?.success()?.stdout;

        check_contains!(shown, format!("core.dcos_url={}\n", router(&cluster)));
        check_contains!(shown, format!("marathon.url={}:8080\n", router(&cluster)));
        check_contains!(shown, "core.reporting=False\n");
        check!(!shown.contains("mesos_master_url"));
        let valid = dcos(&cluster, &["config", "validate"]).await?.success()?;
        check!(valid.stdout == "Congratulations, your configuration is valid!\n");
        cluster.finish().await
    }
}

#[rstest]
#[tokio::test]
async fn changes_are_told_and_kept(#[future] routed: Result<Cluster>) -> Verdict {
    let cluster = routed.await?;
    let url = router(&cluster);

    let set = dcos(&cluster, &["config", "set", "core.timeout", "7"]).await?;
    let changed = dcos(&cluster, &["config", "set", "core.dcos_url", "http://elsewhere"]).await?;
    let again = dcos(&cluster, &["config", "set", "core.dcos_url", "http://elsewhere"]).await?;
    let shown = dcos(&cluster, &["config", "show", "core.timeout"]).await?.success()?;
    let unset = dcos(&cluster, &["config", "unset", "core.timeout"]).await?;

    let told = |output: harness::docker::exec::ExecOutput| output.stdout + &output.stderr;
    check_contains!(told(set), "[core.timeout]: set to '7'");
    check_contains!(
        told(changed),
        format!("[core.dcos_url]: changed from '{url}' to 'http://elsewhere'")
    );
    check_contains!(told(again), "[core.dcos_url]: already set to 'http://elsewhere'");
    check!(shown.stdout == "7\n");
    check_contains!(told(unset), "Removed [core.timeout]");
    cluster.finish().await
}

#[rstest]
#[case::unknown(&["config", "show", "core.nothing"], "Property 'core.nothing' doesn't exist")]
#[case::whole_section(&["config", "show", "core"], "Property 'core' doesn't fully specify a value")]
#[case::no_section(&["config", "set", "nothing", "1"], "<section>.<key>")]
#[tokio::test]
async fn wrong_names_are_told(
    #[future] routed: Result<Cluster>,
    #[case] args: &[&str],
    #[case] message: &str,
) -> Verdict {
    let cluster = routed.await?;

    let wrong = dcos(&cluster, args).await?;

    check!(wrong.exit_code == 1);
    check_contains!(wrong.stderr, message);
    cluster.finish().await
}
