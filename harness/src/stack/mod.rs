//! The stack file: which image or version each component has, and what the agents offer.
//!
//! `fixtures/stacks/default.toml` is the first layer and is compiled in; a user's own file ([`user_file`]) is laid over
//! it. Layering is per key: `version`, `image` and `build` are one key (what the later file says wins; a `build` alone
//! keeps the version beneath it), `args` and `cmd` are replaced whole, `env` and `files` entry by entry, `resources`,
//! `attributes` and `role` each on its own.

mod layer;
mod reader;
pub mod resources;
mod topology;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::component::Service;
use crate::error::Context;
use crate::image::ImageSpec;
use crate::{Error, Kind, Result, workspace};

use layer::Layer;
pub use resources::{Attributes, Quantity, Resource, Resources};
pub use topology::{TOPOLOGY_FILE, TopologyFile};

/// The environment variable that names a user's stack file.
pub const STACK_VARIABLE: &str = "HARNESS_STACK";

const DEFAULT_FILE: &str = "fixtures/stacks/default.toml";
const DEFAULT_TEXT: &str = include_str!("../../../fixtures/stacks/default.toml");

/// The components that a stack may configure, each with the versions that `fixtures/images/` can build. Of a stand-in it is
/// the version whose interface it has.
const KNOWN: [(&str, &[&str]); 8] = [
    ("zookeeper", &["3.8.0"]),
    ("mesos-master", &["1.9.0", "1.10.0", "1.11.0"]),
    ("mesos-agent", &["1.9.0", "1.10.0", "1.11.0"]),
    ("marathon", &["1.4.13"]),
    ("mesos-dns", &["0.7.0-rc2"]),
    ("admin-router", &["1.5"]),
    ("haproxy", &["2.6.12"]),
    ("universe", &["1.x"]),
];

/// Where a component's program comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// An image of ours that holds this version.
    Version(String),
    /// The user's image, by reference.
    Image(String),
    /// An image that is built from the user's own folder, which has a `Dockerfile`, over the one that holds `version`.
    Build {
        /// Absolute, or relative to the working directory as the stack file's own path is.
        folder: PathBuf,
        /// Of the image that the `Dockerfile` gets as `BASE`.
        version: String,
    },
    /// Another image of ours, which a builder asked for.
    Ours(Box<ImageSpec>),
}

/// What a file in a component's container holds.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileSource {
    /// This text.
    Content(String),
    /// What this file of the host holds; the path is absolute, or relative to the working directory as the stack
    /// file's own path is.
    Path(PathBuf),
}

/// One component of a stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComponentSpec {
    /// The image or the version.
    pub source: Source,
    /// Arguments after those the harness gives.
    pub args: Vec<String>,
    /// Environment variables beside those the harness sets; they win.
    pub env: BTreeMap<String, String>,
    /// Files by their absolute path in the container.
    pub files: BTreeMap<String, FileSource>,
    /// The program to start and its first arguments, instead of the image's.
    pub cmd: Option<Vec<String>>,
}

/// What one agent offers.
#[derive(Clone, Debug, PartialEq)]
pub struct AgentSpec {
    /// For `--resources`.
    pub resources: Resources,
    /// For `--attributes`; may be empty.
    pub attributes: Attributes,
    /// For `--default_role`; `None` leaves Mesos' own default, `*`.
    pub role: Option<String>,
}

/// A checked stack: every known component has a source, every agent has resources.
#[derive(Clone, Debug, PartialEq)]
pub struct Stack {
    /// The `name` key, else the user's file name without its ending.
    pub name: String,
    /// The files it was read from, in the order they were laid over each other.
    pub files: Vec<String>,
    components: BTreeMap<String, ComponentSpec>,
    agent: AgentSpec,
    nodes: BTreeMap<String, AgentSpec>,
}

/// The file that the command line names, else that of [`STACK_VARIABLE`], else none.
#[must_use]
pub fn user_file(option: Option<&Path>) -> Option<PathBuf> {
    option
        .map(Path::to_path_buf)
        .or_else(|| std::env::var_os(STACK_VARIABLE).map(PathBuf::from))
        .filter(|path| !path.as_os_str().is_empty())
}

/// A user's stack file, read.
#[derive(Debug)]
pub(crate) struct StackFile {
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

impl StackFile {
    pub(crate) fn read(path: PathBuf) -> Result<Self> {
        let text = std::fs::read_to_string(&path).context(Kind::Usage, || {
            format!("the stack file {} cannot be read", path.display())
        })?;
        Ok(StackFile { path, text })
    }
}

impl Stack {
    /// The default stack, with `user` laid over it.
    ///
    /// # Errors
    /// [`Kind::Usage`] naming file, line and key of every mistake, and what is allowed there.
    pub fn load(user: Option<&Path>) -> Result<Self> {
        Stack::load_for(user, None)
    }

    /// True where both give every component the same image, configuration and files. What agents offer may differ.
    #[must_use]
    pub fn has_components_of(&self, other: &Stack) -> bool {
        self.components == other.components
    }

    /// As [`Stack::load`], with the agents of `topology` laid over it.
    ///
    /// # Errors
    /// As [`Stack::load`].
    pub fn load_for(user: Option<&Path>, topology: Option<&TopologyFile>) -> Result<Self> {
        let user = user.map(|path| StackFile::read(path.to_owned())).transpose()?;
        Stack::of_file(user.as_ref(), topology)
    }

    /// As [`Stack::load_for`], of a file that was read.
    pub(crate) fn of_file(user: Option<&StackFile>, topology: Option<&TopologyFile>) -> Result<Self> {
        Stack::layered(user.map(|file| (&*file.path, &*file.text)), topology)
    }

    /// Reads one file's text laid over the default stack; `file` is how messages call it, and relative
    /// `files.source` paths start at its folder.
    ///
    /// # Errors
    /// As [`Stack::load`].
    pub fn parse(file: &str, text: &str) -> Result<Self> {
        Stack::parse_for(file, text, None)
    }

    /// As [`Stack::parse`], with the agents of `topology` laid over it.
    ///
    /// # Errors
    /// As [`Stack::load`].
    pub fn parse_for(file: &str, text: &str, topology: Option<&TopologyFile>) -> Result<Self> {
        Stack::layered(Some((Path::new(file), text)), topology)
    }

    fn layered(user: Option<(&Path, &str)>, topology: Option<&TopologyFile>) -> Result<Self> {
        let default_folder = workspace::fixtures().join("stacks");
        let mut layers = vec![layer::read(DEFAULT_FILE, DEFAULT_TEXT, &default_folder)?];
        if let Some((path, text)) = user {
            let folder = path.parent().unwrap_or(Path::new(""));
            layers.push(layer::read(&path.display().to_string(), text, folder)?);
        }
        layers.extend(topology.map(TopologyFile::layer));
        combine(layers)
    }

    /// What component `name` is.
    ///
    /// # Errors
    /// [`Kind::Usage`] for a name that no stack knows.
    pub fn component(&self, name: &str) -> Result<&ComponentSpec> {
        self.components.get(name).ok_or_else(|| self.unknown(name))
    }

    fn component_mut(&mut self, name: &str) -> Result<&mut ComponentSpec> {
        let unknown = self.unknown(name);
        self.components.get_mut(name).ok_or(unknown)
    }

    fn unknown(&self, name: &str) -> Error {
        Error::usage(format!("the stack {} has no component {name}", self.name))
            .expected(format!("one of {}", component_names().join(", ")))
    }

    /// Sets an environment variable of component `name`.
    ///
    /// # Errors
    /// As [`Stack::component`].
    pub fn set_env(&mut self, name: &str, variable: &str, value: &str) -> Result<()> {
        let env = &mut self.component_mut(name)?.env;
        env.insert(variable.to_owned(), value.to_owned());
        Ok(())
    }

    /// Puts one file into a component's containers.
    ///
    /// # Errors
    /// [`crate::Kind::Usage`] where there is no such component.
    pub fn set_file(&mut self, name: &str, path: &str, content: &str) -> Result<()> {
        let files = &mut self.component_mut(name)?.files;
        files.insert(path.to_owned(), FileSource::Content(content.to_owned()));
        Ok(())
    }

    /// Puts another image of ours in the place of what a component comes from.
    ///
    /// # Errors
    /// [`Kind::Usage`] for a name that no component has.
    pub(crate) fn set_image(&mut self, name: &str, image: Box<ImageSpec>) -> Result<()> {
        self.component_mut(name)?.source = Source::Ours(image);
        Ok(())
    }

    /// Every component with its name.
    pub fn components(&self) -> impl Iterator<Item = (&str, &ComponentSpec)> {
        self.components.iter().map(|(name, spec)| (name.as_str(), spec))
    }

    /// What the agent of `node` offers, as in `mesos-slave2`.
    #[must_use]
    pub fn agent_on(&self, node: &str) -> &AgentSpec {
        self.nodes.get(node).unwrap_or(&self.agent)
    }
}

/// The components that a stack may configure.
#[must_use]
pub fn component_names() -> Vec<&'static str> {
    KNOWN.iter().map(|(name, _)| *name).collect()
}

/// The versions that can be built here of a component; empty for an unknown one.
#[must_use]
pub fn versions_of(component: &str) -> &'static [&'static str] {
    KNOWN
        .iter()
        .find(|(name, _)| *name == component)
        .map_or(&[], |(_, versions)| versions)
}

fn combine(layers: Vec<Layer>) -> Result<Stack> {
    let files = layers.iter().map(|layer| layer.file.clone()).collect();
    let mut all = Layer::default();
    for layer in layers {
        all.lay_over(layer);
    }
    let mut components = BTreeMap::new();
    for name in component_names() {
        let layer = all.components.remove(name).unwrap_or_default();
        let source = match (layer.source, layer.build) {
            (Some(Source::Version(version)), Some(folder)) => Source::Build { folder, version },
            (Some(source), None) => source,
            (None, None) if Service::named(name).is_some() => continue,
            _ => {
                return Err(Error::internal(format!(
                    "{DEFAULT_FILE} does not say which {name} to use"
                )));
            }
        };
        components.insert(
            name.to_owned(),
            ComponentSpec {
                source,
                args: layer.args.unwrap_or_default(),
                env: layer.env,
                files: layer.files,
                cmd: layer.cmd,
            },
        );
    }
    let resources = all
        .agent
        .resources
        .ok_or_else(|| Error::internal(format!("{DEFAULT_FILE} has no agent.resources")))?;
    let agent = AgentSpec {
        resources,
        attributes: all.agent.attributes.unwrap_or_default(),
        role: all.agent.role,
    };
    let nodes = all.nodes.into_iter().map(|(node, own)| {
        let spec = AgentSpec {
            resources: own.resources.unwrap_or_else(|| agent.resources.clone()),
            attributes: own.attributes.unwrap_or_else(|| agent.attributes.clone()),
            role: own.role.or_else(|| agent.role.clone()),
        };
        (node, spec)
    });
    Ok(Stack {
        name: all.name.unwrap_or_else(|| "unnamed".to_owned()),
        files,
        components,
        nodes: nodes.collect(),
        agent,
    })
}
