//! Whose death ends what a scenario waits for, and whose it brings about itself.

use super::Cluster;
use crate::component::{mesos_agent, mesos_master, zookeeper};
use crate::node::Node;
use crate::vigil::Vigil;

impl Cluster {
    /// Has every component watched: those of slaves that are started later, too.
    pub(super) fn keep_vigil(&self) -> Vigil {
        let services = self.topology.services.iter().map(|service| service.name());
        let components = [zookeeper::NAME, mesos_master::NAME, mesos_agent::NAME];
        let components = components.into_iter().chain(services).map(str::to_owned);
        Vigil::keep(&self.engine, &self.name, components.collect())
    }

    /// To be called before `component` is killed or stopped.
    pub(super) fn about_to_end(&self, node: &Node, component: &str) {
        self.expect_death(&node.container(component));
        if component == zookeeper::NAME {
            // Whoever loses its session may end itself: masters do.
            self.expect_deaths();
        }
    }

    /// To be called before `container` may end; it is to live again after [`Cluster::expect_life`].
    pub(super) fn expect_death(&self, container: &str) {
        if let Some(vigil) = &self.vigil {
            vigil.expect(container);
        }
    }

    /// To be called before a fault that reaches others than the one it is done to.
    pub(super) fn expect_deaths(&self) {
        if let Some(vigil) = &self.vigil {
            vigil.expect_any();
        }
    }

    /// To be called before `container` is started.
    pub(super) fn expect_life(&self, container: &str) {
        if let Some(vigil) = &self.vigil {
            vigil.expect_life(container);
        }
    }
}
