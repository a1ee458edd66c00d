//! How tasks are put on offers.

use serde_json::{Value, json};

use super::framework::Framework;
use super::handle::TaskHandle;
use super::ledger::{Wanted, fits};
use super::offer::Bundle;
use super::task_spec::TaskSpec;
use crate::deadlines::Deadline;
use crate::explain::Shortfall;
use crate::{Error, Kind, Result};

impl Framework {
    /// Launches every task, and returns their handles in the order of `specs`.
    pub(super) async fn place(&self, specs: Vec<TaskSpec>, deadline: Deadline) -> Result<Vec<TaskHandle>> {
        self.shared.ask_for_offers().await?;
        let mut pending: Vec<(usize, TaskSpec)> = specs.into_iter().enumerate().collect();
        let mut placed: Vec<(usize, TaskHandle)> = Vec::new();
        while !pending.is_empty() {
            let wanted: Vec<Wanted> = pending.iter().map(|(_, spec)| spec.wanted()).collect();
            let bundle = self.await_fitting(&wanted, deadline).await?;
            let mut agent = bundle
                .as_agent()
                .ok_or_else(|| Error::internal("a bundle without offers"))?;
            let (mut numbers, mut here, mut later) = (Vec::new(), Vec::new(), Vec::new());
            for (number, spec) in pending {
                match spec.demand().allot(&agent.free) {
                    Some(taken) if fits(&spec.wanted(), &agent) => {
                        agent.free = agent.free.minus(&taken);
                        numbers.push(number);
                        here.push(spec);
                    }
                    _ => later.push((number, spec)),
                }
            }
            pending = later;
            placed.extend(numbers.into_iter().zip(self.accept(bundle, here).await?));
            let others_wait = self.shared.ledger().waiting > 1;
            if others_wait || !pending.is_empty() {
                self.shared.ask_for_offers().await?;
            }
        }
        placed.sort_by_key(|(number, _)| *number);
        Ok(placed.into_iter().map(|(_, handle)| handle).collect())
    }

    /// Waits for offers of one agent that hold one of `wanted`, and takes them.
    pub(super) async fn await_fitting(&self, all: &[Wanted], deadline: Deadline) -> Result<Bundle> {
        let names: Vec<String> = all
            .iter()
            .map(|wanted| format!("{} ({})", wanted.name, wanted.demand))
            .collect();
        let wait = self
            .shared
            .wait(format!("an offer holds {}", names.join(" or ")), deadline)
            .explained_by(async {
                let mut lines = Vec::new();
                for wanted in all {
                    lines.push(match self.shortfall_of(wanted).await {
                        Ok(shortfall) => format!("the agents of {}: {shortfall}", self.master()),
                        Err(error) => format!("the agents of {} could not be asked for: {error}", self.master()),
                    });
                }
                lines
            });
        let look = || self.shared.change_quietly(|ledger| ledger.take_fitting(all));
        self.shared.until(wait, look).await
    }

    pub(super) async fn accept(&self, bundle: Bundle, specs: Vec<TaskSpec>) -> Result<Vec<TaskHandle>> {
        let first = bundle
            .offers
            .first()
            .ok_or_else(|| Error::internal("a bundle without offers"))?;
        let (agent, hostname) = (first.agent_id.clone(), first.hostname.clone());
        let mut free = bundle.usable.clone();
        let (mut infos, mut handles) = (Vec::new(), Vec::new());
        for spec in specs {
            let Some(resources) = spec.demand().allot(&free) else {
                let ids: Vec<_> = bundle.offers.iter().map(|offer| offer.id.clone()).collect();
                self.shared.decline(&ids).await?;
                let agents: Vec<_> = bundle.as_agent().into_iter().collect();
                let shortfall = Shortfall::new(spec.demand(), &[], &agents);
                return Err(Error::new(
                    Kind::Answer,
                    format!("the offer does not hold {}: {shortfall}", spec.name),
                ));
            };
            free = free.minus(&resources);
            let id = spec.new_id();
            infos.push(spec.launch_info(&self.shared.id, &id, &agent, &resources));
            handles.push(TaskHandle {
                shared: self.shared.clone(),
                executor: spec.executor_id(&id),
                id,
                agent: agent.clone(),
                hostname: hostname.clone(),
            });
        }
        let launch = json!({ "type": "LAUNCH", "launch": { "task_infos": infos } });
        self.send_accept(&bundle, vec![launch], &handles).await?;
        Ok(handles)
    }

    /// Accepts the offers for operations, which launch the tasks of `handles`.
    pub(super) async fn send_accept(
        &self,
        bundle: &Bundle,
        operations: Vec<Value>,
        handles: &[TaskHandle],
    ) -> Result<()> {
        // Known before the call: the first update may come before its answer.
        self.shared.change(|ledger| {
            for handle in handles {
                ledger.tasks.entry(handle.id.clone()).or_default();
            }
        });
        let ids: Vec<Value> = bundle.offers.iter().map(|offer| offer.id.to_v1()).collect();
        // No filter on what is left over: the master may set it after its answer, and after a REVIVE that follows.
        let filters = json!({ "refuse_seconds": 0.0 });
        let body = json!({ "offer_ids": ids, "operations": operations, "filters": filters });
        self.shared.call("ACCEPT", Some(body)).await?;
        self.shared.ledger().withheld = true;
        Ok(())
    }
}
