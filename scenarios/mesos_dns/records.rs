//! What has a name, and where it is asked for.

use harness::client::PortRanges;
use harness::client::marathon::AppSpec;
use harness::client::mesos::{Discovery, TaskSpec};
use harness::evidence::Verdict;
use harness::{Cluster, check, check_contains};
use serde_json::json;

use super::{answers, await_answers, cluster, dig, framework, running};

mod readme {
    use harness::Cluster;
    use harness::client::marathon::AppSpec;
    use harness::client::mesos::TaskSpec;
    use harness::component::{marathon, mesos_agent};
    use harness::docker::exec::ExecSpec;
    use harness::evidence::Verdict;
    use harness::node::NodeName;
    use harness::{check, check_contains};
    use rstest::rstest;

    use super::super::{await_answers, cluster, dig, framework, running};

    /// README "Mesos-DNS": every node resolves by it, in front of its other resolvers.
    #[rstest]
    #[case::master(NodeName::Master(1))]
    #[case::slave(NodeName::Slave(1))]
    #[tokio::test]
    async fn resolve_master_frameworks_and_tasks(#[case] node: NodeName) -> Verdict {
        let cluster = cluster().await?;
        let shell = cluster.shell(cluster.node(node)?).await?;
        let framework = framework(&cluster, "team").await?;
        let _task = running(&framework, TaskSpec::command("web", "sleep 1000")).await?;
        let slave = cluster.slave(1)?.address().to_string();
        await_answers(&shell, &["web.team.mesos"], std::slice::from_ref(&slave)).await?;

        // As programs ask: through the C library.
        let master = cluster.master().address().to_string();
        for (name, address) in [
            ("leader.mesos", &master),
            ("master.mesos", &master),
            ("team.mesos", &master),
            ("web.team.mesos", &slave),
        ] {
            let found = shell.run(ExecSpec::new(["getent", "hosts", name])).await?;
            let words: Vec<&str> = found.stdout.split_whitespace().collect();
            check!(words == [address.as_str(), name], "{name} is {address}");
        }
        let ping = shell
            .run(ExecSpec::new(["ping", "-c", "1", "-W", "20", "team"]))
            .await?;
        check!(ping.exit_code == 0, "README: a service is pinged by its name alone");
        check_contains!(ping.stdout, &master);
        framework.finish().await?;
        cluster.finish().await
    }

    /// The search domain holds wherever something of the node runs.
    #[tokio::test]
    async fn frameworks_answer_without_a_domain() -> Verdict {
        let cluster = cluster().await?;
        let slave = cluster.slave(1)?;
        let shell = cluster.shell(slave).await?;
        let framework = framework(&cluster, "team").await?;
        let master = cluster.master().address().to_string();
        await_answers(&shell, &["team.mesos"], std::slice::from_ref(&master)).await?;

        let lookup = ExecSpec::new(["getent", "hosts", "team"]);
        check_contains!(shell.run(lookup.clone()).await?.stdout, &master, "in a shell");
        let component = slave.exec(mesos_agent::NAME, lookup).await?;
        check_contains!(component.stdout, &master, "in a component");
        let task = framework
            .run(TaskSpec::command("asks", "getent hosts team leader.mesos"))
            .await?;
        task.await_terminal().await?;
        let said = cluster.sandbox(&task).await?.text("stdout").await?;
        check!(said.matches(&master).count() == 2, "in a task");
        framework.finish().await?;
        cluster.finish().await
    }

    /// README "Mesos-DNS": `ping marathon` on any node, with the one that leads the cluster's apps.
    #[tokio::test]
    async fn marathon_answers_by_its_name() -> Verdict {
        let cluster = Cluster::builder().mesos_dns().marathon().boot().await?;
        let shell = cluster.shell(cluster.slave(1)?).await?;
        let master = cluster.master().address().to_string();
        await_answers(&shell, &["marathon.mesos"], std::slice::from_ref(&master)).await?;
        cluster.marathon().run(&AppSpec::command("/web", "sleep 1000")).await?;

        let ping = shell
            .run(ExecSpec::new(["ping", "-c", "1", "-W", "20", "marathon"]))
            .await?;
        let url = format!("http://marathon:{}/v2/apps", marathon::PORT);
        let apps = shell
            .run(ExecSpec::new(["curl", "--silent", "--show-error", &url]))
            .await?
            .success()?;

        check!(ping.exit_code == 0, "{}", ping.stderr);
        check_contains!(ping.stdout, &master);
        check_contains!(apps.stdout, "\"id\":\"/web\"");
        let slave = cluster.slave(1)?.address().to_string();
        await_answers(&shell, &["web.marathon.mesos"], &[slave]).await?;
        cluster.finish().await
    }

    #[tokio::test]
    async fn node_names_are_not_in_it() -> Verdict {
        let cluster = cluster().await?;
        let slave = cluster.slave(1)?.address().to_string();
        let shell = cluster.shell(&cluster.master()).await?;

        let name = "mesos-slave1";
        let found = shell.run(ExecSpec::new(["getent", "hosts", name])).await?;
        check_contains!(found.stdout, &slave, "the node is known by /etc/hosts");
        check_contains!(dig(&shell, &["mesos-slave1.mesos"]).await?, "status: NXDOMAIN");
        cluster.finish().await
    }
}

#[tokio::test]
async fn masters_and_agents_have_names() -> Verdict {
    let cluster = Cluster::builder().slaves(2).mesos_dns().boot().await?;
    let master = cluster.master().address().to_string();
    let shell = cluster.shell(&cluster.master()).await?;

    for name in ["leader.mesos", "master.mesos", "master0.mesos", "ns1.mesos"] {
        check!(
            answers(&shell, &[name]).await? == [master.as_str()],
            "{name} is the master"
        );
    }
    let mut slaves: Vec<String> = Vec::new();
    for number in [1, 2] {
        slaves.push(cluster.slave(number)?.address().to_string());
    }
    slaves.sort();
    await_answers(&shell, &["slave.mesos"], &slaves).await?;
    for protocol in ["tcp", "udp"] {
        let name = format!("_leader._{protocol}.mesos");
        check!(answers(&shell, &["SRV", &name]).await? == ["0 1 5050 leader.mesos."]);
    }
    check!(answers(&shell, &["SRV", "_slave._tcp.mesos"]).await? == ["0 1 5051 slave.mesos."]);
    let whole = dig(&shell, &["SRV", "_leader._tcp.mesos"]).await?;
    check_contains!(whole, "ADDITIONAL SECTION");
    check_contains!(whole, &master, "the target's address comes along");
    cluster.finish().await
}

/// A service with a name for one of its ports, and one without DiscoveryInfo.
#[tokio::test]
async fn services_of_a_task() -> Verdict {
    let cluster = cluster().await?;
    let shell = cluster.shell(cluster.slave(1)?).await?;
    let framework = framework(&cluster, "team").await?;
    let named = Discovery::named("api.prod").named_port(31000, "tcp", "http");
    let named = TaskSpec::command("api", "sleep 1000")
        .id("api.1")
        .named_ports(PortRanges::one(31000))
        .discovery(named);
    let plain = TaskSpec::command("plain", "sleep 1000")
        .id("plain.1")
        .named_ports(PortRanges::range(31001, 31002));

    let _tasks = (running(&framework, named).await?, running(&framework, plain).await?);

    let plain = ["31001", "31002"].map(|port| format!("0 1 {port} plain-khsdw-s0.team.slave.mesos."));
    await_answers(&shell, &["SRV", "_plain._tcp.team.mesos"], &plain).await?;
    check!(answers(&shell, &["SRV", "_plain._udp.team.mesos"]).await? == plain);
    for name in ["_api-prod._tcp.team.mesos", "_http._api-prod._tcp.team.mesos"] {
        let target = "0 1 31000 api-prod-793n9-s0.team.mesos.";
        check!(answers(&shell, &["SRV", name]).await? == [target], "{name}");
    }
    let dotted = answers(&shell, &["SRV", "_api.prod._tcp.team.mesos"]).await?;
    check!(
        dotted == ["0 1 31000 api.prod-793n9-s0.team.mesos."],
        "the name as it was given works too"
    );
    check!(answers(&shell, &["SRV", "_api-prod._udp.team.mesos"]).await?.is_empty());
    let by_agent = answers(&shell, &["SRV", "_api-prod._tcp.team.slave.mesos"]).await?;
    check!(by_agent == ["0 1 31000 api-prod-793n9-s0.team.slave.mesos."]);
    let slave = cluster.slave(1)?.address().to_string();
    for target in ["api-prod-793n9-s0.team.mesos", "plain-khsdw-s0.team.slave.mesos"] {
        check!(
            answers(&shell, &[target]).await? == [slave.as_str()],
            "{target} has an address"
        );
    }
    framework.finish().await?;
    cluster.finish().await
}

#[tokio::test]
async fn killed_task_is_forgotten() -> Verdict {
    let cluster = cluster().await?;
    let slave = cluster.slave(1)?;
    let shell = cluster.shell(slave).await?;
    let framework = framework(&cluster, "team").await?;
    let service = TaskSpec::command("web", "sleep 1000").named_ports(PortRanges::one(31000));
    let task = running(&framework, service).await?;
    await_answers(&shell, &["web.team.mesos"], &[slave.address().to_string()]).await?;
    check!(answers(&shell, &["SRV", "_web._tcp.team.mesos"]).await?.len() == 1);

    task.kill().await?;
    task.await_terminal().await?;

    await_answers(&shell, &["web.team.mesos"], &[]).await?;
    check_contains!(dig(&shell, &["web.team.mesos"]).await?, "status: NXDOMAIN");
    check!(answers(&shell, &["SRV", "_web._tcp.team.mesos"]).await?.is_empty());
    framework.finish().await?;
    cluster.finish().await
}

/// What an app calls its ports is in DNS as Marathon gave them out.
#[tokio::test]
async fn named_ports_of_an_app() -> Verdict {
    let cluster = Cluster::builder().mesos_dns().marathon().boot().await?;
    let shell = cluster.shell(cluster.slave(1)?).await?;
    let ports = json!([
        { "port": 0, "name": "http", "protocol": "tcp" },
        { "port": 0, "name": "statistics", "protocol": "udp" },
    ]);
    let spec = AppSpec::command("/shop/web", "sleep 1000").with("portDefinitions", ports);

    let app = cluster.marathon().run(&spec).await?;

    let slave = cluster.slave(1)?.address().to_string();
    await_answers(&shell, &["web-shop.marathon.mesos"], std::slice::from_ref(&slave)).await?;
    let given = &app.tasks[0].ports;
    for (name, port) in [
        ("_web-shop._tcp", given[0]),
        ("_web-shop._udp", given[1]),
        ("_http._web-shop._tcp", given[0]),
        ("_statistics._web-shop._udp", given[1]),
    ] {
        let name = format!("{name}.marathon.mesos");
        let found = answers(&shell, &["SRV", &name]).await?;
        check!(found.len() == 1, "{name} is one service: {found:?}");
        check!(
            found[0].starts_with(&format!("0 1 {port} web-shop-")),
            "{name}: {found:?}"
        );
        let target = found[0].rsplit(' ').next().unwrap_or_default();
        check!(
            answers(&shell, &[target]).await? == [slave.as_str()],
            "{target} has an address"
        );
    }
    check!(
        answers(&shell, &["SRV", "_http._web-shop._udp.marathon.mesos"])
            .await?
            .is_empty()
    );
    cluster.finish().await
}
