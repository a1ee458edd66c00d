//! Topics that are made and changed on the pages.

use harness::evidence::Verdict;
use harness::workload::kafka::VERSIONS;
use harness::{check, check_contains};
use rstest::rstest;

use super::{await_page, managed, register, spaced};
use crate::kafka::SMALL;

#[rstest]
#[tokio::test]
async fn is_created_extended_moved_and_deleted() -> Verdict {
    let (package, _) = VERSIONS[1];
    let (cluster, browser, _, pages) = managed(package).await?;
    let topics = format!("{pages}clusters/cluster1/topics");
    register(&browser, "3.9.2").await?;

    browser.click("Create Topic").await?;
    browser.fill("Topic", "made").await?;
    browser.fill("Partitions", "2").await?;
    browser.fill("Options", "retention.ms=60000").await?;
    browser.click("Create").await?;
    browser.await_text("Done!").await?;
    let page = format!("{topics}/made");
    let led =
        |count: u32| move |text: &str| (0..count).all(|id| text.contains(&format!("{id} 0 0 0 (0) (0) true false")));
    await_page(&browser, &page, "both partitions have a leader", led(2)).await?;

    browser.click("Create Topic").await?;
    browser.fill("Topic", "made").await?;
    browser.fill("Options", "retention.ms=1").await?;
    browser.click("Create").await?;
    browser.await_text("Topic \"made\" already exists.").await?;
    let shown = await_page(&browser, &page, "the topic's page", |text| text.contains("Operations")).await?;
    check_contains!(shown, "retention.ms 60000\n", "what is refused changes nothing");

    browser.open(&page).await?;
    browser.click("Add Partitions").await?;
    browser.fill("Partitions", "3").await?;
    browser.click("Add Partitions").await?;
    browser.await_text("Done!").await?;
    await_page(&browser, &page, "the third partition has a leader", led(3)).await?;

    browser.click("Generate Partition Assignments").await?;
    browser.await_gone("Operations").await?;
    browser.click("Generate Partition Assignments").await?;
    browser.await_text("Done!").await?;
    browser.click("Go to topic view.").await?;
    let shown = browser.await_text("Generated assignment").await?;
    check_contains!(shown, "0:[0], 1:[0], 2:[0]");
    browser.click("Reassign Partitions").await?;
    browser.await_text("Done!").await?;
    let reassignments = format!("{pages}clusters/cluster1/assignment");
    let still = "No partition is being moved.";
    await_page(&browser, &reassignments, "Kafka has moved what it was to", |text| {
        text.contains(still)
    })
    .await?;
    browser.click("Elections").await?;
    browser.click("Run Preferred Replica Election").await?;
    browser.await_text("Done!").await?;

    browser.open(&page).await?;
    browser.click("Delete Topic").await?;
    browser.await_text("There is no way back.").await?;
    browser.click("Delete Topic").await?;
    browser.await_text("Done!").await?;
    let shown = await_page(&browser, &topics, "the topic is gone", |text| {
        text.contains("no topic yet")
    })
    .await?;
    check!(!shown.contains("made"));
    let left = cluster.zookeeper().await?.children("/brokers/topics").await?;
    check!(left == [""; 0], "Kafka's own word for it");
    cluster.finish().await
}

#[rstest]
#[tokio::test]
async fn options_and_places_are_set_by_hand() -> Verdict {
    let (package, version) = VERSIONS[1];
    let (cluster, browser, _, pages) = managed(package).await?;
    let kafka = cluster.kafka().await?;
    kafka.start("1", &SMALL).await?;
    kafka
        .command(&["topic", "add", "set", "--broker", "0"])
        .await?
        .success()?;
    register(&browser, version).await?;
    let page = format!("{pages}clusters/cluster1/topics/set");

    browser.open(&page).await?;
    browser.click("Update Config").await?;
    browser.fill("retention.ms", "soon").await?;
    browser.click("Update Config").await?;
    browser.await_text("For input string: \"soon\"").await?;
    browser.click("Try again.").await?;
    browser.fill("retention.ms", "60000").await?;
    browser.click("Update Config").await?;
    browser.await_text("Done!").await?;
    browser.click("Go to topic view.").await?;
    let shown = spaced(&browser.await_text("Partition Information").await?);
    check_contains!(shown, "retention.ms 60000");
    let list = kafka.command(&["topic", "list", "set"]).await?.success()?.stdout;
    check_contains!(list, "  options: retention.ms=60000\n", "other tools see it too");

    browser.click("Manual Partition Assignments").await?;
    browser.fill("Partition 0, replica 0", "1").await?;
    browser.click("Save Partition Assignment").await?;
    browser.await_text("Done!").await?;
    browser.click("Go to topic view.").await?;
    browser.await_text("Generated assignment: 0:[1]").await?;
    browser.click("Reassign Partitions").await?;
    browser.await_text("Done!").await?;

    let moved = await_page(&browser, &page, "broker 1 leads the partition", |text| {
        text.contains("0 0 0 1 (1) (1) true false")
    });
    moved.await?;
    let brokers = format!("{pages}clusters/cluster1/brokers/1");
    browser.open(&brokers).await?;
    check!(browser.await_row("set").await? == "set 1 1 1 (0) 1 false");
    cluster.finish().await
}
