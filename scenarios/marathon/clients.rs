//! Clients that nobody here wrote, and what they make of Marathon's answers. The programs in `clients/` call the one in
//! Python; what they print is what its own models hold, so that an answer that it does not understand shows.

use std::collections::BTreeSet;
use std::time::Duration;

use harness::client::marathon::{AppSpec, Task};
use harness::component::marathon;
use harness::deadlines::Deadline;
use harness::docker::exec::{ExecOutput, ExecSpec};
use harness::error::Context;
use harness::evidence::{Verdict, not_applicable};
use harness::toolbox::{Prometheus, clients};
use harness::{Cluster, Kind, Result, check, check_contains};
use rstest::{fixture, rstest};
use serde_json::{Value, json};

use super::{SLEEPS, ids};
use crate::fixtures::{WEB_SERVER_MODULES, lacks_perl, web_server};

/// The README's cluster with Marathon, and room for the clients beside it.
#[fixture]
async fn cluster() -> Result<Cluster> {
    let builder = Cluster::builder().marathon().beside(clients::MEGABYTES);
    builder
        .env(marathon::NAME, "MARATHON_EVENT_SUBSCRIBER", "http_callback")
        .boot()
        .await
}

fn url(cluster: &Cluster) -> String {
    format!("http://{}:{}", cluster.master().address(), marathon::PORT)
}

/// Programs that make many changes and wait for the end of each.
const PROGRAM: Deadline = Deadline::custom("CLIENT_PROGRAM", Duration::from_secs(180));

async fn run(cluster: &Cluster, command: ExecSpec) -> Result<ExecOutput> {
    cluster.marathon_clients().await?.run(command.within(PROGRAM)).await
}

/// The JSON that a client printed on one line.
fn document(line: &str, output: &ExecOutput) -> Result<Value> {
    serde_json::from_str(line)
        .context(Kind::Answer, || {
            "the client printed something else than JSON".to_owned()
        })
        .map_err(|error| error.ran(&output.ran).evidence(output.stdout.as_str()))
}

/// What a program of the Python client tells at its end.
async fn python(cluster: &Cluster, program: &str) -> Result<Value> {
    let program = [include_str!("clients/begin.py"), program].concat();
    let command = ExecSpec::new(["python-marathon", "-", &url(cluster)]).stdin(program);
    let output = run(cluster, command).await?.success()?;
    document(output.stdout.lines().last().unwrap_or_default(), &output)
}

#[rstest]
#[tokio::test]
async fn python_manages_apps(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;

    let told = python(&cluster, include_str!("clients/apps.py")).await?;

    check!(told["created"] == json!(["/shop/web", 1, { "tier": "front" }]));
    let events: BTreeSet<&str> = told["events"]
        .as_array()
        .into_iter()
        .flatten()
        .flat_map(Value::as_str)
        .collect();
    for kind in [
        "api_post_event",
        "deployment_info",
        "status_update_event",
        "deployment_step_success",
        "add_health_check_event",
    ] {
        check!(events.contains(kind), "its event stream has {kind}: {events:?}");
    }
    check!(told["runs"] == json!([1, 1, 1, "LIKE"]));
    check!(told["listed"] == json!(["/shop/web"]) && told["not_listed"] == json!([]));
    check!(told["scaled"] == json!([2, 2]), "scaled up to 3 and down by 1");
    check!(told["updated"] == "sleep 2000", "an app is changed as it was read");
    check!(told["restarted"] == json!([2, 0]), "both tasks are others");
    check!(told["first"] == SLEEPS && told["rolled_back"] == SLEEPS);
    check!(
        told["killed"] == json!([2, false]),
        "one instance less than that version had, and it was that one"
    );
    check!(told["both"] == json!([["/shop/db", 1], ["/shop/web", 0]]));
    check!(told["ended"] == json!(["/shop/db"]));
    check!(told["left"] == json!([0, 0]));
    cluster.finish().await
}

#[rstest]
#[tokio::test]
async fn python_manages_groups(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;

    let told = python(&cluster, include_str!("clients/groups.py")).await?;

    check!(told["listed"] == json!(["/shop"]));
    check!(told["found"] == json!(["/shop/web", ["/shop/db/main"], "/shop/db/main"]));
    check!(told["scaled"] == json!([["/shop/db/main", 2], ["/shop/web", 2]]));
    check!(told["updated"] == json!([["/shop/db/main", SLEEPS], ["/shop/web", "sleep 2000"]]));
    check!(told["left"] == json!([0, 0]));
    let events = told["events"].to_string();
    check_contains!(events, "group_change_success");
    cluster.finish().await
}

#[rstest]
#[tokio::test]
async fn python_watches_deployments_and_the_queue(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let info = cluster.marathon().info().await?;

    let told = python(&cluster, include_str!("clients/watching.py")).await?;

    check!(told["info"] == json!(["marathon", info.version, true, info.leader, info.framework_id]));
    check!(told["leader"] == json!(info.leader));
    check!(told["ping"] == "\"pong\"", "as JSON for who asks for that");
    check_contains!(told["metrics"].to_string(), "gauges");
    check!(told["deployments"] == json!([[true, ["/big"], "/big", 2]]));
    check!(told["queue"] == json!(["/big", 1, true]));
    check!(told["undone"] == json!([]), "undone, the app is gone");
    check!(told["dropped"] == json!([{}, ["/big"]]), "dropped, it stays as it is");
    let url = "http://192.0.2.1:9/events";
    check!(told["subscribed"] == json!(["subscribe_event", [url]]));
    check!(told["unsubscribed"] == json!(["unsubscribe_event", []]));
    cluster.finish().await
}

#[rstest]
#[tokio::test]
async fn python_tells_refusals_apart(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;

    let told = python(&cluster, include_str!("clients/refusals.py")).await?;

    check!(told["unknown"] == json!(["NotFoundError", 404, "App '/nothing' does not exist", null]));
    check!(told["taken"] == json!(["ConflictError", 409, "An app with id [/big] already exists.", null]));
    check!(told["locked"] == json!(["ConflictError", 409]));
    check!(told["forced"] == "accepted");
    let rule = "AppDefinition must either contain one of 'cmd' or 'args', and/or a 'container'.";
    let details = json!([{ "path": "/", "errors": [rule] }]);
    check!(told["wrong"] == json!(["MarathonHttpError", 422, "Object is not valid", details]));
    let details = json!([{ "path": "/cpus", "errors": ["error.expected.jsnumber"] }]);
    check!(told["shape"] == json!(["MarathonHttpError", 400, "Invalid JSON", details]));
    cluster.finish().await
}

/// A template of shpkpr's, with values of the command line's.
const TEMPLATE: &str = r#"{"id": "/web", "cmd": "{{CMD|default("sleep 1000")}}", "cpus": 0.1, "mem": 32,
    "instances": {{INSTANCES|require_int(min=0)}}}"#;

/// Writes a file in the clients' container.
async fn write(cluster: &Cluster, path: &str, content: &str) -> Result<()> {
    let command = ExecSpec::new(["sh", "-c", "cat >\"$0\"", path]).stdin(content);
    run(cluster, command).await?.success().map(drop)
}

async fn shpkpr(cluster: &Cluster, words: &[&str]) -> Result<ExecOutput> {
    let url = url(cluster);
    let words = ["shpkpr", "apps"].iter().chain(words);
    run(cluster, ExecSpec::new(words.copied()).env("SHPKPR_MARATHON_URL", &url)).await
}

#[rstest]
#[tokio::test]
async fn shpkpr_deploys_and_shows(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    write(&cluster, "/tmp/web.json.tmpl", TEMPLATE).await?;
    let deploy = ["deploy", "--template-dir", "/tmp", "--template", "web.json.tmpl"];

    let created = shpkpr(&cluster, &[&deploy[..], &["INSTANCES=1"]].concat())
        .await?
        .success()?;
    let before = cluster.marathon().app("/web").await?;
    let scaled = shpkpr(&cluster, &[&deploy[..], &["INSTANCES=2"]].concat())
        .await?
        .success()?;

    for output in [&created, &scaled] {
        check_contains!(output.stdout, "Marathon deployment complete", "it waited for the end");
    }
    let after = cluster.marathon().app("/web").await?;
    check!(before.tasks_running == 1 && after.tasks_running == 2);
    check!(
        ids(&before).is_subset(&ids(&after)),
        "what is the same is not restarted"
    );
    let shown = shpkpr(&cluster, &["show", "-a", "/web"]).await?.success()?;
    let shown = document(&shown.stdout, &shown)?;
    check!(shown["id"] == "/web" && shown["tasks"].as_array().map(Vec::len) == Some(2));
    let all = shpkpr(&cluster, &["show"]).await?.success()?;
    let all = document(&all.stdout, &all)?;
    check!(all[0]["tasksRunning"] == 2 && all[0]["taskStats"].is_object());
    let none = shpkpr(&cluster, &["show", "-a", "/nothing"]).await?;
    check!(none.exit_code != 0);
    check_contains!(none.stderr, "does not exist");
    cluster.finish().await
}

#[rstest]
#[tokio::test]
async fn marathon_deploy_puts_scales_and_restarts(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let marathon = cluster.marathon();
    let app = AppSpec::command("/web", SLEEPS).with("labels", json!({ "tier": "front" }));
    write(&cluster, "/tmp/web.json", &app.json().to_string()).await?;
    let url = url(&cluster);
    let deploy = async |words: &[&str]| {
        let words = ["marathon-deploy", "--marathon", &url]
            .into_iter()
            .chain(words.iter().copied());
        run(&cluster, ExecSpec::new(words)).await?.success()
    };

    let created = deploy(&["--put", "/tmp/web.json"]).await?;
    check_contains!(created.stdout, "Creating app: /web");
    let first = marathon
        .await_app("/web", "/web runs", |app| app.tasks_running == 1)
        .await?;
    check!(first.labels.get("tier").map(String::as_str) == Some("front"));
    deploy(&["--appid", "/web", "--scale", "2"]).await?;
    let two = marathon
        .await_app("/web", "two run", |app| app.tasks_running == 2)
        .await?;
    check!(ids(&first).is_subset(&ids(&two)));
    check!(deploy(&["--appid", "web", "--instances"]).await?.stdout.lines().last() == Some("2"));
    deploy(&["--appid", "/web", "--restart"]).await?;
    let others = marathon
        .await_app("/web", "two others run", |app| {
            app.tasks_running == 2 && app.tasks.len() == 2 && ids(app).is_disjoint(&ids(&two))
        })
        .await?;
    check!(others.deployments.is_empty(), "marathon-deploy waits for the end");
    cluster.finish().await
}

/// What the Java client makes of the answer to each call, in their order.
async fn java(cluster: &Cluster, calls: &[Value]) -> Result<Vec<Value>> {
    let lines: String = calls.iter().map(|call| format!("{call}\n")).collect();
    let command = ExecSpec::new(["java-marathon", &url(cluster)]).stdin(lines);
    let output = run(cluster, command).await?.success()?;
    output.stdout.lines().map(|line| document(line, &output)).collect()
}

#[rstest]
#[tokio::test]
async fn java_manages_apps_and_groups(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let web = AppSpec::command("/shop/web", SLEEPS);
    let group = json!({ "id": "/team", "apps": [AppSpec::command("/team/db", SLEEPS).json()] });

    let told = java(
        &cluster,
        &[
            json!(["create", web.json()]),
            json!(["settled"]),
            json!(["update", "/shop/web", { "instances": 2 }]),
            json!(["settled"]),
            json!(["app", "/shop/web"]),
            json!(["tasks", "/shop/web"]),
            json!(["restart", "/shop/web"]),
            json!(["settled"]),
            json!(["versions", "/shop/web"]),
            json!(["create-group", group]),
            json!(["settled"]),
            json!(["group", "/team"]),
            json!(["apps"]),
            json!(["delete-group", "/team"]),
            json!(["delete", "/shop/web"]),
            json!(["settled"]),
            json!(["apps"]),
            json!(["app", "/shop/web"]),
            json!(["create", { "id": "/big", "cmd": "true", "cpus": 1000, "mem": 32, "instances": 1 }]),
            json!(["deployments"]),
            json!(["queue"]),
            json!(["info"]),
        ],
    )
    .await?;

    let [
        created,
        _,
        updated,
        _,
        app,
        tasks,
        restarted,
        _,
        versions,
        grouped,
        _,
        group,
        apps,
        ..,
    ] = told.as_slice()
    else {
        unreachable!("each call has an answer");
    };
    check!(created["id"] == "/shop/web" && created["instances"] == 1);
    for change in [updated, restarted, grouped] {
        check!(change["version"].is_string(), "{change}");
    }
    check!(app["app"]["instances"] == 2 && app["app"]["tasksRunning"] == 2);
    check!(tasks["tasks"].as_array().map(Vec::len) == Some(2));
    check!(tasks["tasks"][0]["appId"] == "/shop/web" && tasks["tasks"][0]["host"].is_string());
    check!(versions["versions"].as_array().map(Vec::len) == Some(3));
    check!(group["apps"][0]["id"] == "/team/db");
    check!(apps["apps"].as_array().map(Vec::len) == Some(2));
    let [.., left, unknown, _, deployments, queue, info] = told.as_slice() else {
        unreachable!("each call has an answer");
    };
    check!(left["apps"] == json!([]), "both are deleted");
    check!(unknown["refused"] == 404);
    check_contains!(unknown["message"].to_string(), "App '/shop/web' does not exist");
    check!(deployments[0]["affectedApps"] == json!(["/big"]));
    check!(queue["queue"][0]["app"]["id"] == "/big" && queue["queue"][0]["count"] == 1);
    check!(info["name"] == "marathon" && info["elected"] == true);
    cluster.finish().await
}

/// Each task says another word of itself, as a server of figures does; those of an app are found as it is scaled.
#[rstest]
#[tokio::test]
async fn prometheus_finds_and_asks_every_task(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    if let Some(said) = lacks_perl(&cluster, &WEB_SERVER_MODULES).await? {
        return not_applicable(said);
    }
    let marathon = cluster.marathon();
    let prometheus = Prometheus::of_marathon(&cluster).await?;
    let figures = web_server("'seven 7\n'");
    let spec = AppSpec::command("/shop/web", figures)
        .instances(2)
        .with("labels", json!({ "tier": "front" }));

    let app = marathon.run(&spec).await?;

    let up = prometheus
        .await_targets("both tasks are up", |all| {
            all.len() == 2 && all.iter().all(|target| target.health == "up")
        })
        .await?;
    let found: BTreeSet<String> = up.iter().map(|target| target.scrape_url.clone()).collect();
    let figures_of = |task: &Task| format!("http://{}:{}/metrics", task.host, task.ports[0]);
    let expected: BTreeSet<String> = app.tasks.iter().map(figures_of).collect();
    check!(found == expected);
    for target in &up {
        let meta = |name: &str| {
            target
                .discovered_labels
                .get(&format!("__meta_marathon_{name}"))
                .cloned()
        };
        check!(meta("app").as_deref() == Some("/shop/web"));
        check!(meta("app_label_tier").as_deref() == Some("front"));
        check!(meta("task").is_some_and(|task| ids(&app).contains(&task)));
    }
    prometheus.await_figure("sum(seven{app=\"/shop/web\"})", 14.0).await?;
    marathon.deployed(&marathon.scale("/shop/web", 1).await?).await?;
    prometheus.await_targets("one is left", |all| all.len() == 1).await?;
    cluster.finish().await
}
