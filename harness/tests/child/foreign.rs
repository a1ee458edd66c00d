//! What is none of ours, present while a test runs, and gone after it.

use bollard::models::{ContainerCreateBody, HostConfig, NetworkCreateRequest, VolumeCreateRequest};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, RemoveContainerOptionsBuilder, RemoveImageOptions, RemoveVolumeOptions,
};
use harness::docker::{Engine, container};
use harness::image::{ImageSpec, Images};
use serde_json::{Value, json};

use crate::child::{self, Child};

/// A container that runs, on a network and with a volume of its own, and an image: somebody's who has an image of ours,
/// and so its labels, and names that begin as those of the test's cluster do.
pub(crate) struct Foreign {
    engine: Engine,
    name: String,
    before: Value,
}

impl Foreign {
    pub(crate) async fn new(child: &Child) -> Self {
        let (engine, name) = (child.engine.clone(), format!("{}-foreign", child.name));
        let docker = engine.docker();
        let images = Images::open(engine.clone()).expect("the fixtures are there");
        let debian = images.ensure(&ImageSpec::new("debian")).await.expect("it is there");
        child::import_empty(&engine, &name, Vec::new()).await;
        let network = NetworkCreateRequest {
            name: name.clone(),
            ..NetworkCreateRequest::default()
        };
        docker.create_network(network).await.expect("it is created");
        let volume = VolumeCreateRequest {
            name: Some(name.clone()),
            ..VolumeCreateRequest::default()
        };
        docker.create_volume(volume).await.expect("it is created");
        let body = ContainerCreateBody {
            image: Some(debian),
            entrypoint: Some(vec!["sleep".to_owned(), "infinity".to_owned()]),
            host_config: Some(HostConfig {
                network_mode: Some(name.clone()),
                binds: Some(vec![format!("{name}:/data")]),
                ..HostConfig::default()
            }),
            ..ContainerCreateBody::default()
        };
        let options = CreateContainerOptionsBuilder::new().name(&name).build();
        docker
            .create_container(Some(options), body)
            .await
            .expect("it is created");
        container::start(&engine, &name).await.expect("it starts");
        let before = seen(&engine, &name).await;
        assert_eq!(before["state"]["Running"], true, "{before}");
        Foreign { engine, name, before }
    }

    /// Fails where any of it was touched: removed, stopped, paused, started anew, connected or cut off.
    pub(crate) async fn assert_untouched(self) {
        assert_eq!(seen(&self.engine, &self.name).await, self.before);
    }
}

/// All that could be changed of it.
async fn seen(engine: &Engine, name: &str) -> Value {
    let docker = engine.docker();
    let container = docker.inspect_container(name, None).await.expect("it is there");
    let network = docker.inspect_network(name, None).await.expect("it is there");
    let volume = docker.inspect_volume(name).await.expect("it is there");
    let image = docker.inspect_image(name).await.expect("it is there");
    json!({
        "container": container.id,
        "restarts": container.restart_count,
        "state": container.state,
        "connected": container.network_settings.and_then(|settings| settings.networks),
        "mounts": container.mounts,
        "network": [json!(network.id), json!(network.containers)],
        "volume": volume,
        "image": image.id,
    })
}

impl Drop for Foreign {
    fn drop(&mut self) {
        let name = self.name.clone();
        let removal = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(async {
                // A connection is driven by the runtime that made it.
                let engine = Engine::connect().await.expect("it answers");
                let docker = engine.docker();
                let options = RemoveContainerOptionsBuilder::new().force(true).build();
                let container = docker.remove_container(&name, Some(options)).await;
                let network = docker.remove_network(&name).await;
                let volume = docker.remove_volume(&name, None::<RemoveVolumeOptions>).await;
                let image = docker.remove_image(&name, None::<RemoveImageOptions>, None).await;
                container.expect("it goes");
                network.expect("it goes");
                volume.expect("it goes");
                image.expect("it goes");
            });
        });
        // Its panic is told by itself; another one here, in a test that failed, would hide why.
        let _ = removal.join();
    }
}
