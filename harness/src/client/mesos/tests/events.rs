//! The stream of operator events.

use axum::Router;
use axum::body::Body;
use axum::routing::post;
use futures_util::stream::StreamExt;
use serde_json::{Value, json};

use crate::Kind;
use crate::client::mesos::{MasterClient, OperatorEvent};
use crate::client::recordio::encode;
use crate::client::testing::serve;
use crate::deadlines::{Deadline, TASK_STATE};

/// A master whose SUBSCRIBE streams these bytes in pieces of `piece`.
async fn streaming(bytes: Vec<u8>, piece: usize, ends: bool) -> MasterClient {
    let router = Router::new().route(
        "/api/v1",
        post(async move |body: String| {
            assert_eq!(body, r#"{"type":"SUBSCRIBE"}"#);
            let pieces: Vec<Result<Vec<u8>, std::io::Error>> =
                bytes.chunks(piece).map(|part| Ok(part.to_vec())).collect();
            let stream = futures_util::stream::iter(pieces);
            let body = if ends {
                Body::from_stream(stream)
            } else {
                Body::from_stream(stream.chain(futures_util::stream::pending()))
            };
            ([("content-type", "application/json")], body)
        }),
    );
    MasterClient::new(&serve(router).await).expect("an address")
}

fn records(events: &[Value]) -> Vec<u8> {
    events
        .iter()
        .flat_map(|event| encode(event.to_string().as_bytes()))
        .collect()
}

fn all_events() -> Vec<Value> {
    let framework = json!({"framework_info": {"name": "f", "user": "root", "id": {"value": "m-0"}}, "active": true,
                           "connected": true, "recovered": false});
    let task = json!({"name": "t", "task_id": {"value": "t"}, "framework_id": {"value": "m-0"},
                      "agent_id": {"value": "m-S0"}, "state": "TASK_STAGING"});
    vec![
        json!({"type": "SUBSCRIBED", "subscribed": {"get_state": {}, "heartbeat_interval_seconds": 15.0}}),
        json!({"type": "HEARTBEAT"}),
        json!({"type": "FRAMEWORK_ADDED", "framework_added": {"framework": framework}}),
        json!({"type": "FRAMEWORK_UPDATED", "framework_updated": {"framework": framework}}),
        json!({"type": "AGENT_ADDED", "agent_added": {"agent": {"active": true, "version": "1.11.0",
               "agent_info": {"hostname": "10.1.2.102", "id": {"value": "m-S1"}}}}}),
        json!({"type": "TASK_ADDED", "task_added": {"task": task}}),
        json!({"type": "TASK_UPDATED", "task_updated": {"framework_id": {"value": "m-0"}, "state": "TASK_RUNNING",
               "status": {"task_id": {"value": "t"}, "state": "TASK_RUNNING"}}}),
        json!({"type": "SOMETHING_NEW", "something_new": {}}),
        json!({"type": "FRAMEWORK_REMOVED", "framework_removed": {"framework_info": framework["framework_info"]}}),
        json!({"type": "AGENT_REMOVED", "agent_removed": {"agent_id": {"value": "m-S1"}}}),
    ]
}

#[tokio::test]
async fn every_operator_event_reads_however_it_is_cut() {
    for piece in [1, 7, 4096] {
        let master = streaming(records(&all_events()), piece, false).await;
        let mut events = master.subscribe().await.expect("a stream");
        assert!(matches!(
            events.next().await.expect("an event"),
            OperatorEvent::Subscribed(_)
        ));
        let added = events
            .await_event("mesos-slave2 is added", TASK_STATE, |event| match event {
                OperatorEvent::AgentAdded(agent) => Some(agent.agent_info.hostname),
                _ => None,
            })
            .await
            .expect("it is among them");
        assert_eq!(added, "10.1.2.102");
        assert!(matches!(
            events.next().await.expect("an event"),
            OperatorEvent::TaskAdded(_)
        ));
        assert!(matches!(
            events.next().await.expect("an event"),
            OperatorEvent::TaskUpdated { .. }
        ));
        assert!(
            matches!(events.next().await.expect("an event"), OperatorEvent::Other(name) if name == "SOMETHING_NEW")
        );
        assert!(matches!(
            events.next().await.expect("an event"),
            OperatorEvent::FrameworkRemoved(_)
        ));
        assert!(
            matches!(events.next().await.expect("an event"), OperatorEvent::AgentRemoved(id) if id.as_str() == "m-S1")
        );
    }
}

#[tokio::test]
async fn a_stream_that_ends_or_lies_is_an_error() {
    let mut events = streaming(records(&all_events()[..1]), 4096, true)
        .await
        .subscribe()
        .await
        .expect("a stream");
    events.next().await.expect("the first event");
    assert_eq!(
        events.next().await.expect_err("the end").to_string(),
        "the master ended the event stream"
    );

    let mut cut = records(&all_events()[..1]);
    cut.truncate(20);
    let mut events = streaming(cut, 4096, true).await.subscribe().await.expect("a stream");
    assert!(events.next().await.expect_err("cut").explain().contains("bytes short"));

    let mut events = streaming(b"soon\n".to_vec(), 4096, false)
        .await
        .subscribe()
        .await
        .expect("a stream");
    assert!(
        events
            .next()
            .await
            .expect_err("no length")
            .explain()
            .contains("`soon` stands where")
    );

    let lacking = json!({"type": "TASK_ADDED"});
    let mut events = streaming(records(&[lacking]), 4096, false)
        .await
        .subscribe()
        .await
        .expect("a stream");
    let error = events.next().await.expect_err("no task");
    assert!(error.to_string().contains("`task_added` is missing"), "{error}");
}

#[tokio::test]
async fn an_event_that_does_not_come_is_waited_for_only_so_long() {
    let master = streaming(records(&all_events()[..2]), 4096, false).await;
    let mut events = master.subscribe().await.expect("a stream");
    let short = Deadline::custom("SHORT", std::time::Duration::from_millis(60));
    let error = events
        .await_event("the moon is full", short, |_| None::<()>)
        .await
        .expect_err("it never comes");
    assert_eq!(error.kind(), Kind::Deadline);
    assert!(error.to_string().contains("the moon is full"), "{error}");
}
