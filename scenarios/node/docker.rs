//! The Docker that a node has of its own: what its people and its agent do with it.

use harness::await_until::{Probe, Wait};
use harness::component::mesos_agent;
use harness::component::shell::Shell;
use harness::deadlines;
use harness::docker::exec::{ExecOutput, ExecSpec};
use harness::evidence::Verdict;
use harness::{Cluster, Error, Kind, Result, check, check_contains};
use rstest::{fixture, rstest};

/// An image that every node has, by one of its names there.
const IMAGE: &str = "debian:bookworm";
/// Serves its argument to whoever asks, on port 80.
const SERVER: &str = "use IO::Socket::INET; $| = 1; \
    my $l = IO::Socket::INET->new(LocalPort => 80, Listen => 16, ReuseAddr => 1) or die $!; print qq(ready\\n); \
    while (my $c = $l->accept) { while (<$c>) { last if /^\\r?$/ } \
    print $c qq(HTTP/1.0 200 OK\\r\\n\\r\\n$ARGV[0] for ), $c->peerhost; close $c }";

#[fixture]
async fn cluster() -> Result<Cluster> {
    Cluster::builder().docker().boot().await
}

/// `docker` with these arguments in the shell, as root.
async fn docker(shell: &Shell, arguments: &[&str]) -> Result<ExecOutput> {
    shell.run(ExecSpec::new([&["docker"], arguments].concat())).await
}

/// The same, where it must succeed: what it wrote to its standard output.
async fn done(shell: &Shell, arguments: &[&str]) -> Result<String> {
    Ok(docker(shell, arguments).await?.success()?.stdout)
}

/// What a command that must fail says of it.
async fn refused(shell: &Shell, arguments: &[&str]) -> Result<String> {
    let output = docker(shell, arguments).await?;
    if output.exit_code == 0 {
        return Err(Error::new(Kind::Answer, "a command succeeded that is to be refused").ran(output.ran));
    }
    Ok(output.stderr)
}

/// What the cluster's master gets from `address`: the container may be starting yet.
async fn asked(cluster: &Cluster, address: &str) -> Result<String> {
    let master = cluster.master();
    Wait::that(format!("{address} answers"), deadlines::EXEC)
        .until(async || {
            let curl = ExecSpec::new(["curl", "-sS", "--max-time", "5", address]);
            match master.exec("mesos-master", curl).await {
                Ok(output) if output.exit_code == 0 => Probe::Ready(output.stdout),
                Ok(output) => Probe::NotYet(output.stderr),
                Err(error) => Probe::Broken(error),
            }
        })
        .await
}

/// The agent's containerizer and the node's people use one Docker.
#[rstest]
#[tokio::test]
async fn is_there_for_the_agent(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let slave = cluster.slave(1)?;
    let shell = cluster.shell(slave).await?;

    done(&shell, &["create", "--name", "mesos-task", IMAGE, "true"]).await?;

    let socket = "unix:///var/run/docker.sock";
    let listed = ExecSpec::new(["docker", "-H", socket, "ps", "-a", "--format", "{{.Names}}"]);
    let listed = slave.exec(mesos_agent::NAME, listed).await?.success()?.stdout;
    check!(listed.split_whitespace().collect::<Vec<_>>() == ["mesos-task", "mesos-agent"]);
    cluster.finish().await
}

/// `docker ps` as one types it after `harness ssh`, with and without `sudo`.
#[rstest]
#[tokio::test]
async fn is_for_who_logs_in(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let shell = cluster.shell(cluster.slave(1)?).await?;

    for typed in ["docker", "sudo docker"] {
        let line = format!("{typed} ps --format '{{{{.Names}}}}'");
        let person = ExecSpec::new(["sh", "-c", &line]).user("vagrant");
        let listed = shell.run(person).await?.success()?.stdout;
        check!(listed.trim() == "mesos-agent", "`{typed}` lists the agent: {listed}");
    }
    cluster.finish().await
}

#[rstest]
#[tokio::test]
async fn runs_on_the_nodes_network(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let slave = cluster.slave(1)?;
    let shell = cluster.shell(slave).await?;

    let command = ["run", "--rm", "--net", "host", IMAGE, "sh", "-c"];
    let said = done(
        &shell,
        &[&command[..], &["hostname; hostname -I; echo to stderr >&2; exit 0"]].concat(),
    )
    .await?;
    check!(said.split_whitespace().collect::<Vec<_>>() == ["mesos-slave1", slave.address().to_string().as_str()]);

    let failed = docker(&shell, &[&command[..], &["exit 7"]].concat()).await?;
    check!(failed.exit_code == 7, "its exit code is that of what it ran");
    check!(
        done(&shell, &["ps", "--all", "--quiet"]).await?.lines().count() == 1,
        "only the agent is left"
    );
    cluster.finish().await
}

#[rstest]
#[tokio::test]
async fn publishes_ports_on_the_nodes_address(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let slave = cluster.slave(1)?;
    let shell = cluster.shell(slave).await?;
    let web = [
        "run", "-d", "--name", "web", "-p", "31000:80", IMAGE, "perl", "-e", SERVER, "web",
    ];

    done(&shell, &web).await?;

    check_contains!(asked(&cluster, "http://mesos-slave1:31000").await?, "web for ");
    check!(done(&shell, &["port", "web", "80"]).await?.trim() == "0.0.0.0:31000");
    let taken = refused(&shell, &["run", "--rm", "-p", "31000:80", IMAGE, "true"]).await?;
    check_contains!(taken, "port is already allocated");
    cluster.finish().await
}

/// Outwards a container on the bridge is its node, and it finds the others by their names.
#[rstest]
#[tokio::test]
async fn reaches_the_cluster_from_a_bridge(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let (slave, master) = (cluster.slave(1)?, cluster.master());
    let (shell, on_master) = (cluster.shell(slave).await?, cluster.shell(&master).await?);
    done(
        &on_master,
        &["run", "-d", "--net", "host", IMAGE, "perl", "-e", SERVER, "master"],
    )
    .await?;
    asked(&cluster, "http://mesos-master1").await?;

    let ask = "exec 3<>/dev/tcp/mesos-master1/80; printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3";
    let said = done(&shell, &["run", "--rm", IMAGE, "bash", "-c", ask]).await?;

    check_contains!(
        said,
        format!("master for {}", slave.address()),
        "it comes from the address of its node"
    );
    let names = shell.run(ExecSpec::new(["getent", "ahostsv4", "mesos-slave1"])).await?;
    check!(
        names
            .stdout
            .lines()
            .all(|line| line.starts_with(&slave.address().to_string())),
        "the node's name keeps the node's one address:\n{}",
        names.stdout
    );
    cluster.finish().await
}

#[tokio::test]
async fn keeps_nodes_apart() -> Verdict {
    let cluster = Cluster::builder().slaves(2).docker().boot().await?;
    let one = cluster.shell(cluster.slave(1)?).await?;
    let other = cluster.shell(cluster.slave(2)?).await?;

    // The same names on both: of a container, a volume, an image.
    for (shell, word) in [(&one, "one"), (&other, "other")] {
        done(
            shell,
            &[
                "run",
                "-d",
                "--name",
                "task",
                "-v",
                "data:/data",
                IMAGE,
                "sleep",
                "infinity",
            ],
        )
        .await?;
        done(
            shell,
            &["exec", "task", "sh", "-c", &format!("echo {word} >/data/word")],
        )
        .await?;
        let dockerfile = format!("FROM {IMAGE}\nCMD [\"echo\", \"{word}\"]\n");
        let build = ExecSpec::new(["docker", "build", "--quiet", "-t", "our/word:1", "-"]);
        shell
            .run(build.stdin(dockerfile).within(deadlines::IMAGE_BUILD))
            .await?
            .success()?;
    }

    for (shell, word) in [(&one, "one"), (&other, "other")] {
        check!(done(shell, &["run", "--rm", "our/word:1"]).await?.trim() == word);
        check!(done(shell, &["exec", "task", "cat", "/data/word"]).await?.trim() == word);
        let seen = done(shell, &["ps", "--all", "--format", "{{.Names}}"]).await?;
        check!(seen.split_whitespace().collect::<Vec<_>>() == ["task", "mesos-agent"]);
    }
    // The id of what is another's helps nobody.
    let id = done(&one, &["ps", "--quiet", "--no-trunc", "--filter", "name=task"]).await?;
    for command in ["inspect", "stop", "logs"] {
        let said = refused(&other, &[command, id.trim()]).await?;
        check_contains!(said.to_lowercase(), "no such");
    }
    cluster.finish().await
}

/// What would reach the machine is refused, by its name.
#[rstest]
#[tokio::test]
async fn hides_the_engine_behind_it(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let shell = cluster.shell(cluster.slave(1)?).await?;

    for (option, expected) in [
        ("--privileged", "HostConfig.Privileged true is refused"),
        ("--pid=host", "HostConfig.PidMode"),
        ("--ipc=host", "HostConfig.IpcMode"),
        ("--device=/dev/null", "HostConfig.Devices"),
        ("--cap-add=SYS_ADMIN", "HostConfig.CapAdd SYS_ADMIN"),
        ("--security-opt=seccomp=unconfined", "HostConfig.SecurityOpt"),
        ("--cgroup-parent=/x", "HostConfig.CgroupParent"),
        ("--volume=/etc:/x", "the path /etc is refused"),
        ("--volume=/var/run/docker.sock:/x", "the engine's socket is not given"),
        ("--volumes-from=mesos-agent", "mesos-agent is refused"),
        ("--net=container:nobody", "No such container: nobody"),
        ("--label=org.mesos-harness.lease=x", "org.mesos-harness.lease"),
    ] {
        let said = refused(&shell, &["run", "--rm", option, IMAGE, "true"]).await?;
        check_contains!(said, expected);
    }
    check_contains!(
        refused(&shell, &["rm", "--force", "mesos-agent"]).await?,
        "it is a part of the node"
    );
    check_contains!(
        refused(&shell, &["swarm", "init"]).await?,
        "POST /swarm/init is not for a node's Docker"
    );
    let search = "find / -xdev -name 'engine.sock' 2>/dev/null; ls /proc/*/root/run/engine.sock 2>/dev/null; true";
    let places = [
        shell.run(ExecSpec::new(["sh", "-c", search])).await?,
        // Where Mesos' own containerizer runs a task.
        cluster
            .slave(1)?
            .exec(mesos_agent::NAME, ExecSpec::new(["sh", "-c", search]))
            .await?,
        docker(&shell, &["run", "--rm", "--net=host", IMAGE, "sh", "-c", search]).await?,
    ];
    for place in places {
        let found = place.success()?;
        check!(
            found.stdout.trim().is_empty(),
            "the engine's socket is nowhere: {}",
            found.ran
        );
    }
    cluster.finish().await
}

#[rstest]
#[tokio::test]
async fn shares_sandboxes_at_the_same_path(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let shell = cluster.shell(cluster.slave(1)?).await?;
    let make = "mkdir -p /tmp/mesos/slaves/s1 && echo here >/tmp/mesos/slaves/s1/word && ln -s slaves/s1 /tmp/mesos/latest \
                && ln -s /etc /tmp/mesos/evil";
    shell.run(ExecSpec::new(["sudo", "sh", "-c", make])).await?.success()?;

    let bind = "/tmp/mesos/latest:/mnt/mesos/sandbox:rw";
    let command = "cat /mnt/mesos/sandbox/word; echo back >/mnt/mesos/sandbox/answer";
    let said = done(&shell, &["run", "--name", "t1", "-v", bind, IMAGE, "sh", "-c", command]).await?;

    check!(said.trim() == "here");
    let answer = shell.run(ExecSpec::new(["cat", "/tmp/mesos/slaves/s1/answer"])).await?;
    check!(answer.stdout.trim() == "back");
    let shown = done(
        &shell,
        &[
            "inspect",
            "--format",
            "{{json .HostConfig.Binds}} {{json .Mounts}}",
            "t1",
        ],
    )
    .await?;
    check_contains!(shown, bind, "it is shown as it was asked for");
    check_contains!(shown, "\"/tmp/mesos/slaves/s1\"");
    let evil = refused(&shell, &["run", "--rm", "-v", "/tmp/mesos/evil:/x", IMAGE, "true"]).await?;
    check_contains!(evil, "the path /etc is refused");
    cluster.finish().await
}

/// Nothing is fetched: an image is on the machine, or nowhere.
#[rstest]
#[tokio::test]
async fn resolves_images_on_the_machine(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let shell = cluster.shell(cluster.slave(1)?).await?;

    check_contains!(
        done(&shell, &["pull", IMAGE]).await?,
        "Status: Image is up to date for debian:bookworm"
    );
    let unknown = refused(&shell, &["run", "--rm", "mesosphere/nothing:1", "true"]).await?;
    check_contains!(unknown, "pull access denied for mesosphere/nothing");
    check_contains!(
        refused(&shell, &["pull", "debian:none"]).await?,
        "manifest for debian:none not found"
    );
    for odd in ["No:1", "a//b", "a:b:c", "-x", "a b", "../x"] {
        let said = refused(&shell, &["pull", "--", odd]).await?;
        check_contains!(said, "invalid reference format");
    }
    // What the agent reads of an image; later engines leave it out.
    let format = "{{json .ContainerConfig.Entrypoint}} {{json .ContainerConfig.Env}}";
    check_contains!(
        done(&shell, &["image", "inspect", "--format", format, IMAGE]).await?,
        "PATH="
    );
    cluster.finish().await
}

/// A node that stops takes its containers with it, as a machine does; what is started again is published again.
#[rstest]
#[tokio::test]
async fn survives_a_stop_of_its_node(#[future] cluster: Result<Cluster>) -> Verdict {
    let mut cluster = cluster.await?;
    let slave = cluster.slave(1)?.clone();
    let shell = cluster.shell(&slave).await?;
    done(
        &shell,
        &[
            "run", "-d", "--name", "web", "-p", "31000:80", IMAGE, "perl", "-e", SERVER, "web",
        ],
    )
    .await?;
    asked(&cluster, "http://mesos-slave1:31000").await?;

    cluster.stop(slave.name()).await?;
    cluster.start(slave.name()).await?;

    let shell = cluster.shell(&slave).await?;
    let state = done(&shell, &["inspect", "--format", "{{.State.Status}}", "web"]).await?;
    check!(state.trim() == "exited");
    done(&shell, &["start", "web"]).await?;
    check_contains!(asked(&cluster, "http://mesos-slave1:31000").await?, "web for ");
    cluster.finish().await
}

mod readme {
    use super::*;

    /// README, an image for Spark: `docker build -t eronwright/spark:1.6.0 .` on a slave.
    #[rstest]
    #[tokio::test]
    async fn builds_an_image_of_ones_own(#[future] cluster: Result<Cluster>) -> Verdict {
        let cluster = cluster.await?;
        let shell = cluster.shell(cluster.slave(1)?).await?;
        let files = "mkdir /home/vagrant/spark && cd /home/vagrant/spark && echo 1.6.0 >version && printf '%s\\n' \
                     'FROM debian:bookworm' 'COPY version /version' 'RUN echo spark >/name' 'VOLUME /logs' \
                     'CMD [\"cat\", \"/name\", \"/version\"]' >Dockerfile";
        shell.run(ExecSpec::new(["sh", "-c", files])).await?.success()?;

        let build = "cd /home/vagrant/spark && sudo docker build -t eronwright/spark:1.6.0 .";
        let built = ExecSpec::new(["sh", "-c", build])
            .user("vagrant")
            .within(deadlines::IMAGE_BUILD);
        let said = shell.run(built).await?.success()?.stdout;

        check_contains!(said, "FROM debian:bookworm");
        check_contains!(said, "Successfully tagged eronwright/spark:1.6.0");
        check_contains!(done(&shell, &["images", "eronwright/spark"]).await?, "1.6.0");
        let ran = done(&shell, &["run", "--rm", "eronwright/spark:1.6.0"]).await?;
        check!(ran.split_whitespace().collect::<Vec<_>>() == ["spark", "1.6.0"]);
        // A failed build leaves what it has; all of it goes with the cluster.
        let failing = ExecSpec::new(["docker", "build", "-"]).stdin("FROM debian:bookworm\nRUN touch /x\nRUN false\n");
        check!(shell.run(failing.within(deadlines::IMAGE_BUILD)).await?.exit_code != 0);
        cluster.finish().await
    }
}
