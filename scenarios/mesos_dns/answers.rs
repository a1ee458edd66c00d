//! How questions are answered.

use harness::client::PortRanges;
use harness::client::mesos::TaskSpec;
use harness::component::mesos_dns;
use harness::docker::exec::ExecSpec;
use harness::evidence::Verdict;
use harness::{Cluster, check, check_contains};
use rstest::rstest;

use super::{answers, await_answers, cluster, dig, framework, running};

/// Where `upstream.pl` listens on the master's node, and what it answers.
const UPSTREAM: [&str; 3] = ["127.0.0.1", "5300", "203.0.113.7"];

#[tokio::test]
async fn foreign_names_are_forwarded() -> Verdict {
    let resolver = UPSTREAM[..2].join(":");
    let cluster = Cluster::builder()
        .mesos_dns()
        .env(mesos_dns::NAME, "MESOSDNS_RESOLVERS_1", &resolver)
        .boot()
        .await?;
    let master = cluster.master().address().to_string();
    let upstream = ["perl", "-e", include_str!("upstream.pl")].iter().chain(&UPSTREAM);
    let shell = cluster.shell(&cluster.master()).await?;
    shell.run(ExecSpec::new(upstream.copied())).await?.success()?;

    let shell = cluster.shell(cluster.slave(1)?).await?;
    let direct = dig(&shell, &[&format!("@{master}"), "www.example.test"]).await?;
    check_contains!(direct, "203.0.113.7");
    check_contains!(direct, "\t7\tIN\tA", "the answer is passed on as it was received");
    let found = shell
        .run(ExecSpec::new(["getent", "ahostsv4", "www.example.test"]))
        .await?;
    check_contains!(found.stdout, "203.0.113.7", "programs on a node find it too");
    check!(
        answers(&shell, &["leader.mesos"]).await? == [master],
        "its own names are not forwarded"
    );
    cluster.finish().await
}

#[rstest]
#[case::off("MESOSDNS_EXTERNALON", "false", "REFUSED")]
#[case::silent("MESOSDNS_RESOLVERS_1", "127.0.0.1:1", "SERVFAIL")]
#[tokio::test]
async fn foreign_names_without_a_resolver(
    #[case] variable: &str,
    #[case] value: &str,
    #[case] status: &str,
) -> Verdict {
    let cluster = Cluster::builder()
        .mesos_dns()
        .env(mesos_dns::NAME, variable, value)
        .boot()
        .await?;
    let shell = cluster.shell(&cluster.master()).await?;

    let answer = dig(&shell, &["@127.0.0.1", "www.example.test"]).await?;

    check_contains!(answer, &format!("status: {status}"));
    cluster.finish().await
}

#[tokio::test]
async fn what_is_not_there() -> Verdict {
    let cluster = cluster().await?;
    let shell = cluster.shell(&cluster.master()).await?;
    for (words, status, records, authorities) in [
        (&["A", "nobody.mesos"][..], "NXDOMAIN", 0, 1),
        (&["SRV", "_nobody._tcp.mesos"], "NOERROR", 0, 0),
        (&["AAAA", "leader.mesos"], "NOERROR", 0, 1),
        (&["TXT", "leader.mesos"], "NOERROR", 0, 1),
        (&["SOA", "mesos"], "NOERROR", 0, 1),
        (&["A", "Leader.MESOS"], "NOERROR", 1, 0),
    ] {
        let answer = dig(&shell, &[&["@127.0.0.1"], words].concat()).await?;
        let name = words.join(" ");
        check_contains!(answer, &format!("status: {status}"), "{name}");
        let counts = format!("ANSWER: {records}, AUTHORITY: {authorities}");
        check_contains!(answer, &counts, "{name}");
        check_contains!(answer, "flags: qr aa rd ra;", "{name}");
    }
    cluster.finish().await
}

/// A task with more ports than an answer of 512 bytes, or even of 4096, has room for.
#[tokio::test]
async fn large_answers_come_by_tcp() -> Verdict {
    let cluster = cluster().await?;
    let shell = cluster.shell(cluster.slave(1)?).await?;
    let framework = framework(&cluster, "team").await?;
    let large = TaskSpec::command("large", "sleep 1000").named_ports(PortRanges::range(31000, 31199));
    let _task = running(&framework, large).await?;
    await_answers(
        &shell,
        &["large.team.mesos"],
        &[cluster.slave(1)?.address().to_string()],
    )
    .await?;

    let name = "_large._tcp.team.mesos";
    let server = format!("@{}", cluster.master().address());
    for size in ["+noedns", "+bufsize=4096"] {
        let cut = dig(&shell, &["+notcp", "+ignore", size, &server, "SRV", name]).await?;
        check_contains!(cut, "flags: qr aa tc rd ra;", "{size}");
    }
    let whole = dig(&shell, &[&server, "SRV", name]).await?;
    check_contains!(whole, "ANSWER: 200,", "dig asks again by TCP");
    check!(
        answers(&shell, &["SRV", name]).await?.len() == 200,
        "and so does the node's resolver"
    );
    framework.finish().await?;
    cluster.finish().await
}

/// Packets that are cut, that are answers, that are noise; by UDP and by TCP, where some stay open.
#[tokio::test]
async fn garbage_is_survived() -> Verdict {
    const GARBAGE: &str = r"
        for length in 0 1 11 12 17 28 200 512; do
            head -c $length /dev/urandom >/dev/udp/$0/53
            head -c $length /dev/zero >/dev/udp/$0/53
            head -c $length /dev/urandom >/dev/tcp/$0/53
        done
        printf '\x12\x34\x81\x80\x00\x01\x00\x00\x00\x00\x00\x00' >/dev/udp/$0/53
        printf '\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\xc0\x0c\x00\x01\x00\x01' >/dev/udp/$0/53
        for open in 3 4 5 6 7 8; do eval exec $open'<>'/dev/tcp/$0/53; printf '\xff\xff' >&$open; done
        dig +tries=1 +tcp +short @$0 leader.mesos
    ";
    let cluster = cluster().await?;
    let master = cluster.master().address().to_string();
    let shell = cluster.shell(cluster.slave(1)?).await?;

    let sent = shell.run(ExecSpec::new(["bash", "-c", GARBAGE, &master])).await?;

    check_contains!(sent.stdout, &master, "it answers by TCP meanwhile");
    let server = format!("@{master}");
    check!(
        answers(&shell, &[&server, "leader.mesos"]).await? == [master.as_str()],
        "and by UDP"
    );
    for (words, status) in [
        (&["+opcode=update", "mesos"][..], "NOTIMP"),
        (&["-c", "CH", "leader.mesos"], "REFUSED"),
    ] {
        let answer = dig(&shell, &[&[server.as_str()], words].concat()).await?;
        check_contains!(answer, &format!("status: {status}"));
    }
    cluster.finish().await
}
