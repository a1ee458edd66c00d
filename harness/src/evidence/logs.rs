//! The logs and the states of a scenario's containers, kept before they are removed.

use bollard::query_parameters::{InspectContainerOptions, ListContainersOptionsBuilder};

use super::Recorder;
use crate::docker::{Engine, Selection, logs};

/// Lines kept of each container: a scenario's whole life fits.
const LINES: usize = 2000;

/// Attaches the log and the inspection of every container that `selection` finds, as `logs/<name>.log` and
/// `inspect/<name>.json`. What cannot be read is said in a note: evidence never hides the cause it is for.
pub async fn collect(engine: &Engine, selection: &Selection, recorder: &Recorder) {
    let options = ListContainersOptionsBuilder::new()
        .all(true)
        .filters(&selection.filters())
        .build();
    let listed = engine.docker().list_containers(Some(options));
    let containers = match engine.request("list containers", "docker ps -a", listed).await {
        Ok(containers) => containers,
        Err(error) => return recorder.note(format!("no logs: {error}")),
    };
    for name in containers.into_iter().filter_map(|container| container.names?.pop()) {
        let name = name.trim_start_matches('/');
        let log = logs::evidence(engine, name, LINES).await;
        let inspect = engine.docker().inspect_container(name, None::<InspectContainerOptions>);
        let inspect = engine
            .request("inspect", format!("docker inspect {name}"), inspect)
            .await;
        let inspect = inspect
            .ok()
            .and_then(|answer| serde_json::to_vec_pretty(&answer).ok())
            .unwrap_or_default();
        for (file, bytes) in [
            (format!("logs/{name}.log"), log.into_bytes()),
            (format!("inspect/{name}.json"), inspect),
        ] {
            if let Err(error) = recorder.attach(&file, &bytes) {
                recorder.note(format!("{file}: {error}"));
            }
        }
    }
}
