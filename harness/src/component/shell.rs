//! A person's shell on a node, with the node's own [Docker](node_docker): made when somebody first enters.

use super::{Recipe, mesos_agent, node_docker};
use crate::await_until::{Probe, Wait};
use crate::docker::exec::{ExecOutput, ExecSpec};
use crate::docker::{ContainerSpec, Engine, container, engine, exec};
use crate::image::ImageSpec;
use crate::node::{Node, NodeName};
use crate::{Kind, Result, deadlines, workspace};

/// As it stands in the component label.
pub const NAME: &str = "shell";
/// Where a node has what the README's reader had cloned, as Vagrant mounted it.
const CHECKOUT: &str = "/vagrant";

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

/// One image holds the shell and the Docker of a node.
#[must_use]
pub fn image() -> ImageSpec {
    ImageSpec::new("node-shell")
}

/// Makes sure that the shell of `node` and its Docker run, and waits until `docker` works in the shell.
pub(crate) async fn ensure(
    engine: &Engine,
    recipe: &Recipe<'_>,
    node: &Node,
    names: &node_docker::Names,
) -> Result<Shell> {
    let (shell, proxy) = (node.container(NAME), node.container(node_docker::NAME));
    let image = recipe.images.ensure(&image()).await?;
    node_docker::ensure(engine, recipe, node.name(), names).await?;
    let part = shell_of(recipe, node.name(), &image);
    if !container::exists(engine, part.name()).await? {
        match part.create(engine).await {
            // Another process entered the same node at the same moment.
            Err(error) if engine::refusal(&error) == Some(409) => {}
            created => created?,
        }
    }
    container::start(engine, part.name()).await?;
    Wait::that(
        format!("docker answers in the shell of {}", node.name()),
        deadlines::EXEC,
    )
    .blaming(Kind::Environment)
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

fn shell_of(recipe: &Recipe<'_>, node: NodeName, image: &str) -> ContainerSpec {
    let mut shell = node_docker::given(recipe.joining(node, NAME, image), recipe.cluster, node);
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

fn is_local(address: &str) -> bool {
    address.starts_with("unix://")
}
