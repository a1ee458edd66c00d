//! The life of a container that was created: its start, its stop, its death.

use bollard::query_parameters::{
    InspectContainerOptions, KillContainerOptions, StartContainerOptions, StopContainerOptionsBuilder,
    WaitContainerOptions,
};
use futures_util::future::select_all;
use futures_util::{FutureExt, StreamExt};

use super::{Engine, logs};
use crate::{Error, Kind, Result, deadlines};

/// Starts a created or stopped container.
///
/// # Errors
/// [`Kind::Component`] where its image or its command cannot be run: a missing program. [`Kind::Environment`] where
/// the engine refuses otherwise: a name that is not there.
pub async fn start(engine: &Engine, name: &str) -> Result<()> {
    let start = engine.docker().start_container(name, None::<StartContainerOptions>);
    engine
        .request(
            &format!("start the container {name}"),
            format!("docker start {name}"),
            start,
        )
        .await
        // The engine answers 400 where the runtime cannot run what the container is made of.
        .map_err(|error| match super::engine::refusal(&error) {
            Some(400) => Error::new(Kind::Component, format!("the container {name} cannot run its program"))
                .expected("an image and a command that can be run")
                .ran(format!("docker start {name}"))
                .caused_by(error),
            _ => error,
        })
}

/// Stops a running container: its stop signal, then SIGKILL after [`deadlines::CONTAINER_STOP`].
///
/// # Errors
/// [`Kind::Environment`] where the engine refuses.
pub async fn stop(engine: &Engine, name: &str) -> Result<()> {
    let seconds = i32::try_from(deadlines::CONTAINER_STOP.limit().as_secs()).unwrap_or(i32::MAX);
    let options = StopContainerOptionsBuilder::new().t(seconds).build();
    let stop = engine.docker().stop_container(name, Some(options));
    engine
        .request(
            &format!("stop the container {name}"),
            format!("docker stop {name}"),
            stop,
        )
        .await
}

/// True where a container `name` is there, running or not.
///
/// # Errors
/// [`Kind::Environment`] where the engine does not answer.
pub async fn exists(engine: &Engine, name: &str) -> Result<bool> {
    let inspect = engine.docker().inspect_container(name, None::<InspectContainerOptions>);
    let what = format!("inspect the container {name}");
    match engine.request(&what, format!("docker inspect {name}"), inspect).await {
        Ok(_) => Ok(true),
        Err(error) if super::engine::refusal(&error) == Some(404) => Ok(false),
        Err(error) => Err(error),
    }
}

/// True where a container `name` is there and runs.
///
/// # Errors
/// As [`exists`].
pub async fn runs(engine: &Engine, name: &str) -> Result<bool> {
    let inspect = engine.docker().inspect_container(name, None::<InspectContainerOptions>);
    let what = format!("inspect the container {name}");
    match engine.request(&what, format!("docker inspect {name}"), inspect).await {
        Ok(found) => Ok(found.state.and_then(|state| state.running).unwrap_or(false)),
        Err(error) if super::engine::refusal(&error) == Some(404) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Kills a running container with SIGKILL.
///
/// # Errors
/// [`Kind::Environment`] where the engine refuses: it does not run.
pub async fn kill(engine: &Engine, name: &str) -> Result<()> {
    let kill = engine.docker().kill_container(name, None::<KillContainerOptions>);
    engine
        .request(
            &format!("kill the container {name}"),
            format!("docker kill {name}"),
            kill,
        )
        .await
}

/// Resolves when the first of `names` is no longer running, to the error that says so with its last lines.
///
/// Give it to [`crate::await_until::Wait::unless`]: a container that dies ends a wait at once.
pub async fn death(engine: &Engine, names: &[String]) -> Error {
    if names.is_empty() {
        return std::future::pending().await;
    }
    let watched = names.iter().map(|name| {
        async move {
            let mut stream = engine.docker().wait_container(name, None::<WaitContainerOptions>);
            match stream.next().await {
                Some(Ok(response)) => (name, Some(response.status_code)),
                Some(Err(bollard::errors::Error::DockerContainerWaitError { code, .. })) => (name, Some(code)),
                _ => (name, None),
            }
        }
        .boxed()
    });
    let ((name, code), ..) = select_all(watched).await;
    let how = match code {
        Some(code) => format!("exited with status {code}"),
        None => match exists(engine, name).await {
            Ok(false) => "is gone".to_owned(),
            lost => {
                let error = Error::new(
                    Kind::Environment,
                    format!("the engine no longer tells whether {name} runs"),
                );
                return match lost {
                    Err(cause) => error.caused_by(cause),
                    Ok(_) => error,
                };
            }
        },
    };
    let tail = logs::evidence(engine, name, 30).await;
    Error::new(Kind::Component, format!("the container {name} {how}"))
        .expected("a container that keeps running")
        .ran(format!("docker logs {name}"))
        .evidence(format!("last lines of {name}:\n{tail}"))
}
