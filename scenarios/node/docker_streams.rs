//! What a node's Docker streams: logs, events, terminals, files.

use harness::component::shell::Shell;
use harness::docker::exec::{ExecOutput, ExecSpec};
use harness::evidence::Verdict;
use harness::{Cluster, Result, check, check_contains, deadlines};
use rstest::{fixture, rstest};

const IMAGE: &str = "debian:bookworm";

#[fixture]
async fn cluster() -> Result<Cluster> {
    Cluster::builder().docker().boot().await
}

/// A line of a shell on the node, in which `docker` is the node's.
async fn line(shell: &Shell, command: &str) -> Result<ExecOutput> {
    shell
        .run(ExecSpec::new(["bash", "-c", command]).within(deadlines::IMAGE_BUILD))
        .await
}

#[rstest]
#[tokio::test]
async fn logs_are_followed_as_they_are_written(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let shell = cluster.shell(cluster.slave(1)?).await?;
    let write = "echo first; until [ -e /go ]; do sleep 0.05; done; echo second";
    line(&shell, &format!("docker run -d --name writer {IMAGE} sh -c '{write}'"))
        .await?
        .success()?;

    // The second line is written when the first has arrived.
    let follow = "docker logs -f writer | while read word; do echo got $word; [ $word = second ] || docker exec writer touch /go; done";
    let heard = line(&shell, follow).await?;

    check!(heard.stdout.lines().collect::<Vec<_>>() == ["got first", "got second"]);
    cluster.finish().await
}

#[rstest]
#[tokio::test]
async fn exec_has_a_terminal_of_the_right_size(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let shell = cluster.shell(cluster.slave(1)?).await?;
    line(&shell, &format!("docker run -d --name terminal {IMAGE} sleep infinity"))
        .await?
        .success()?;

    // Its own terminal, whose size is changed before the command looks at it.
    let inside = "until [ \"$(stty size)\" = \"33 77\" ]; do sleep 0.05; done; tty; stty size; exit 3";
    let at_terminal = format!("stty rows 33 cols 77; docker exec -it terminal sh -c '{inside}'");
    let said = line(
        &shell,
        &format!("script -qec {} /dev/null </dev/null", quoted(&at_terminal)),
    )
    .await?;

    check_contains!(said.stdout, "/dev/pts/");
    check_contains!(said.stdout, "33 77");
    check!(said.exit_code == 3);
    // Without a terminal the end of the input is passed on, and the two outputs stay apart.
    let piped = line(
        &shell,
        "seq 20000 | docker exec -i terminal sh -c 'wc -l; echo err >&2'",
    )
    .await?;
    check!((piped.stdout.trim(), piped.stderr.trim()) == ("20000", "err"));
    cluster.finish().await
}

#[rstest]
#[tokio::test]
async fn events_are_the_nodes_alone() -> Verdict {
    let cluster = Cluster::builder().slaves(2).docker().boot().await?;
    let shell = cluster.shell(cluster.slave(1)?).await?;
    let other = cluster.shell(cluster.slave(2)?).await?;
    let run = |name: &str| format!("docker run --rm --name {name} {IMAGE} true");

    line(&other, &run("theirs")).await?.success()?;
    line(&shell, &run("ours")).await?.success()?;

    let format = "{{.Actor.Attributes.name}} {{.Actor.Attributes.image}} {{.Action}}";
    let listen = format!("docker events --since 10m --format '{format}'");
    let until = "while read -r event; do echo \"$event\"; [[ $event = \"ours \"*destroy ]] && break; done";
    let heard = line(&shell, &format!("{until} < <({listen})")).await?.success()?.stdout;
    check_contains!(heard, "ours debian:bookworm start");
    check!(!heard.contains("theirs"), "{heard}");
    check!(!heard.contains("holder") && !heard.contains("docker-proxy"), "{heard}");
    cluster.finish().await
}

#[rstest]
#[tokio::test]
async fn files_go_in_and_out(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let shell = cluster.shell(cluster.slave(1)?).await?;
    line(&shell, &format!("docker create --name files {IMAGE} md5sum /big"))
        .await?
        .success()?;

    let copy = "head -c 20000000 /dev/urandom >/tmp/big && docker cp /tmp/big files:/big && docker start -a files && \
                docker cp files:/big - | tar xO | md5sum && md5sum </tmp/big";
    let sums = line(&shell, copy).await?.success()?.stdout;

    let sums: Vec<&str> = sums.lines().filter_map(|line| line.split_whitespace().next()).collect();
    check!(sums.len() == 3 && sums[0] == sums[1] && sums[1] == sums[2], "{sums:?}");
    cluster.finish().await
}

/// A client that says nothing sensible is told so, in time, and the next one is served.
#[rstest]
#[tokio::test]
async fn strange_clients_are_told_and_harm_nobody(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let shell = cluster.shell(cluster.slave(1)?).await?;

    // In Perl: bytes that are no text, the beginning of TLS, a path without an end.
    for (said, answer) in [
        ("join '', map { chr(128 + $_ % 128) } 1 .. 100_000", "HTTP/1.1 400 "),
        ("qq(\\x16\\x03\\x01\\x02) . chr(0) x 600", "HTTP/1.1 400 "),
        ("'GET /' . 'a' x 1_000_000", "HTTP/1.1 4"),
    ] {
        let answered = line(&shell, &raw(said)).await?.success()?;
        check!(answered.stdout.starts_with(answer), "{said}: {}", answered.stdout);
    }
    let truncated = "printf '{\"Image\":' | curl -s --unix-socket /var/run/docker.sock \
                     -H 'Content-Type: application/json' -d @- http://d/containers/create";
    check_contains!(line(&shell, truncated).await?.stdout, "is not JSON");
    let asked = "curl -s --unix-socket /var/run/docker.sock http://d/_ping";
    check!(line(&shell, asked).await?.stdout == "OK", "the next client is served");
    cluster.finish().await
}

/// A build's context has a limit, and of what was beyond it nothing is left.
#[rstest]
#[tokio::test]
async fn a_context_over_the_limit_leaves_nothing(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let shell = cluster.shell(cluster.slave(1)?).await?;
    // Of images those that were built here: others of the machine come and go.
    let everything = "docker ps -aq; docker images -aq --filter label=org.mesos-harness.node; docker volume ls -q; \
                      docker network ls -q";
    let before = line(&shell, everything).await?.success()?.stdout;

    let huge = "truncate -s 600M /tmp/huge && cd /tmp && (printf 'FROM debian:bookworm\\n' >Dockerfile.x; \
                tar cf - Dockerfile.x huge) | docker build -f Dockerfile.x -";
    let refused = line(&shell, huge).await?;

    check!(refused.exit_code != 0);
    check_contains!(refused.stderr, "more than 512 MiB");
    check!(line(&shell, everything).await?.success()?.stdout == before);
    cluster.finish().await
}

/// A line that sends the bytes of a Perl expression to the node's Docker, and prints what comes back.
fn raw(bytes: &str) -> String {
    let client = format!(
        "$SIG{{PIPE}} = 'IGNORE'; my $s = IO::Socket::UNIX->new('/var/run/docker.sock') or die; \
         print $s ({bytes}); shutdown $s, 1; print while <$s>"
    );
    format!("perl -MIO::Socket::UNIX -e {}", quoted(&client))
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}
