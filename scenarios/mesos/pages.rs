//! The web page on the master's port, read in a browser.

use harness::client::browser::{self, Browser, Key};
use harness::client::mesos::{FrameworkSpec, TaskSpec, TaskState};
use harness::component::{mesos_master, zookeeper};
use harness::evidence::{Verdict, not_applicable};
use harness::node::NodeName;
use harness::stack::Source;
use harness::{Cluster, Result, check, check_contains};
use rstest::rstest;

/// Why the page of this cluster is not ours to judge: the image is a user's own, with the page of its Mesos or none.
fn foreign(cluster: &Cluster) -> Result<Option<String>> {
    let source = &cluster.stack().component(mesos_master::NAME)?.source;
    Ok(match source {
        Source::Image(image) => Some(format!("the master's page is that of the image {image}")),
        _ => None,
    })
}

async fn cluster(masters: u8, slaves: u8) -> Result<Cluster> {
    let builder = Cluster::builder().masters(masters).slaves(slaves);
    builder.beside(browser::MEGABYTES).boot().await
}

fn page(cluster: &Cluster, master: u8) -> Result<String> {
    let address = cluster.node(NodeName::Master(master))?.address();
    Ok(format!("http://{address}:{}/", mesos_master::PORT))
}

mod readme {
    use super::*;

    /// README "Sandbox output": open the master's page, click on the framework, then on the sandbox link.
    #[rstest]
    #[tokio::test]
    async fn a_framework_leads_to_its_tasks_stdout() -> Verdict {
        let cluster = cluster(1, 1).await?;
        if let Some(why) = foreign(&cluster)? {
            return not_applicable(why);
        }
        let framework = cluster.framework(FrameworkSpec::new("greeter")).await?;
        let task = framework
            .run(TaskSpec::command("hello", "echo hello from the sandbox; sleep 1000"))
            .await?;
        task.await_state(TaskState::TaskRunning).await?;

        let browser = Browser::start(&cluster).await?;
        browser.open(&page(&cluster, 1)?).await?;
        browser.await_row("greeter").await?;
        browser.screenshot("1-cluster").await?;
        browser.click("greeter").await?;
        check_contains!(browser.await_row(task.id().as_str()).await?, "RUNNING");
        browser.screenshot("2-framework").await?;
        browser.click_in_row(task.id().as_str(), "Sandbox").await?;
        browser.await_row("stdout").await?;
        browser.screenshot("3-sandbox").await?;
        browser.click("stdout").await?;

        let shown = browser.await_text("hello from the sandbox").await?;
        browser.screenshot("4-stdout").await?;
        check_contains!(shown, "hello from the sandbox");
        check!(browser.console_errors().await? == Vec::<String>::new());
        framework.finish().await?;
        cluster.finish().await
    }
}

#[rstest]
#[tokio::test]
async fn output_is_followed_while_it_is_written() -> Verdict {
    let cluster = cluster(1, 1).await?;
    if let Some(why) = foreign(&cluster)? {
        return not_applicable(why);
    }
    let framework = cluster.framework(FrameworkSpec::new("counter")).await?;
    // More than the page reads at once when it is opened, so that its end is what is shown.
    let count = "i=0; seq 100000; while :; do i=$((i+1)); echo \"grüße $i\"; sleep 0.1; done";
    let task = framework.run(TaskSpec::command("counter", count)).await?;
    task.await_state(TaskState::TaskRunning).await?;

    let browser = Browser::start(&cluster).await?;
    browser.open(&page(&cluster, 1)?).await?;
    browser.click_in_row(task.id().as_str(), "Sandbox").await?;
    browser.click("stdout").await?;
    let opened = last_count(&browser.await_text("grüße ").await?);

    let later = format!("grüße {}\n", opened + 20);
    let shown = browser.await_text(&later).await?;
    check!(!shown.contains("\n1\n2\n3\n"), "only the end is read at first");
    check_contains!(shown, "100000\ngrüße 1\n", "nothing is left out where it goes on");
    browser.click("Load earlier").await?;
    let before = numbers(&shown);
    let earlier = |shown: &str| numbers(shown) > before;
    browser.await_that("what was written before is shown", earlier).await?;
    browser.screenshot("stdout").await?;
    check!(browser.console_errors().await? == Vec::<String>::new());
    framework.finish().await?;
    cluster.finish().await
}

/// How many of the numbers that the task wrote first are shown.
fn numbers(shown: &str) -> usize {
    shown.lines().filter(|line| line.parse::<u32>().is_ok()).count()
}

fn last_count(shown: &str) -> u32 {
    let last = shown.rsplit("grüße ").next().unwrap_or_default();
    last.split_whitespace()
        .next()
        .and_then(|count| count.parse().ok())
        .unwrap_or(0)
}

#[rstest]
#[tokio::test]
async fn agents_are_listed_with_what_they_have() -> Verdict {
    let cluster = cluster(1, 2).await?;
    if let Some(why) = foreign(&cluster)? {
        return not_applicable(why);
    }
    let framework = cluster.framework(FrameworkSpec::new("sleeper")).await?;
    let task = framework.run(TaskSpec::command("sleeper", "sleep 1000")).await?;
    task.await_state(TaskState::TaskRunning).await?;
    let first = cluster.slave(1)?.address().to_string();
    let second = cluster.slave(2)?.address().to_string();

    let browser = Browser::start(&cluster).await?;
    browser.open(&page(&cluster, 1)?).await?;
    browser.click("Agents").await?;
    check_contains!(
        browser.await_row(&first).await?,
        "of 2.9 GB",
        "README: slave 1 has mem 2929"
    );
    check_contains!(browser.await_row(&second).await?, "of 1 GB", "the others have 1024 MB");
    browser.screenshot("agents").await?;
    browser.click(task.hostname()).await?;

    check_contains!(browser.await_row(task.id().as_str()).await?, "RUNNING");
    let executors = browser.await_text("Executors").await?;
    browser.screenshot("agent").await?;
    check_contains!(executors, "alive", "the agent's own answer is there");
    check!(browser.console_errors().await? == Vec::<String>::new());
    framework.finish().await?;
    cluster.finish().await
}

#[rstest]
#[tokio::test]
async fn the_keyboard_alone_reaches_a_sandbox() -> Verdict {
    let cluster = cluster(1, 1).await?;
    if let Some(why) = foreign(&cluster)? {
        return not_applicable(why);
    }
    let framework = cluster.framework(FrameworkSpec::new("keyboard")).await?;
    let task = framework
        .run(TaskSpec::command("typed", "echo typed; sleep 1000"))
        .await?;
    task.await_state(TaskState::TaskRunning).await?;
    let browser = Browser::start(&cluster).await?;
    browser.open(&page(&cluster, 1)?).await?;

    for name in ["keyboard", "Sandbox", "stdout"] {
        browser.await_text(name).await?;
        browser.tab_to(name).await?;
        browser.press(Key::Enter).await?;
        // What was gone to takes the focus with its heading.
        browser
            .await_that("another page is shown", |shown| !shown.contains("Asking…"))
            .await?;
    }

    check_contains!(browser.await_text("typed\n").await?, "typed");
    framework.finish().await?;
    cluster.finish().await
}

#[rstest]
#[tokio::test]
async fn an_error_is_shown_in_the_masters_words() -> Verdict {
    let cluster = cluster(1, 1).await?;
    if let Some(why) = foreign(&cluster)? {
        return not_applicable(why);
    }
    let node = cluster.master();
    let slave = cluster.slave(1)?.address().to_string();
    let browser = Browser::start(&cluster).await?;
    browser.open(&format!("{}#/agents", page(&cluster, 1)?)).await?;
    browser.await_row(&slave).await?;

    // A master without ZooKeeper knows of no leader, and refuses.
    cluster.kill(&node, zookeeper::NAME).await?;
    cluster.kill(&node, mesos_master::NAME).await?;
    cluster.revive(&node, mesos_master::NAME).await?;

    let shown = browser.await_text("503").await?;
    browser.screenshot("refused").await?;
    check_contains!(shown, "503: No leader elected");
    check_contains!(shown, format!("{}state", page(&cluster, 1)?), "it says what was asked");
    cluster.revive(&node, zookeeper::NAME).await?;
    cluster.leading_master().await?;
    let shown = browser.await_gone("503").await?;
    check!(!shown.contains("No leader elected"));
    cluster.finish().await
}

#[rstest]
#[tokio::test]
async fn a_silent_master_is_told_until_it_answers() -> Verdict {
    let mut cluster = cluster(1, 1).await?;
    if let Some(why) = foreign(&cluster)? {
        return not_applicable(why);
    }
    let slave = cluster.slave(1)?.address().to_string();
    let browser = Browser::start(&cluster).await?;
    browser.open(&format!("{}#/agents", page(&cluster, 1)?)).await?;
    browser.await_row(&slave).await?;

    cluster.stop(NodeName::Master(1)).await?;

    let shown = browser.await_text("No answer").await?;
    browser.screenshot("silent").await?;
    check_contains!(shown, slave, "what was seen last stays");
    cluster.start(NodeName::Master(1)).await?;
    let shown = browser.await_gone("No answer").await?;
    check!(!shown.contains("No answer"));
    cluster.finish().await
}

#[rstest]
#[tokio::test]
async fn a_standby_shows_the_leaders_cluster() -> Verdict {
    let cluster = cluster(3, 1).await?;
    if let Some(why) = foreign(&cluster)? {
        return not_applicable(why);
    }
    let leader = cluster.mesos().await_leader().await?;
    let leads = |master| page(&cluster, master).map(|page| page.starts_with(&leader));
    let standby = if leads(1)? { 2 } else { 1 };
    let leader = leader
        .trim_start_matches("http://")
        .split(':')
        .next()
        .unwrap_or_default()
        .to_owned();
    let slave = cluster.slave(1)?.address().to_string();

    let browser = Browser::start(&cluster).await?;
    browser.open(&format!("{}#/agents", page(&cluster, standby)?)).await?;

    check_contains!(browser.await_row(&slave).await?, "active");
    browser.screenshot("standby").await?;
    check_contains!(browser.text().await?, format!("shown is the leader {leader}"));
    browser.click(&format!("the leader {leader}")).await?;
    browser.await_text("Frameworks").await?;
    check_contains!(browser.url().await?, leader);
    cluster.finish().await
}
