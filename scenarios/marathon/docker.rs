//! Docker apps.

use harness::client::http::Method;
use harness::client::marathon::{AppSpec, Check};
use harness::docker::exec::ExecSpec;
use harness::evidence::Verdict;
use harness::{Cluster, Result, check, check_contains};
use rstest::{fixture, rstest};
use serde_json::{Value, json};

use super::{SLEEPS, ids, sandbox};
use crate::fixtures::{answer_of, web_server};

/// On every node: the image that all of ours are made from.
const IMAGE: &str = "debian";

/// The README's cluster with Marathon on its master, whose slave has a Docker of its own.
#[fixture]
async fn cluster() -> Result<Cluster> {
    Cluster::builder().docker().marathon().boot().await
}

/// An app in a container of that image, with `fields` of `container.docker` on top.
fn app(id: &str, cmd: impl Into<String>, image: &str, fields: &Value) -> AppSpec {
    let mut docker = json!({"image": image, "network": "HOST"});
    for (key, value) in fields.as_object().into_iter().flatten() {
        docker[key] = value.clone();
    }
    AppSpec::command(id, cmd).with("container", json!({"type": "DOCKER", "docker": docker}))
}

async fn docker(cluster: &Cluster, words: &[&str]) -> Result<String> {
    let shell = cluster.shell(cluster.slave(1)?).await?;
    let output = shell
        .run(ExecSpec::new(["sudo", "docker"].iter().chain(words).copied()))
        .await?;
    Ok(output.success()?.stdout)
}

/// The names of the containers of tasks that run: `mesos-` and a UUID.
async fn containers(cluster: &Cluster) -> Result<Vec<String>> {
    let names = docker(cluster, &["ps", "--format", "{{.Names}}"]).await?;
    let of_tasks = names
        .lines()
        .filter(|name| name.starts_with("mesos-") && name.len() == "mesos-".len() + 36);
    Ok(of_tasks.map(str::to_owned).collect())
}

#[rstest]
#[tokio::test]
async fn host_app_serves_on_its_port(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let app = app("/web", web_server("host-app"), IMAGE, &json!({}))
        .check(Check::http("/").with("gracePeriodSeconds", json!(30)));

    let app = cluster.marathon().run(&app).await?;

    check!(app.tasks_healthy == 1, "it is healthy: {app:?}");
    let task = &app.tasks[0];
    check!(task.ports.len() == 1 && (31000..=32000).contains(&task.ports[0]));
    check!(answer_of(cluster.slave(1)?, task.ports[0]).await? == "host-app");
    check!(
        containers(&cluster).await?.len() == 1,
        "it is a container of the node's Docker"
    );
    cluster.finish().await
}

/// The task finds the port of the host by that of its container.
#[rstest]
#[tokio::test]
async fn bridge_app_is_published_on_the_host(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let serves = format!(
        "env >$MESOS_SANDBOX/environment; {}",
        web_server("bridge-app").replace("$PORT0", "8080")
    );
    let mapping =
        json!({"containerPort": 8080, "hostPort": 0, "servicePort": 10080, "protocol": "tcp", "name": "http"});
    let app = app(
        "/web",
        serves,
        IMAGE,
        &json!({"network": "BRIDGE", "portMappings": [mapping]}),
    );
    let app = app.check(Check::http("/").with("gracePeriodSeconds", json!(30)));

    let app = cluster.marathon().run(&app).await?;

    check!(app.tasks_healthy == 1, "it is healthy: {app:?}");
    let task = &app.tasks[0];
    let port = task.ports[0];
    check!(answer_of(cluster.slave(1)?, port).await? == "bridge-app");
    let environment = sandbox(&cluster, task)
        .await?
        .await_text("environment", "PORT_8080")
        .await?;
    for line in [
        format!("PORT_8080={port}"),
        format!("PORT_HTTP={port}"),
        format!("PORT0={port}"),
        format!("HOST={}", task.host),
        format!("MARATHON_APP_DOCKER_IMAGE={IMAGE}"),
    ] {
        check!(
            environment.lines().any(|found| found == line),
            "{line} stands in {environment}"
        );
    }
    cluster.finish().await
}

#[rstest]
#[tokio::test]
async fn missing_image_is_the_apps_last_failure(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let marathon = cluster.marathon();

    marathon
        .create(&app("/missing", SLEEPS, "no-such/image:1.0", &json!({})))
        .await?;

    let failed = marathon
        .await_app("/missing", "a task of /missing has failed", |app| {
            app.last_task_failure.is_some()
        })
        .await?;
    let failure = failed
        .last_task_failure
        .map(|failure| (failure.state, failure.message))
        .unwrap_or_default();
    check!(failure.0 == "TASK_FAILED");
    check_contains!(failure.1, "no-such/image");
    cluster.finish().await
}

#[rstest]
#[tokio::test]
async fn container_killed_on_the_node_is_replaced(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let marathon = cluster.marathon();
    let before = marathon.run(&app("/a", SLEEPS, IMAGE, &json!({}))).await?;
    let names = containers(&cluster).await?;
    check!(names.len() == 1, "one container: {names:?}");

    docker(&cluster, &["kill", &names[0]]).await?;

    let after = marathon
        .await_app("/a", "another task of /a runs", |app| {
            app.tasks_running == 1 && ids(app).is_disjoint(&ids(&before))
        })
        .await?;
    let message = after
        .last_task_failure
        .map(|failure| failure.message)
        .unwrap_or_default();
    check!(message == "Container exited with status 137");
    cluster.finish().await
}

#[rstest]
#[tokio::test]
async fn deletion_removes_its_containers(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let marathon = cluster.marathon();
    marathon.run(&app("/a", SLEEPS, IMAGE, &json!({})).instances(2)).await?;
    check!(containers(&cluster).await?.len() == 2);

    marathon.deployed(&marathon.delete("/a").await?).await?;

    check!(containers(&cluster).await?.is_empty(), "none runs");
    cluster.finish().await
}

/// Folders and options of `docker run`.
#[rstest]
#[tokio::test]
async fn container_is_what_the_app_says(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let docker_fields = json!({"parameters": [
        {"key": "label", "value": "colour=blue"}, {"key": "workdir", "value": "/data"}]});
    let mut app = app("/a", "echo written >file; exec sleep 1000", IMAGE, &docker_fields);
    let mut container = app.json()["container"].clone();
    container["volumes"] = json!([{"hostPath": "data", "containerPath": "/data", "mode": "RW"}]);
    app = app.with("container", container);

    let app = cluster.marathon().run(&app).await?;

    let written = sandbox(&cluster, &app.tasks[0])
        .await?
        .await_text("data/file", "written")
        .await?;
    check!(written == "written\n");
    let names = containers(&cluster).await?;
    let colour = docker(
        &cluster,
        &["inspect", "--format", "{{.Config.Labels.colour}}", &names[0]],
    )
    .await?;
    check!(colour.trim() == "blue");
    cluster.finish().await
}

/// A datagram reaches the container at the host's port, which is also the container's where it names none.
#[rstest]
#[tokio::test]
async fn datagrams_reach_a_published_port(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let serves = "exec perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(Proto => q(udp), LocalPort => $ENV{PORT0}); \
                  print qq(bound\\n); close STDOUT; while ($s->recv($said, 99)) { $s->send(qq(heard $said)) }'";
    let mapping = json!({"containerPort": 0, "hostPort": 0, "protocol": "udp"});
    let published = json!({"network": "BRIDGE", "portMappings": [mapping]});

    let app = cluster.marathon().run(&app("/udp", serves, IMAGE, &published)).await?;

    let task = &app.tasks[0];
    sandbox(&cluster, task).await?.await_text("stdout", "bound").await?;
    let asks = format!(
        "perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(Proto => q(udp), PeerAddr => q({}:{})); \
         $s->send(q(this)); alarm 20; $s->recv($said, 99); print $said'",
        task.host, task.ports[0]
    );
    let shell = cluster.shell(&cluster.master()).await?;
    let heard = shell.run(ExecSpec::new(["sh", "-c", &asks])).await?.success()?.stdout;
    check!(heard == "heard this");
    cluster.finish().await
}

/// No network but its own loopback, a folder that it cannot write to, and the image's own program with the app's arguments.
#[rstest]
#[tokio::test]
async fn confined_app_runs_the_images_own_program(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let program = "echo \"said $*\"; ls /sys/class/net; touch /data/file; exec sleep 1000";
    let entrypoint = json!(["sh", "-c", program, "program"]);
    let dockerfile = format!("FROM {IMAGE}\nENTRYPOINT {entrypoint}\n");
    let build = ExecSpec::new(["sudo", "docker", "build", "--tag", "own/program:1", "-"]).stdin(dockerfile);
    let shell = cluster.shell(cluster.slave(1)?).await?;
    shell.run(build).await?.success()?;
    let mut app = app("/confined", "", "own/program:1", &json!({"network": "NONE"}));
    let mut container = app.json()["container"].clone();
    container["volumes"] = json!([{"hostPath": "data", "containerPath": "/data", "mode": "RO"}]);
    app = app
        .with("container", container)
        .with("cmd", Value::Null)
        .with("args", json!(["one", "and two"]));

    let app = cluster.marathon().run(&app).await?;

    let sandbox = sandbox(&cluster, &app.tasks[0]).await?;
    let refused = sandbox.await_text("stderr", "/data/file").await?;
    check_contains!(refused, "Read-only file system");
    // Each has a stream of its own: which is ahead is chance.
    sandbox.await_text("stdout", "said one and two\nlo\n").await?;
    cluster.finish().await
}

/// README "Spark": an image is built on the slave, by the name that the app gives.
#[rstest]
#[tokio::test]
async fn image_built_on_the_slave_is_used(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let shell = cluster.shell(cluster.slave(1)?).await?;
    let build = format!(
        "mkdir -p /tmp/own && cd /tmp/own && printf 'FROM {IMAGE}\\nRUN echo baked >/inside\\n' >Dockerfile && \
         sudo docker build -t eronwright/spark:1.6.0 ."
    );
    shell.run(ExecSpec::new(["sh", "-c", &build])).await?.success()?;

    let cmd = "cat /inside; exec sleep 1000";
    let app = cluster
        .marathon()
        .run(&app("/spark", cmd, "eronwright/spark:1.6.0", &json!({})))
        .await?;

    let output = sandbox(&cluster, &app.tasks[0])
        .await?
        .await_text("stdout", "baked")
        .await?;
    check_contains!(output, "baked");
    cluster.finish().await
}

/// The app is refused, and not only its task.
#[rstest]
#[case::privileged("DOCKER", json!({"image": IMAGE, "privileged": true}), "/container/docker/privileged")]
#[case::mesos_image("MESOS", json!({"image": IMAGE}), "/container/docker")]
#[case::no_image("DOCKER", Value::Null, "/container/docker")]
#[tokio::test]
async fn what_cannot_run_is_refused(
    #[future] cluster: Result<Cluster>,
    #[case] kind: &str,
    #[case] docker: Value,
    #[case] path: &str,
) -> Verdict {
    let cluster = cluster.await?;
    let marathon = cluster.marathon();
    let app = AppSpec::command("/refused", SLEEPS).with("container", json!({"type": kind, "docker": docker}));

    let refused = marathon.ask(Method::POST, "v2/apps", Some(app.json())).await?;

    check!(refused.status().as_u16() == 422, "{}", refused.text());
    let said: Value = serde_json::from_str(&refused.text()).unwrap_or_default();
    check!(said["details"][0]["path"] == path, "it says where: {said}");
    check!(marathon.apps().await?.is_empty());
    cluster.finish().await
}
