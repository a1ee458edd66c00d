//! Readiness checks: a new task takes over when it says that it is ready.

use harness::await_until::{Probe, Wait};
use harness::client::http::Method;
use harness::client::marathon::AppSpec;
use harness::deadlines::APP_STATE;
use harness::evidence::{Verdict, not_applicable};
use harness::{Cluster, Result, check};
use rstest::rstest;
use serde_json::{Value, json};

use super::{cluster, ids, sandbox};
use crate::fixtures::{lacks_perl, touch};

/// Answers 200 on the task's first port where there is a file `ready` in its sandbox, else 503.
const SERVES: &str = r#"exec perl -MIO::Socket::INET -e '
    $SIG{PIPE} = "IGNORE";
    my $s = IO::Socket::INET->new(LocalPort => $ENV{PORT0}, Listen => 9, ReuseAddr => 1) or die;
    while (my $c = $s->accept) {
        if (sysread($c, my $request, 4096)) {
            my $status = -e "ready" ? "200 OK" : "503 Not yet";
            print $c "HTTP/1.1 $status\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        }
        close $c }'"#;

/// What the readiness checks of the deployment under way have found, as soon as they had an answer of the task: before
/// it listens there is none.
async fn results(cluster: &Cluster) -> Result<Value> {
    let marathon = cluster.marathon();
    Wait::that("the deployment shows a result of the readiness check", APP_STATE)
        .until(async || {
            let all: Result<Value> = async { marathon.ask(Method::GET, "v2/deployments", None).await?.json() }.await;
            match all {
                Ok(all) => match &all[0]["currentActions"][0]["readinessCheckResults"] {
                    Value::Array(results) if results.iter().any(|one| one["lastResponse"]["status"] == 503) => {
                        Probe::Ready(json!(results))
                    }
                    _ => Probe::NotYet(all.to_string()),
                },
                Err(error) => Probe::NotYet(error.to_string()),
            }
        })
        .await
}

/// The old task runs on until the new one has answered with a status that means ready.
#[rstest]
#[tokio::test]
async fn upgrade_waits_until_ready(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    if let Some(said) = lacks_perl(&cluster, &["IO::Socket::INET"]).await? {
        return not_applicable(said);
    }
    let marathon = cluster.marathon();
    let readiness = json!([{
        "name": "answers", "protocol": "HTTP", "portName": "http", "path": "/ready", "intervalSeconds": 2,
        "timeoutSeconds": 1, "httpStatusCodesForReady": [200], "preserveLastResponse": true,
    }]);
    let spec = AppSpec::command("/a", format!("touch ready; {SERVES}"))
        .with("portDefinitions", json!([{ "port": 0, "name": "http" }]))
        .with("readinessChecks", readiness);
    let before = marathon.run(&spec).await?;

    let upgrade = marathon.update("/a", &json!({ "cmd": SERVES })).await?;

    let found = results(&cluster).await?;
    let during = marathon.app("/a").await?;
    let new = during.tasks.iter().find(|task| task.version == upgrade.version);
    let new = new.expect("the check was made of it").clone();
    check!(found[0]["ready"] == false && found[0]["name"] == "answers" && found[0]["taskId"] == json!(new.id));
    check!(
        found[0]["lastResponse"]["status"] == 503,
        "what it answered is kept: {found}"
    );
    check!(ids(&before).is_subset(&ids(&during)), "the old task runs on");
    touch(&cluster, &sandbox(&cluster, &new).await?, "ready").await?;
    marathon.deployed(&upgrade).await?;
    let after = marathon.app("/a").await?;
    check!(
        after.tasks.len() == 1 && after.tasks[0].id == new.id,
        "it has taken over"
    );
    cluster.finish().await
}
