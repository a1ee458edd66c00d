//! The command line on an engine with several clusters and owners: side by side, somebody else's, and left behind.

mod child;
#[allow(dead_code, reason = "the view uses a part of it")]
#[path = "child/refusing.rs"]
mod refusing;
#[path = "child/view.rs"]
mod view;

use bollard::models::NetworkCreateRequest;
use child::Child;
use harness::labels;
use harness::owner::this_user;
use serde_json::json;
use view::View;

#[tokio::test]
async fn two_clusters_live_side_by_side() {
    let (one, other) = (Child::new("one").await, Child::new("other").await);
    let (up, beside) = tokio::join!(
        one.harness("up", &["--slaves", "0"]),
        other.harness("up", &["--slaves", "0"])
    );
    up.assert_code(0);
    beside.assert_code(0);
    let (first, second) = (
        one.listed().await.expect("it is up"),
        other.listed().await.expect("it is up"),
    );
    assert_ne!(first["subnet"], second["subnet"]);
    one.harness("down", &[]).await.assert_code(0);
    one.assert_nothing_left().await;
    let left = other.listed().await.expect("it is up still");
    assert_eq!(left["nodes"], serde_json::json!(["mesos-master1"]));
    let mistyped = other
        .program(&["status", "--name", &format!("{}x", other.name)], &[])
        .await;
    mistyped.assert_code(64);
    mistyped.assert_says(&[&format!("did you mean {}?", other.name)]);
    other.harness("down", &[]).await.assert_code(0);
    other.assert_nothing_left().await;
}

/// A cluster of which only the network is there, with these labels beside ours.
async fn network(child: &Child, own: &[(&str, &str)]) {
    network_called(child, &child.name, own).await;
}

async fn network_called(child: &Child, name: &str, own: &[(&str, &str)]) {
    let common = [
        (labels::HARNESS, "1".to_owned()),
        (labels::CLUSTER, name.to_owned()),
        (labels::CREATED, labels::now().to_string()),
    ];
    let common = common.map(|(name, value)| (name.to_owned(), value)).into_iter();
    let own = own
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let request = NetworkCreateRequest {
        name: name.to_owned(),
        labels: Some(common.chain(own).collect()),
        ..NetworkCreateRequest::default()
    };
    child
        .engine
        .docker()
        .create_network(request)
        .await
        .expect("it is created");
}

#[tokio::test]
async fn what_is_somebody_elses_is_removed_only_when_told_so() {
    let child = Child::new("foreign").await;
    network(&child, &[(labels::OWNER, "somebody@elsewhere"), (labels::KEEP, "1")]).await;
    let up = child.harness("up", &[]).await;
    up.assert_code(64);
    up.assert_says(&[&format!("the cluster {} belongs to somebody@elsewhere", child.name)]);
    let refused = child.harness("down", &[]).await;
    refused.assert_code(64);
    let hint = format!("`harness down --foreign --name {}` removes it all the same", child.name);
    refused.assert_says(&[
        &format!("the cluster {} is that of somebody@elsewhere", child.name),
        &hint,
    ]);
    let one = child.listed().await.expect("it is there still");
    assert_eq!(
        (&one["owner"]["me"], &one["owner"]["life"]),
        (&false.into(), &"kept".into())
    );
    child.harness("down", &["--foreign"]).await.assert_code(0);
    child.assert_nothing_left().await;
}

/// On what is, through a view, an engine of its own: `--all` is what a person has anywhere on it.
#[tokio::test]
async fn down_all_removes_what_is_mine_and_kept_and_nothing_else() {
    let child = Child::new("all").await;
    let label = child.label();
    let view = View::of(child.folder.path(), &label);
    let run = label.split_once('=').expect("it has a value");
    let name = |which: &str| format!("{}-{which}", child.name);
    let (me, alive) = (this_user(), format!("test-{}", child.name));
    for (which, owner, lease, keep) in [
        ("one", me.as_str(), "", "1"),
        ("other", &me, "", "1"),
        ("theirs", "somebody@elsewhere", "", "1"),
        ("of-a-run", &me, &alive, "0"),
    ] {
        let own = [
            run,
            (labels::OWNER, owner),
            (labels::LEASE, lease),
            (labels::KEEP, keep),
        ];
        network_called(&child, &name(which), &own).await;
    }
    let user = nix::unistd::geteuid();
    let lease = child.file(&format!("tmp/mesos-harness-{user}/leases/{alive}"), "");
    let held = std::fs::File::open(lease).expect("it is there");
    held.lock_shared().expect("nobody else has it");
    let address = view.address();
    let env = [("DOCKER_HOST", address.as_str())];
    let network = |which: &str| format!("network {}", name(which));

    let all = child.program(&["down", "--all", "--json"], &env).await;
    all.assert_code(0);
    let left = json!([{"name": name("theirs"), "owner": "somebody@elsewhere"}]);
    assert_eq!(
        all.json(),
        json!({"removed": [name("one"), name("other")], "left": left})
    );
    assert_eq!(child.objects().await, [network("of-a-run"), network("theirs")]);

    let again = child.program(&["down", "--all"], &env).await;
    again.assert_code(0);
    again.assert_says(&[&format!("left alone: {}, of somebody@elsewhere", name("theirs"))]);
    let foreign = child.program(&["down", "--all", "--foreign"], &env).await;
    foreign.assert_code(0);
    foreign.assert_says(&[&format!("the cluster {} is gone", name("theirs"))]);
    assert_eq!(child.objects().await, [network("of-a-run")]);

    let none = child.program(&["down", "--all"], &env).await;
    none.assert_says(&["no cluster was booted with `up` here"]);
    let named = child.program(&["down", "--name", &name("of-a-run")], &env).await;
    named.assert_code(0);
    child.assert_nothing_left().await;
}

#[tokio::test]
async fn a_sweep_says_what_it_would_remove_before_it_does() {
    let child = Child::new("sweep").await;
    let lease = format!("test-{}", child.name);
    let user = nix::unistd::geteuid();
    child.file(&format!("tmp/mesos-harness-{user}/leases/{lease}"), "");
    network(
        &child,
        &[(labels::LEASE, &lease), (labels::OWNER, &harness::owner::this_user())],
    )
    .await;
    let object = format!("network {}", child.name);

    let dry = child.program(&["sweep", "--dry-run", "--json"], &[]).await;
    dry.assert_code(0);
    assert_eq!(
        dry.json(),
        serde_json::json!({"dry_run": true, "found": [&object], "removed": []})
    );
    assert_eq!(
        child.listed().await.expect("it is there still")["owner"]["life"],
        "dead"
    );
    let dry = child.program(&["sweep", "-n"], &[]).await;
    dry.assert_says(&[&format!("would remove {object}"), "1 leftovers would be removed"]);

    let swept = child.program(&["sweep", "--json"], &[]).await;
    assert_eq!(
        swept.json(),
        serde_json::json!({"dry_run": false, "found": [&object], "removed": [&object]})
    );
    child.assert_nothing_left().await;
}
