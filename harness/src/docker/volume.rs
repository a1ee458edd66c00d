//! Named volumes, always labelled: a volume that a container creates implicitly could not be found again.

use bollard::models::VolumeCreateRequest;

use super::Engine;
use crate::labels::Labels;
use crate::{Result, interrupt, lease};

/// Creates the volume `name`; one that exists is left as it is.
///
/// # Errors
/// [`crate::Kind::Environment`] where the engine refuses.
pub async fn create(engine: &Engine, name: &str, labels: Labels) -> Result<()> {
    let body = VolumeCreateRequest {
        name: Some(name.to_owned()),
        labels: Some(labels),
        ..VolumeCreateRequest::default()
    };
    let _creating = interrupt::creating().await;
    let ran = format!("docker volume create {name}");
    let owner = body.labels.clone().unwrap_or_default();
    engine
        .request(
            &format!("create the volume {name}"),
            ran,
            engine.docker().create_volume(body),
        )
        .await?;
    lease::count(&owner);
    Ok(())
}
