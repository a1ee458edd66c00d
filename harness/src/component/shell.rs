//! A person's shell on a node, and the node's own Docker: made when somebody first enters.
//!
//! The shell joins the node. The proxy must not: root in the shell could reach the engine's socket through
//! `/proc/<pid>/root` of a process that it sees.

use super::{Recipe, container_name, mesos_agent};
use crate::await_until::{Probe, Wait};
use crate::docker::exec::{ExecOutput, ExecSpec};
use crate::docker::{ContainerSpec, Engine, Place, container, engine, exec, volume};
use crate::image::ImageSpec;
use crate::node::{Node, NodeName};
use crate::{Result, deadlines, workspace};

/// As it stands in the component label.
pub const NAME: &str = "shell";
/// The node's Docker, as it stands in the component label.
pub const PROXY: &str = "docker-proxy";
/// Where both see the proxied socket.
const SOCKET_DIR: &str = "/run/node-docker";
/// Where a node has what the README's reader had cloned, as Vagrant mounted it.
const CHECKOUT: &str = "/vagrant";
/// Where the engine's own socket is, on the engine's host.
const ENGINE_SOCKET: &str = "/var/run/docker.sock";

/// Where the proxy finds it: in the image the usual path is a link to the proxied one.
const MOUNTED_SOCKET: &str = "/run/engine.sock";

/// A shell that runs on a node: for commands by [`Shell::run`], for a person by
/// [`terminal::enter`](crate::docker::terminal::enter).
#[derive(Clone, Debug)]
pub struct Shell {
    engine: Engine,
    container: String,
}

impl Shell {
    /// The full name of its container.
    #[must_use]
    pub fn container(&self) -> &str {
        &self.container
    }

    /// Runs a command as the image's user, or the one that `spec` names.
    ///
    /// # Errors
    /// As [`exec::exec`].
    pub async fn run(&self, spec: ExecSpec) -> Result<ExecOutput> {
        exec::exec(&self.engine, &self.container, spec).await
    }
}

/// One image holds both programs.
#[must_use]
pub fn image() -> ImageSpec {
    ImageSpec::new("node-shell")
}

/// Makes sure that both containers of `node` run, and waits until `docker` works in the shell.
pub(crate) async fn ensure(engine: &Engine, recipe: &Recipe<'_>, node: &Node) -> Result<Shell> {
    let (shell, proxy) = (node.container(NAME), node.container(PROXY));
    let image = recipe.images.ensure(&image()).await?;
    let sockets = format!("{}-{}-sockets", recipe.cluster, node.name());
    volume::create(engine, &sockets, recipe.labels_of(node.name(), NAME)).await?;
    for part in [
        proxy_of(recipe, node.name(), &image, &sockets),
        shell_of(recipe, node.name(), &image, &sockets),
    ] {
        if !container::exists(engine, part.name()).await? {
            match part.create(engine).await {
                // Another process entered the same node at the same moment.
                Err(error) if engine::refusal(&error) == Some(409) => {}
                created => created?,
            }
        }
        container::start(engine, part.name()).await?;
    }
    Wait::that(
        format!("docker answers in the shell of {}", node.name()),
        deadlines::EXEC,
    )
    .unless(container::death(engine, &[shell.clone(), proxy.clone()]))
    .until(async || {
        let version = ExecSpec::new(["docker", "version", "--format", "{{.Server.Version}}"]);
        match exec::exec(engine, &shell, version).await {
            Ok(output) if output.exit_code == 0 => Probe::Ready(()),
            Ok(output) => Probe::NotYet(output.stderr.trim().to_owned()),
            Err(error) => Probe::NotYet(error.to_string()),
        }
    })
    .await?;
    Ok(Shell {
        engine: engine.clone(),
        container: shell,
    })
}

fn shell_of(recipe: &Recipe<'_>, node: NodeName, image: &str, sockets: &str) -> ContainerSpec {
    let mut shell = recipe.joining(node, NAME, image).mount_read_only(sockets, SOCKET_DIR);
    let checkout = workspace::fixtures().join("vagrant");
    // An engine on another machine would look for the folder there.
    if checkout.is_dir() && is_local(&crate::docker::engine::address()) {
        shell = shell.mount_read_only(&checkout.display().to_string(), CHECKOUT);
    }
    if let NodeName::Slave(_) = node {
        shell = shell.mount(
            &mesos_agent::volume(recipe.cluster, node, mesos_agent::WORK_DIR),
            mesos_agent::WORK_DIR,
        );
    }
    shell
}

fn proxy_of(recipe: &Recipe<'_>, node: NodeName, image: &str, sockets: &str) -> ContainerSpec {
    let listen = format!("{SOCKET_DIR}/docker.sock");
    let name = container_name(recipe.cluster, node, PROXY);
    ContainerSpec::new(name, image, recipe.labels_of(node, PROXY))
        .place(Place::Sealed)
        .mount(sockets, SOCKET_DIR)
        .mount(&engine_socket(), MOUNTED_SOCKET)
        .entrypoint(["node-docker"])
        .command([
            "--cluster",
            recipe.cluster,
            "--node",
            &node.to_string(),
            "--listen",
            &listen,
            "--engine",
            MOUNTED_SOCKET,
        ])
}

fn is_local(address: &str) -> bool {
    address.starts_with("unix://")
}

/// The socket's path on the engine's host: that of `DOCKER_HOST` where it names one.
fn engine_socket() -> String {
    let address = crate::docker::engine::address();
    address
        .strip_prefix("unix://")
        .map_or_else(|| ENGINE_SOCKET.to_owned(), str::to_owned)
}
