//! The endpoints of a network that no container is behind.
//!
//! An engine that removes a container while it starts or ends may keep the container's endpoint, and then refuses for
//! good to remove the network ("has active endpoints"). `docker network disconnect --force` takes it an endpoint by
//! name, container or none.

use bollard::models::NetworkDisconnectRequest;
use bollard::query_parameters::{InspectContainerOptions, InspectNetworkOptions};

use super::{Engine, engine};
use crate::{Error, Kind, Result};

/// What the engine calls an endpoint whose sandbox is gone, in place of its container's id.
const ORPHAN: &str = "ep-";

/// Releases the endpoints of `network` whose container is gone, and never one that a container has: it may be a
/// person's.
///
/// # Errors
/// [`Kind::Cleanup`] naming the containers that are on the network; [`Kind::Environment`] where the engine refuses.
pub(super) async fn release_abandoned(engine: &Engine, network: &str) -> Result<()> {
    let inspect = engine.docker().inspect_network(network, None::<InspectNetworkOptions>);
    let ran = format!("docker network inspect {network}");
    let inspect = engine
        .request(&format!("inspect the network {network}"), ran, inspect)
        .await?;
    let mut used = Vec::new();
    for (container, endpoint) in inspect.containers.unwrap_or_default() {
        let name = endpoint.name.unwrap_or_else(|| container.clone());
        match is_there(engine, &container).await? {
            true => used.push(name),
            false => release(engine, network, &name).await?,
        }
    }
    if used.is_empty() {
        return Ok(());
    }
    used.sort();
    let summary = format!("a container is on the network {network}: {}", used.join(", "));
    Err(Error::new(Kind::Cleanup, summary))
}

async fn is_there(engine: &Engine, container: &str) -> Result<bool> {
    if container.starts_with(ORPHAN) {
        return Ok(false);
    }
    let inspect = engine
        .docker()
        .inspect_container(container, None::<InspectContainerOptions>);
    let what = format!("inspect the container {container}");
    match engine
        .request(&what, format!("docker inspect {container}"), inspect)
        .await
    {
        Ok(_) => Ok(true),
        Err(error) if engine::refusal(&error) == Some(404) => Ok(false),
        Err(error) => Err(error),
    }
}

async fn release(engine: &Engine, network: &str, name: &str) -> Result<()> {
    let request = NetworkDisconnectRequest {
        container: name.to_owned(),
        force: Some(true),
    };
    let what = format!("release the endpoint {name} of the network {network}");
    let ran = format!("docker network disconnect --force {network} {name}");
    engine
        .request(&what, ran, engine.docker().disconnect_network(network, request))
        .await?;
    tracing::warn!("the engine had kept the endpoint {name} of a container that is gone on the network {network}");
    Ok(())
}
