//! How it is configured.

use harness::component::mesos_dns;
use harness::docker::exec::ExecSpec;
use harness::evidence::Verdict;
use harness::{Cluster, Kind, check, check_contains};
use rstest::rstest;
use serde_json::{Value, json};

use super::{answers, dig};

#[tokio::test]
async fn environment_makes_it() -> Verdict {
    let cluster = Cluster::builder()
        .mesos_dns()
        .env(mesos_dns::NAME, "MESOSDNS_TTL", "5")
        .env(mesos_dns::NAME, "MESOSDNS_RECURSEON", "false")
        .env(mesos_dns::NAME, "MESOSDNS_SOARNAME", "people@lab.mesos")
        .env(mesos_dns::NAME, "MESOSDNS_IPSOURCES_1", "host")
        .boot()
        .await?;
    let master = cluster.master();
    let shell = cluster.shell(&master).await?;

    let leader = dig(&shell, &["@127.0.0.1", "leader.mesos"]).await?;
    check_contains!(leader, "flags: qr aa rd;", "recursion is not offered");
    check_contains!(leader, "\t5\tIN\tA\t");
    check_contains!(dig(&shell, &["SOA", "mesos"]).await?, "ns1.mesos. people.lab.mesos.");
    let config: Value = master
        .http(mesos_dns::HTTP_PORT)
        .get("v1/config")
        .send()
        .await?
        .json()?;
    check!(config["TTL"] == json!(5));
    check!(config["IPSources"] == json!(["host"]));
    check!(config["File"] == json!("/etc/mesos-dns/config.json"));
    let written = master
        .exec(mesos_dns::NAME, ExecSpec::new(["cat", "/etc/mesos-dns/config.json"]))
        .await?;
    let written: Value = serde_json::from_str(&written.stdout).unwrap_or_default();
    check!(
        written["soarname"] == json!("people@lab.mesos"),
        "the file has what the environment said"
    );
    cluster.finish().await
}

#[rstest]
#[case::no_number("MESOSDNS_PORT", "fifty", "MESOSDNS_PORT is neither a number nor true or false")]
#[case::no_source("MESOSDNS_IPSOURCES_1", "rkt", "IPSources validation failed: invalid ip source")]
#[case::no_election("MESOSDNS_ZK", "localhost", "failed to create master detector")]
#[case::no_domain("MESOSDNS_DOMAIN", "my_lab", "my_lab is not a valid domain name")]
#[tokio::test]
async fn useless_value_ends_it(#[case] variable: &str, #[case] value: &str, #[case] message: &str) -> Verdict {
    let booted = Cluster::builder()
        .slaves(0)
        .mesos_dns()
        .env(mesos_dns::NAME, variable, value)
        .boot()
        .await;

    let error = booted.err();
    check!(error.as_ref().map(harness::Error::kind) == Some(Kind::Component));
    check_contains!(error.map(|error| error.explain()).unwrap_or_default(), message);
    harness::evidence::passed()
}

/// The one who is named is asked first, and says who leads.
#[tokio::test]
async fn masters_by_list() -> Verdict {
    let cluster = Cluster::builder()
        .masters(3)
        .zookeepers(1)
        .mesos_dns()
        .env(mesos_dns::NAME, "MESOSDNS_ZK", "")
        .env(mesos_dns::NAME, "MESOSDNS_MASTERS_1", "mesos-master1:5050")
        .env(mesos_dns::NAME, "MESOSDNS_MASTERS_2", "mesos-master2:5050")
        .env(mesos_dns::NAME, "MESOSDNS_MASTERS_3", "mesos-master3:5050")
        .boot()
        .await?;
    let shell = cluster.shell(cluster.slave(1)?).await?;
    let mut masters = Vec::new();
    for number in [1, 2, 3] {
        let node = cluster.node(harness::node::NodeName::Master(number))?;
        let address = node.address().to_string();
        let name = format!("master{}.mesos", number - 1);
        super::await_answers(&shell, &[&name], std::slice::from_ref(&address)).await?;
        masters.push(address);
    }
    check!(answers(&shell, &["master.mesos"]).await? == masters);
    let leader = cluster.leading_master().await?.address().to_string();
    check!(
        answers(&shell, &["leader.mesos"]).await? == [leader],
        "the one that the masters name"
    );
    cluster.finish().await
}
