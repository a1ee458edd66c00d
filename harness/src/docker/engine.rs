//! A connection to the engine, checked once.

use std::sync::Arc;
use std::time::Instant;

use bollard::Docker;
use bollard::models::SystemInfo;

use tokio::sync::OnceCell;

use crate::error::Context;
use crate::{Error, Kind, Result, deadlines};

/// The oldest engine API the harness is tried on (Docker Engine 20.10).
pub const API_MINIMUM: (u32, u32) = (1, 41);

/// A connected engine and what it says of itself.
#[derive(Clone, Debug)]
pub struct Engine {
    docker: Docker,
    /// The engine's release, as in `20.10.24`.
    pub version: String,
    /// The API it speaks, as in `1.41`.
    pub api: String,
    info: Arc<OnceCell<SystemInfo>>,
}

impl Engine {
    /// Connects to the engine that `DOCKER_HOST` names, else to the local socket.
    ///
    /// # Errors
    /// [`Kind::Environment`] where no engine answers or it is older than [`API_MINIMUM`]; [`Kind::Usage`] where a
    /// variable that changes [deadlines] is wrong.
    pub async fn connect() -> Result<Self> {
        deadlines::check()?;
        let address = address();
        let unreachable = |what: &str| format!("no Docker engine answers at {address}: {what}");
        let docker = Docker::connect_with_host(&address)
            .context(Kind::Environment, || unreachable("its address cannot be used"))
            .map_err(with_remedy)?;
        let answer = tokio::time::timeout(deadlines::ENGINE_REQUEST.limit(), docker.version()).await;
        let version = answer
            .context(Kind::Environment, || unreachable("the request timed out"))
            .and_then(|answer| answer.context(Kind::Environment, || unreachable("the request failed")))
            .map_err(with_remedy)?;
        let docker = docker
            .negotiate_version()
            .await
            .context(Kind::Environment, || unreachable("it agrees on no API version"))?;
        let api = version.api_version.unwrap_or_default();
        if parse(&api) < API_MINIMUM {
            let (major, minor) = API_MINIMUM;
            return Err(Error::new(
                Kind::Environment,
                format!("the Docker engine at {address} is too old: API {api}"),
            )
            .expected(format!(
                "an engine that speaks API {major}.{minor} or newer (Docker Engine 20.10)"
            ))
            .ran("docker version")
            .hint("upgrade it, or set DOCKER_HOST to a newer one"));
        }
        Ok(Engine {
            docker,
            version: version.version.unwrap_or_default(),
            api,
            info: Arc::default(),
        })
    }

    /// What the engine says of its machine and of itself: asked once, and for all clones of this connection.
    ///
    /// # Errors
    /// As [`Engine::request`].
    pub(crate) async fn info(&self) -> Result<&SystemInfo> {
        let ask = || self.request("describe itself", "docker info", self.docker.info());
        self.info.get_or_try_init(ask).await
    }

    /// The bollard client, for what has no verb of ours.
    #[must_use]
    pub fn docker(&self) -> &Docker {
        &self.docker
    }

    /// Makes one request that answers at once, bounded by [`deadlines::ENGINE_REQUEST`].
    ///
    /// `what` says what is done, as in "create the network x"; `ran` is the same as a `docker` command line.
    ///
    /// # Errors
    /// [`Kind::Environment`] with the engine's own message.
    pub fn request<'a, T: 'a>(
        &self,
        what: &'a str,
        ran: impl Into<String> + 'a,
        request: impl Future<Output = Result<T, bollard::errors::Error>> + Send + 'a,
    ) -> impl Future<Output = Result<T>> + 'a {
        // On the heap from the first: each of bollard's is kilobytes long, and callers await several in one another's
        // frames, on the stack of a test's thread.
        let request = Box::pin(request);
        async move {
            let failed = || format!("the Docker engine did not {what}");
            let asked = Instant::now();
            let answer = tokio::time::timeout(deadlines::ENGINE_REQUEST.limit(), request).await;
            tracing::debug!("{what}: {:.0?}", asked.elapsed());
            match answer {
                Ok(answer) => answer
                    .context(Kind::Environment, failed)
                    .map_err(|error| error.ran(ran)),
                Err(_) => {
                    let limit = deadlines::ENGINE_REQUEST.limit();
                    Err(Error::new(Kind::Environment, failed())
                        .expected(format!("an answer within {limit:.0?}"))
                        .ran(ran))
                }
            }
        }
    }
}

/// The engine's status code, where `error` is its refusal: 404 missing, 409 conflict, 403 forbidden.
#[must_use]
pub fn status(error: &bollard::errors::Error) -> Option<u16> {
    match error {
        bollard::errors::Error::DockerResponseServerError { status_code, .. } => Some(*status_code),
        _ => None,
    }
}

/// The engine's status code behind an [`Engine::request`] that failed.
#[must_use]
pub fn refusal(error: &Error) -> Option<u16> {
    std::error::Error::source(error)
        .and_then(|source| source.downcast_ref())
        .and_then(status)
}

/// True where the engine's message is about an image that has lost files: one that it finds at its start, and one that
/// it finds when it makes a container (`layer/layer.go` and `daemon/graphdriver/overlay2` of Docker 20.10).
pub(crate) fn lacks_layers(message: &str) -> bool {
    message.contains("layer does not exist") || message.contains("error creating overlay mount")
}

/// What is to be said of an image that is not whole; `cause` is the engine's refusal.
pub(crate) fn incomplete(image: &str, cause: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(Kind::Image, format!("the image {image} is gone, or parts of it are"))
        .expected("an image with all its layers")
        .caused_by(cause)
        .hint(format!(
            "`docker image rm {image}`: one of ours is built again, one of yours must be pulled or loaded"
        ))
}

/// Where the engine is looked for: `DOCKER_HOST` where it is set and not empty, else the local socket.
#[must_use]
pub fn address() -> String {
    let named = std::env::var("DOCKER_HOST").ok().filter(|address| !address.is_empty());
    named.unwrap_or_else(|| "unix:///var/run/docker.sock".to_owned())
}

/// The path of the engine's socket on the engine's own machine: that of [`address`] where it is one, else the usual.
#[must_use]
pub fn socket() -> String {
    let address = address();
    let path = address.strip_prefix("unix://");
    path.unwrap_or("/var/run/docker.sock").to_owned()
}

fn with_remedy(error: Error) -> Error {
    let (major, minor) = API_MINIMUM;
    error
        .expected(format!("a Docker engine that speaks API {major}.{minor} or newer"))
        .ran("docker version")
        .hint(
            "`harness setup` installs and starts an engine on Debian and Ubuntu; elsewhere start one or set \
             DOCKER_HOST",
        )
}

fn parse(api: &str) -> (u32, u32) {
    let mut parts = api.split('.').map(|part| part.parse().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_as_numbers() {
        assert!(parse("1.41") >= API_MINIMUM);
        assert!(parse("1.9") < API_MINIMUM);
        assert!(parse("2.0") > API_MINIMUM);
    }
}
