//! README "Insufficient Resources": a driver that runs and gets no executor, and what it is short of.

use super::Spark;
use crate::client::mesos::state::TaskEntry;
use crate::client::{Demand, Resources};
use crate::explain::Shortfall;
use crate::{Error, Kind, Result};

/// What a driver that gets no executor says on its standard error, every fifteen seconds.
pub const STARVING: &str = "Initial job has not accepted any resources";

/// What an executor takes beyond its heap: a tenth of it, and so many megabytes at least (Spark 1.6.0,
/// `MesosSchedulerUtils.calculateTotalMemory`).
const OVERHEAD_MB: u32 = 384;

impl Spark<'_> {
    /// Why a driver has no executor, where it has said so: what an executor needs, held against every agent.
    ///
    /// # Errors
    /// As the agent, the master and the dispatcher answer.
    pub async fn starvation(&self, driver: &TaskEntry) -> Result<Option<Shortfall>> {
        let said = self.sandbox(driver).await?.text("stderr").await?;
        if !said.contains(STARVING) {
            return Ok(None);
        }
        let page = self
            .page()
            .await?
            .get("driver/")
            .query("id", &driver.id)
            .send()
            .await?
            .ok()?
            .text();
        let demand = demand(&page)?;
        self.cluster.mesos().shortfall(&demand, "*", &[]).await.map(Some)
    }
}

/// What one executor asks for, by the dispatcher's page of its driver.
fn demand(page: &str) -> Result<Demand> {
    let memory = property(page, "spark.executor.memory").unwrap_or("1g");
    let megabytes = megabytes(memory).ok_or_else(|| {
        Error::new(
            Kind::Answer,
            format!("spark.executor.memory is {memory}, which is no amount"),
        )
    })?;
    let cores = property(page, "spark.executor.cores").unwrap_or("1");
    let total = megabytes + OVERHEAD_MB.max(megabytes / 10);
    let cores: f64 = cores.parse().map_err(|_| {
        Error::new(
            Kind::Answer,
            format!("spark.executor.cores is {cores}, which is no number"),
        )
    })?;
    Ok(Demand::from(Resources::new(cores, f64::from(total))))
}

/// The value of a property in the page's tables: the cell behind the one with its name.
fn property<'p>(page: &'p str, name: &str) -> Option<&'p str> {
    let (_, behind) = page.split_once(&format!("<td>{name}</td><td>"))?;
    behind.split_once("</td>").map(|(value, _)| value)
}

/// A size as Spark reads one: `512M`, `1g`, and megabytes where there is no unit.
fn megabytes(text: &str) -> Option<u32> {
    let text = text.trim().to_ascii_lowercase();
    let text = text.strip_suffix('b').unwrap_or(&text);
    let (number, unit) = match text.find(|c: char| !c.is_ascii_digit()) {
        Some(at) => text.split_at(at),
        None => (text, "m"),
    };
    let number: u32 = number.parse().ok()?;
    match unit {
        "k" => Some(number / 1024),
        "m" => Some(number),
        "g" => number.checked_mul(1024),
        "t" => number.checked_mul(1024 * 1024),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_spark_does() {
        assert_eq!(megabytes("512M"), Some(512));
        assert_eq!(megabytes("2g"), Some(2048));
        assert_eq!(megabytes("1gb"), Some(1024));
        assert_eq!(megabytes("700"), Some(700));
        assert_eq!(megabytes("much"), None);
    }

    #[test]
    fn an_executor_asks_for_its_heap_and_more() {
        let page = "<td>spark.executor.memory</td><td>512M</td></tr><td>spark.cores.max</td><td>1</td>";
        assert_eq!(demand(page).unwrap().resources.to_string(), "cpus 1, mem 896 MB");
        let page = "<td>spark.executor.memory</td><td>8g</td><td>spark.executor.cores</td><td>3</td>";
        assert_eq!(demand(page).unwrap().resources.to_string(), "cpus 3, mem 9011 MB");
    }
}
