//! The page of an installed service, as a browser gets it through Admin Router.

use std::sync::Mutex;

use super::left::Rest;
use super::stage::{Seen, Stage};
use super::subject::Release;
use crate::Result;
use crate::await_until::{Probe, Wait};
use crate::client::Http;
use crate::component::admin_router;
use crate::deadlines::SERVICE_PAGE;

/// A page that is further away is none.
const REDIRECTS: usize = 5;

impl Stage<'_> {
    /// The page behind the router.
    pub(super) async fn has_page(&self, release: &Release) -> Result<Seen> {
        let label = release.label("DCOS_SERVICE_NAME").map(str::to_owned);
        let name = match (label, release.framework()) {
            (Some(name), _) => name,
            (None, Some(name)) => {
                let state = self.cluster.mesos().state().await?;
                let frameworks = state.raw["frameworks"].as_array().into_iter().flatten();
                let mut own = frameworks.filter(|framework| framework["name"] == name.as_str());
                if own.all(|framework| framework["webui_url"].as_str().is_none_or(str::is_empty)) {
                    return Ok(Seen::NotApplicable("the framework names no page".to_owned()));
                }
                name
            }
            (None, None) => {
                return Ok(Seen::NotApplicable(
                    "no label DCOS_SERVICE_NAME, and no framework".to_owned(),
                ));
            }
        };
        let http = self.cluster.master().http(admin_router::PORT);
        let path = format!("service/{name}/");
        let rest = Mutex::new(Rest::new());
        Wait::that(format!("/{path} answers behind Admin Router"), SERVICE_PAGE)
            .until(async || match page(&http, &path).await {
                Ok(Ok(seen)) => Probe::Ready(Seen::Held(seen)),
                // The service is healthy: once the router has looked for it anew, its answer is its last.
                Ok(Err(why)) => self.unless_final(&rest, why).await,
                Err(error) => Probe::NotYet(error.to_string()),
            })
            .await
    }
}

/// Every answer on the way to a page, the last of which is one; else why there is none. Redirects are followed as long as
/// they stay on the server: what lies elsewhere is not behind it.
async fn page(http: &Http, path: &str) -> Result<std::result::Result<Vec<String>, String>> {
    let mut request = http.get(path).without_redirects();
    let mut at = http.base().clone();
    at.set_path(&format!("{}{path}", at.path()));
    let mut seen = Vec::new();
    for _ in 0..=REDIRECTS {
        let answer = request.send().await?;
        let said = format!("{}: {}", answer.ran(), answer.status());
        if answer.status().is_success() {
            seen.push(said);
            return Ok(Ok(seen));
        }
        let next = answer.header("location").filter(|_| answer.status().is_redirection());
        let Some(Ok(next)) = next.map(|location| at.join(location)) else {
            return Ok(Err(said));
        };
        if next.origin() != at.origin() {
            return Ok(Err(format!("{said}, to {next}, which is not behind the router")));
        }
        seen.push(format!("{said}, to {next}"));
        request = http.get(next.path()).without_redirects();
        for (name, value) in next.query_pairs() {
            request = request.query(&name, value);
        }
        at = next;
    }
    Ok(Err(format!("more than {REDIRECTS} redirects, the last to {at}")))
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::http::{StatusCode, Uri, header};
    use axum::response::{IntoResponse as _, Response};
    use axum::routing::get;

    use super::*;
    use crate::client::testing::serve;

    fn to(location: &'static str) -> Response {
        (StatusCode::FOUND, [(header::LOCATION, location)]).into_response()
    }

    /// A service that sends its visitors about.
    async fn router() -> Http {
        let page = async |uri: Uri| uri.to_string();
        let router = Router::new()
            .route("/service/plain/", get(page))
            .route("/service/login/", get(async || to("ui/?from=%2Fa&b=c")))
            .route("/service/login/ui/", get(page))
            .route("/service/empty/", get(async || to("/service/gone/")))
            .route("/service/round/", get(async || to("/service/round/")))
            .route("/service/out/", get(async || to("http://10.255.255.1:31000/")))
            .route("/service/nowhere/", get(async || StatusCode::FOUND))
            .route("/service/cached/", get(async || StatusCode::NOT_MODIFIED));
        Http::new(&serve(router).await).expect("an address")
    }

    #[tokio::test]
    async fn a_page_is_there_by_itself_or_after_redirects() {
        let http = router().await;
        let plain = page(&http, "service/plain/")
            .await
            .expect("it answers")
            .expect("a page");
        assert!(
            plain.len() == 1 && plain[0].ends_with("/service/plain/': 200 OK"),
            "{plain:?}"
        );
        let login = page(&http, "service/login/")
            .await
            .expect("it answers")
            .expect("a page");
        assert!(
            login.len() == 2 && login[0].contains("302 Found, to http://"),
            "{login:?}"
        );
        assert!(
            login[1].ends_with("/service/login/ui/?from=%2Fa&b=c': 200 OK"),
            "{login:?}"
        );
    }

    #[tokio::test]
    async fn a_redirect_alone_is_no_page() {
        let http = router().await;
        for (name, expected) in [
            ("empty", "/service/gone/': 404 Not Found"),
            ("round", "more than 5 redirects, the last to http://"),
            (
                "out",
                "302 Found, to http://10.255.255.1:31000/, which is not behind the router",
            ),
            ("nowhere", "302 Found"),
            ("cached", "304 Not Modified"),
        ] {
            let why = page(&http, &format!("service/{name}/")).await.expect("it answers");
            let why = why.expect_err(name);
            assert!(why.contains(expected), "{name}: {why}");
        }
    }
}
