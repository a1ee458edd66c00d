//! Which cluster, and which of its nodes, a command is about.

use clap::Args;
use harness::cluster::{Cluster, ClusterSummary, clusters};
use harness::component::{Service, mesos_agent, mesos_master, zookeeper};
use harness::docker::Engine;
use harness::node::{Node, NodeName};
use harness::{Error, Result};

/// The name of a cluster whose owner gave it none.
pub(crate) const DEFAULT_NAME: &str = "mesos";

/// Which cluster a command is about.
#[derive(Args)]
pub(crate) struct Name {
    /// The cluster's name.
    #[arg(long, default_value = DEFAULT_NAME)]
    pub(crate) name: String,
}

/// Whether a program reads the answer.
#[derive(Debug, Args)]
pub(crate) struct Json {
    /// Print one JSON document, for a program to read; an error is one too.
    #[arg(long)]
    pub(crate) json: bool,
}

/// An error says all it has to say: clap prints no more than its text.
pub(crate) fn node_name(text: &str) -> Result<NodeName, String> {
    text.parse().map_err(|error: Error| error.explain())
}

/// What a hint to paste says of the cluster: nothing of the default one.
pub(crate) fn option(name: &str) -> String {
    match name {
        DEFAULT_NAME => String::new(),
        name => format!(" --name {name}"),
    }
}

pub(crate) async fn attach(name: &Name) -> Result<Cluster> {
    Cluster::attach(Engine::connect().await?, &name.name).await
}

/// The cluster called `name`, as `harness ps` lists it.
pub(crate) async fn find(engine: &Engine, name: &str) -> Result<ClusterSummary> {
    let all = clusters(engine).await?;
    let names: Vec<String> = all.iter().map(|cluster| cluster.name.clone()).collect();
    all.into_iter().find(|cluster| cluster.name == name).ok_or_else(|| {
        let error = Error::usage(format!("no cluster called {name} is up")).ran("harness ps");
        if names.is_empty() {
            return error.hint(format!("`harness up{}` boots one", option(name)));
        }
        let known: Vec<&str> = names.iter().map(String::as_str).collect();
        let error = error.expected(format!("one of {}", names.join(", ")));
        harness::suggest::hinted(error, name, &known)
    })
}

/// The component that a node is there for: the master, the agent or a service, and ZooKeeper where none is.
pub(crate) fn main_component(cluster: &Cluster, node: NodeName) -> &'static str {
    let components = cluster.components_on(node);
    let master = components.iter().find(|name| **name == mesos_master::NAME);
    master.or(components.last()).copied().unwrap_or(zookeeper::NAME)
}

/// Where a component of a node answers: a URL, or host and port for ZooKeeper.
pub(crate) fn place(node: &Node, component: &str) -> String {
    let address = node.address();
    match component {
        zookeeper::NAME => format!("{address}:{}", zookeeper::PORT),
        mesos_agent::NAME => format!("http://{address}:{}", mesos_agent::PORT),
        _ => {
            let port = Service::named(component).map_or(mesos_master::PORT, Service::port);
            format!("http://{address}:{port}")
        }
    }
}
