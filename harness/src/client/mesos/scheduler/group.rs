//! Groups of tasks that share one executor: pods (Mesos `docs/nested-container-and-task-group.md`).

use serde_json::{Value, json};

use super::framework::Framework;
use super::handle::TaskHandle;
use super::ledger::Wanted;
use super::task_spec::TaskSpec;
use crate::client::{AgentId, Demand, ExecutorId, FrameworkId, Resources, TaskId};
use crate::deadlines::OFFER;
use crate::{Error, Result};

/// The disk in MB of a group's executor. A master refuses a group whose executor has none
/// (`src/master/validation.cpp`, Mesos 1.11.0), although it does without for any other.
const EXECUTOR_DISK_MB: f64 = 32.0;

/// Tasks that are launched together, on one agent, by one default executor, and that live and die together.
#[derive(Clone, Debug)]
#[must_use]
pub struct TaskGroupSpec {
    name: String,
    executor: Resources,
    tasks: Vec<TaskSpec>,
}

/// A group with its share of an offer.
struct Allotted {
    executor: Resources,
    tasks: Vec<(TaskId, Resources)>,
}

impl TaskGroupSpec {
    /// A group without tasks. Its executor has the id `name` with a random part, 0.1 CPUs, 32 MB of memory
    /// and 32 MB of disk.
    pub fn new(name: impl Into<String>) -> Self {
        TaskGroupSpec {
            name: name.into(),
            executor: Resources::new(0.1, 32.0).with_disk(EXECUTOR_DISK_MB),
            tasks: Vec::new(),
        }
    }

    /// One more task.
    pub fn task(mut self, task: TaskSpec) -> Self {
        self.tasks.push(task);
        self
    }

    /// What the executor itself has, besides its tasks: CPUs in cores, memory in MB.
    pub fn executor_resources(mut self, cpus: f64, mem_mb: f64) -> Self {
        self.executor = Resources::new(cpus, mem_mb).with_disk(EXECUTOR_DISK_MB);
        self
    }

    /// What the executor and all tasks ask for together.
    #[must_use]
    pub fn demand(&self) -> Demand {
        let mut sum = Demand::from(self.executor.clone());
        for demand in self.tasks.iter().map(TaskSpec::demand) {
            sum.resources = sum.resources + demand.resources.clone();
            sum.any_ports += demand.any_ports;
        }
        sum
    }

    fn wanted(&self) -> Wanted {
        Wanted {
            name: self.name.clone(),
            demand: self.demand(),
            constraints: self.tasks.iter().flat_map(TaskSpec::constraints).collect(),
        }
    }

    /// Each one's share of `free`; nothing when they do not all fit.
    fn allot(&self, free: &Resources) -> Option<Allotted> {
        let mut free = free.checked_minus(&self.executor)?;
        // Ports by number are taken first, or another task might be given one of them.
        let mut order: Vec<usize> = (0..self.tasks.len()).collect();
        order.sort_by_key(|&index| self.tasks[index].demand().any_ports > 0);
        let mut tasks: Vec<Option<(TaskId, Resources)>> = vec![None; self.tasks.len()];
        for index in order {
            let task = &self.tasks[index];
            let taken = task.demand().allot(&free)?;
            free = free.minus(&taken);
            tasks[index] = Some((task.new_id(), taken));
        }
        Some(Allotted {
            executor: self.executor.clone(),
            tasks: tasks.into_iter().collect::<Option<_>>()?,
        })
    }

    /// The v1 operation LAUNCH_GROUP (Mesos `include/mesos/v1/mesos.proto`).
    fn to_v1(&self, framework: &FrameworkId, executor: &ExecutorId, agent: &AgentId, allotted: &Allotted) -> Value {
        let infos: Vec<Value> = self
            .tasks
            .iter()
            .zip(&allotted.tasks)
            .map(|(task, (id, resources))| task.to_v1(id, agent, resources))
            .collect();
        let executor = json!({
            "type": "DEFAULT",
            "executor_id": executor.to_v1(),
            "framework_id": framework.to_v1(),
            "resources": allotted.executor.to_v1(),
        });
        json!({
            "type": "LAUNCH_GROUP",
            "launch_group": { "executor": executor, "task_group": { "tasks": infos } },
        })
    }
}

impl Framework {
    /// Waits for offers of one agent that hold the whole group, launches it, and gives back all other offers. The
    /// handles are in the order of the group's tasks.
    ///
    /// # Errors
    /// As [`Framework::run`].
    pub async fn run_group(&self, spec: TaskGroupSpec) -> Result<Vec<TaskHandle>> {
        self.placing(self.place_group(&spec)).await
    }

    async fn place_group(&self, spec: &TaskGroupSpec) -> Result<Vec<TaskHandle>> {
        self.shared.ask_for_offers().await?;
        let bundle = self.await_fitting(&[spec.wanted()], OFFER).await?;
        let nothing = || Error::internal(format!("offers were taken that do not hold the group {}", spec.name));
        let first = bundle.offers.first().ok_or_else(nothing)?;
        let allotted = spec.allot(&bundle.usable).ok_or_else(nothing)?;
        let executor = ExecutorId::from(format!("{}-{}", spec.name, uuid::Uuid::new_v4()));
        let operation = spec.to_v1(&self.shared.id, &executor, &first.agent_id, &allotted);
        let handles: Vec<TaskHandle> = allotted
            .tasks
            .into_iter()
            .map(|(id, _)| TaskHandle {
                shared: self.shared.clone(),
                id,
                executor: executor.clone(),
                agent: first.agent_id.clone(),
                hostname: first.hostname.clone(),
            })
            .collect();
        self.send_accept(&bundle, vec![operation], &handles).await?;
        if self.shared.ledger().waiting > 1 {
            self.shared.ask_for_offers().await?;
        }
        Ok(handles)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::PortRanges;

    fn group() -> TaskGroupSpec {
        TaskGroupSpec::new("pod")
            .executor_resources(0.2, 64.0)
            .task(TaskSpec::command("a", "echo a").id("a").ports(1))
            .task(
                TaskSpec::command("b", "echo b")
                    .id("b")
                    .resources(0.5, 16.0)
                    .named_ports(PortRanges::one(31000)),
            )
    }

    #[test]
    fn a_group_asks_for_its_executor_and_all_its_tasks() {
        let demand = group().demand();
        assert_eq!(
            demand.to_string(),
            "cpus 0.8, mem 112 MB, disk 32 MB, ports 31000, 1 port"
        );
        let free = |cpus| {
            Resources::new(cpus, 112.0)
                .with_disk(32.0)
                .with_ports(PortRanges::range(31000, 31001))
        };
        assert!(demand.fits(&free(0.8)));
        assert!(group().allot(&free(0.7)).is_none());
        assert!(group().allot(&free(0.8)).is_some());
    }

    #[test]
    fn a_group_is_launched_by_a_default_executor() {
        let free = Resources::new(4.0, 1024.0)
            .with_disk(32.0)
            .with_ports(PortRanges::range(31000, 31002));
        let allotted = group().allot(&free).expect("it fits");
        let operation = group().to_v1(&"f".into(), &"e".into(), &"S0".into(), &allotted);
        assert_eq!(operation["type"], "LAUNCH_GROUP");
        let launch = &operation["launch_group"];
        assert_eq!(
            launch["executor"],
            json!({
                "type": "DEFAULT", "executor_id": {"value": "e"}, "framework_id": {"value": "f"},
                "resources": [
                    {"name": "cpus", "type": "SCALAR", "scalar": {"value": 0.2}},
                    {"name": "mem", "type": "SCALAR", "scalar": {"value": 64.0}},
                    {"name": "disk", "type": "SCALAR", "scalar": {"value": 32.0}},
                ],
            })
        );
        let tasks = launch["task_group"]["tasks"].as_array().expect("a list");
        assert_eq!(
            (&tasks[0]["task_id"]["value"], &tasks[1]["task_id"]["value"]),
            (&json!("a"), &json!("b"))
        );
        assert_eq!(tasks[1]["agent_id"]["value"], "S0");
        let port = &tasks[0]["command"]["environment"]["variables"][0];
        assert_eq!(
            port,
            &json!({"name": "PORT0", "value": "31001"}),
            "31000 is b's, by number"
        );
    }
}
