//! The plumbing against in-process servers.

use axum::Router;
use axum::extract::Request as Received;
use axum::http::StatusCode as Status;
use axum::routing::{any, get, post};
use serde_json::json;

use super::*;
use crate::client::testing::serve;

#[tokio::test]
async fn an_unexpected_answer_carries_the_line_that_repeats_it() {
    let router = Router::new().route("/api/v1", post(async || (Status::BAD_REQUEST, "b".repeat(5000))));
    let base = serve(router).await;
    let http = Http::new(&base).expect("an address");
    let call = json!({"type": "GET_'IT"});
    let error = http
        .post_json("/api/v1", &call)
        .send()
        .await
        .expect("an answer")
        .ok()
        .expect_err("400");
    assert_eq!(error.kind(), Kind::Answer);
    let text = error.explain();
    let line = format!(
        "curl -sS -L -X POST -H 'content-type: application/json' -H 'accept: application/json' \
         -d '{{\"type\":\"GET_'\\''IT\"}}' '{base}/api/v1'"
    );
    assert!(text.contains(&line), "{line} stands in {text}");
    assert!(
        text.contains("answered 400 Bad Request") && text.contains("(5000 bytes in all)"),
        "{text}"
    );
    assert!(
        !text.contains(&"b".repeat(SHOWN + 1)),
        "no more than {SHOWN} bytes are shown"
    );
}

#[tokio::test]
async fn a_redirect_keeps_method_and_body_and_is_followed_without_a_scheme() {
    let leader = serve(Router::new().route("/master/api/v1", post(async |body: String| body))).await;
    let location = format!("{}/master/api/v1", leader.trim_start_matches("http:"));
    let follower = Router::new().route(
        "/api/v1",
        any(async move || (Status::TEMPORARY_REDIRECT, [("location", location)])),
    );
    let http = Http::new(&serve(follower).await).expect("an address");
    let call = json!({"type": "GET_VERSION"});
    let echoed: Value = http
        .post_json("api/v1", &call)
        .send()
        .await
        .expect("an answer")
        .json()
        .expect("JSON");
    assert_eq!(echoed, call);
    let stopped = http
        .post_json("api/v1", &call)
        .without_redirects()
        .send()
        .await
        .expect("an answer");
    assert_eq!(stopped.status(), StatusCode::TEMPORARY_REDIRECT);
}

#[tokio::test]
async fn a_circle_of_redirects_ends() {
    let router = Router::new().route("/a", get(async || (Status::TEMPORARY_REDIRECT, [("location", "/a")])));
    let http = Http::new(&serve(router).await).expect("an address");
    let error = http
        .get("a")
        .send()
        .await
        .expect("the last answer")
        .ok()
        .expect_err("a redirect");
    assert!(error.to_string().contains("307"), "{error}");
}

#[tokio::test]
async fn silence_is_bounded_and_says_how_long_it_was() {
    let router = Router::new().route("/", get(async || std::future::pending::<String>().await));
    let http = Http::new(&serve(router).await).expect("an address");
    let error = http
        .get("/")
        .within(Duration::from_millis(50))
        .send()
        .await
        .expect_err("silence");
    assert_eq!(error.kind(), Kind::Deadline);
    assert!(
        error.explain().contains("within 50.0ms") && error.explain().contains("curl"),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_refused_connection_is_the_components_fault() {
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = free.local_addr().expect("it is bound");
    drop(free);
    let http = Http::new(&address.to_string()).expect("an address without a scheme");
    let error = http.get("state").send().await.expect_err("nobody is there");
    assert_eq!(error.kind(), Kind::Component);
    assert!(error.to_string().contains("refused"), "{error}");
}

#[tokio::test]
async fn another_shape_names_the_type_and_shows_the_body() {
    let router = Router::new().route("/n", get(async || r#"{"number": "one"}"#));
    let http = Http::new(&serve(router).await).expect("an address");
    let error = http
        .get("n")
        .send()
        .await
        .expect("an answer")
        .json::<Vec<u8>>()
        .expect_err("an object");
    assert!(
        error.explain().contains(r#"{"number": "one"}"#) && error.explain().contains("Vec<u8>"),
        "{error:?}"
    );
}

#[tokio::test]
async fn paths_and_queries_are_encoded_below_the_base() {
    let router = Router::new().fallback(async |request: Received| request.uri().to_string());
    let base = serve(router).await;
    let http = Http::new(&format!("{base}/service/x")).expect("an address");
    let answer = http
        .get("/files/read")
        .query("path", "/a b/ü&c")
        .query("offset", -1)
        .send()
        .await
        .expect("200");
    assert_eq!(
        answer.text(),
        "/service/x/files/read?path=%2Fa+b%2F%C3%BC%26c&offset=-1"
    );
}

#[test]
fn what_is_no_address_is_refused() {
    for base in ["", "http://", "https://h:1", "ftp://h", "a b"] {
        let error = Http::new(base).expect_err(base);
        assert_eq!(error.kind(), Kind::Usage, "{base}");
    }
}
