//! Where an agent with the linux launcher keeps the cgroups of its tasks: beneath that of its node's holder.
//!
//! So no task's cgroup lies outside of what the engine made, tasks outlive their agent's container, and the engine
//! removes them all with the holder's (runc removes the folders beneath a container's own, deepest first).

use super::holder;
use crate::docker::exec::{ExecSpec, exec};
use crate::docker::{ContainerSpec, Engine};
use crate::node::Node;
use crate::{Error, Kind, Result};

/// The agent's flag for the folder of its tasks' cgroups, the same in every hierarchy.
const ROOT: &str = "MESOS_CGROUPS_ROOT";
/// The hierarchy that the linux launcher cannot do without.
const FREEZER: &str = "freezer";

/// True where `agent` is told to make cgroups and not where.
pub(crate) fn needs_root(agent: &ContainerSpec) -> bool {
    let says = |variable: &str, word: &str| agent.variable(variable).is_some_and(|value| value.contains(word));
    let argues = |flag: &str, word: &str| {
        let said = agent.arguments().join(" ");
        said.contains(flag) && said.contains(word)
    };
    let makes = says("MESOS_LAUNCHER", "linux")
        || says("MESOS_ISOLATION", "cgroups")
        || argues("--launcher", "linux")
        || argues("--isolation", "cgroups");
    let told = agent.variable(ROOT).is_some() || argues("--cgroups_root", "");
    makes && !told
}

/// `agent` with the root beneath the cgroup of its node's holder, which must run.
pub(crate) async fn with_root(engine: &Engine, node: &Node, agent: ContainerSpec) -> Result<ContainerSpec> {
    let asked = ExecSpec::new(["cat", "/proc/1/cgroup"]);
    let answer = exec(engine, &node.container(holder::NAME), asked).await?.success()?;
    let path = path_of(FREEZER, &answer.stdout).ok_or_else(|| {
        Error::new(
            Kind::Environment,
            format!("the agent of {} cannot make cgroups for its tasks", node.name()),
        )
        .expected("the hierarchy freezer of cgroup version 1, which is the only one that Mesos up to 1.11 knows")
        .evidence(answer.stdout.clone())
        .ran(&answer.ran)
        .hint("boot the engine's machine with systemd.unified_cgroup_hierarchy=0, or use the posix launcher")
    })?;
    Ok(agent.env(ROOT, format!("{}/mesos", path.trim_start_matches('/'))))
}

/// The cgroup in the hierarchy of `controller`, out of `/proc/<pid>/cgroup`: `hierarchy-ID:controller-list:path`
/// (cgroups(7)).
fn path_of<'a>(controller: &str, table: &'a str) -> Option<&'a str> {
    table.lines().find_map(|line| {
        let (_, rest) = line.split_once(':')?;
        let (controllers, path) = rest.split_once(':')?;
        controllers.split(',').any(|name| name == controller).then_some(path)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::labels::Labels;

    fn agent() -> ContainerSpec {
        ContainerSpec::new("agent", "image", Labels::new()).env("MESOS_LAUNCHER", "posix")
    }

    #[test]
    fn only_who_makes_cgroups_needs_a_root_for_them() {
        assert!(!needs_root(&agent().env("MESOS_ISOLATION", "posix/cpu,posix/mem")));
        assert!(needs_root(&agent().env("MESOS_LAUNCHER", "linux")));
        assert!(needs_root(&agent().env("MESOS_ISOLATION", "posix/cpu,cgroups/mem")));
        assert!(needs_root(&agent().command(["--launcher=linux"])));
        assert!(!needs_root(&agent().env("MESOS_LAUNCHER", "linux").env(ROOT, "mine")));
        assert!(!needs_root(&agent().command([
            "--launcher",
            "linux",
            "--cgroups_root",
            "mine"
        ])));
    }

    #[test]
    fn a_path_is_that_of_its_controller() {
        let table = "12:cpu,cpuacct:/one\n6:freezer:/docker/a:b\n1:name=systemd:/two\n0::/three\n";
        assert_eq!(path_of(FREEZER, table), Some("/docker/a:b"));
        assert_eq!(path_of("cpuacct", table), Some("/one"));
        assert_eq!(path_of(FREEZER, "0::/docker/a\n"), None);
    }
}
