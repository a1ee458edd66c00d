//! Kafka Manager: its pages in a browser, beside real brokers.

mod cluster;
mod topic;

use std::time::Duration;

use harness::await_until::{Probe, Wait};
use harness::client::browser::{self, Browser};
use harness::deadlines::Deadline;
use harness::workload::kafka::BROKER_MEGABYTES;
use harness::workload::kafka_manager;
use harness::{Cluster, Result};
use serde_json::json;

use crate::kafka::SMALL;

/// What a broker makes of what was asked of it.
const BROKERS_FOLLOW: Deadline = Deadline::custom("KAFKA_FOLLOWS", Duration::from_secs(60));

/// The README's cluster with one broker of that version of the package, Kafka Manager, and a browser on its first page.
/// Gives the broker's endpoint as well, and the address of the first page.
async fn managed(package: &str) -> Result<(Cluster, Browser, String, String)> {
    let builder = Cluster::builder()
        .docker()
        .marathon()
        .mesos_dns()
        .admin_router()
        .universe()
        .beside(2 * BROKER_MEGABYTES + browser::MEGABYTES);
    let cluster = Box::pin(builder.boot()).await?;
    let kafka = cluster.kafka().await?;
    kafka.install(package, &json!({})).await?;
    let endpoint = kafka.start("0", &SMALL).await?;
    let pages = kafka_manager::add(&cluster).await?;
    let browser = Browser::start(&cluster).await?;
    browser.open(&pages).await?;
    Ok((cluster, browser, endpoint, pages))
}

/// Enters what the README's reader enters, for brokers of `version`.
async fn register(browser: &Browser, version: &str) -> Result<()> {
    browser.click("Add Cluster").await?;
    browser.fill("Cluster Name", "cluster1").await?;
    browser.fill("Cluster Zookeeper Hosts", "master.mesos:2181").await?;
    browser.fill("Kafka Version", version).await?;
    browser.tick("Poll consumer information").await?;
    browser.click("Save").await?;
    browser.await_text("Done!").await?;
    browser.click("Go to cluster view.").await
}

/// What a page shows, with one space between the cells of a row.
fn spaced(shown: &str) -> String {
    shown.replace('\t', " ")
}

/// Opens `url` again and again, until the page is as `holds` wants it; gives what it shows, [`spaced`].
async fn await_page(browser: &Browser, url: &str, what: &str, holds: impl Fn(&str) -> bool) -> Result<String> {
    Wait::that(what.to_owned(), BROKERS_FOLLOW)
        .until(async || {
            let shown = async {
                browser.open(url).await?;
                browser.text().await.map(|text| spaced(&text))
            };
            match shown.await {
                Ok(text) if holds(&text) => Probe::Ready(text),
                Ok(text) => Probe::NotYet(text),
                Err(error) => Probe::NotYet(error.to_string()),
            }
        })
        .await
}
