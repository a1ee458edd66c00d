//! The web page on Marathon's port, used in a browser.

use harness::client::browser::{self, Browser, Key};
use harness::component::marathon;
use harness::evidence::{Verdict, not_applicable};
use harness::stack::Source;
use harness::{Cluster, Result, check, check_contains};
use rstest::rstest;

/// Why the page of this cluster is not ours to judge: the image is a user's own, with the page of its Marathon or none.
fn foreign(cluster: &Cluster) -> Result<Option<String>> {
    let source = &cluster.stack().component(marathon::NAME)?.source;
    Ok(match source {
        Source::Image(image) => Some(format!("Marathon's page is that of the image {image}")),
        _ => None,
    })
}

async fn cluster() -> Result<Cluster> {
    Cluster::builder().marathon().beside(browser::MEGABYTES).boot().await
}

/// Where a person begins, without the folder of the page.
fn page(cluster: &Cluster) -> String {
    format!("http://{}:{}/", cluster.master().address(), marathon::PORT)
}

/// Fills in the form for a new app, and sends it.
async fn create(browser: &Browser, id: &str, command: &str, cpus: &str) -> Result<()> {
    browser.click("Create application").await?;
    browser.fill("ID", id).await?;
    browser.fill("Command", command).await?;
    browser.fill("CPUs", cpus).await?;
    browser.click("Create").await
}

/// The ids of the tasks that a page shows, sorted.
fn tasks(shown: &str) -> Vec<String> {
    let words = shown.split_whitespace().filter(|word| word.starts_with("shop_web."));
    let mut tasks: Vec<String> = words.map(str::to_owned).collect();
    tasks.sort();
    tasks
}

mod readme {
    use super::*;

    /// README "Insufficient resources": an app that no agent has room for waits, and Marathon's page says so.
    #[rstest]
    #[tokio::test]
    async fn an_app_that_does_not_launch_says_why() -> Verdict {
        let cluster = cluster().await?;
        if let Some(why) = foreign(&cluster)? {
            return not_applicable(why);
        }
        let browser = Browser::start(&cluster).await?;
        browser.open(&page(&cluster)).await?;

        create(&browser, "/huge", "sleep 1000", "16").await?;

        let shown = browser.await_text("Too few CPUs").await?;
        check_contains!(shown, "Waiting");
        check_contains!(shown, "Each needs 16 CPUs");
        let offer = browser.await_row(&cluster.slave(1)?.address().to_string()).await?;
        browser.screenshot("waiting").await?;
        check_contains!(offer, "2.9 GB", "it says what was offered instead");
        check!(browser.console_errors().await? == Vec::<String>::new());
        cluster.finish().await
    }
}

#[rstest]
#[tokio::test]
async fn apps_are_made_scaled_restarted_and_destroyed() -> Verdict {
    let cluster = cluster().await?;
    if let Some(why) = foreign(&cluster)? {
        return not_applicable(why);
    }
    let browser = Browser::start(&cluster).await?;
    browser.open(&page(&cluster)).await?;

    create(&browser, "/shop/web", "sleep 1000", "0.1").await?;
    let shown = browser.await_text("1 of 1").await?;
    check!(tasks(&shown).len() == 1);
    let endpoint = format!("{}:31", cluster.slave(1)?.address());
    check_contains!(shown, endpoint, "each task has its endpoint");
    browser.screenshot("1-created").await?;

    browser.click("Scale…").await?;
    browser.fill("Instances", "3").await?;
    browser.screenshot("2-scale").await?;
    browser.click("Scale").await?;
    let scaled = tasks(&browser.await_text("3 of 3").await?);
    check!(scaled.len() == 3);

    browser.click("Restart…").await?;
    browser.click("Restart").await?;
    let replaced = |shown: &str| {
        let now = tasks(shown);
        now.len() == 3 && now.iter().all(|task| !scaled.contains(task))
    };
    let shown = browser.await_that("three other tasks run", replaced).await?;
    check!(replaced(&shown), "none of {scaled:?} is left");
    browser.screenshot("3-restarted").await?;

    browser.click("Applications").await?;
    check_contains!(browser.await_row("/shop/web").await?, "3 of 3");
    browser.screenshot("4-applications").await?;
    browser.click("/shop/web").await?;
    browser.click("Destroy…").await?;
    browser.click("Destroy").await?;
    let shown = browser.await_text("No application is here yet.").await?;
    check!(!shown.contains("/shop/web"));
    check!(browser.console_errors().await? == Vec::<String>::new());
    cluster.finish().await
}

#[rstest]
#[tokio::test]
async fn a_refusal_is_shown_at_its_field() -> Verdict {
    let cluster = cluster().await?;
    if let Some(why) = foreign(&cluster)? {
        return not_applicable(why);
    }
    let browser = Browser::start(&cluster).await?;
    browser.open(&page(&cluster)).await?;

    create(&browser, "/Not_An_Id", "sleep 1000", "0.1").await?;

    let shown = browser.await_text("422").await?;
    browser.screenshot("refused").await?;
    check_contains!(shown, "422: Object is not valid");
    check_contains!(shown, "/id", "Marathon's words say which field is meant");
    check!(
        !browser.console_errors().await?.is_empty(),
        "the browser saw the refusal too"
    );
    cluster.finish().await
}

#[rstest]
#[tokio::test]
async fn both_pages_work_behind_the_router() -> Verdict {
    let cluster = Cluster::builder()
        .marathon()
        .admin_router()
        .beside(browser::MEGABYTES)
        .boot()
        .await?;
    if let Some(why) = foreign(&cluster)? {
        return not_applicable(why);
    }
    let router = format!("http://{}", cluster.master().address());
    let browser = Browser::start(&cluster).await?;

    browser.open(&format!("{router}/marathon/")).await?;
    create(&browser, "/hello", "echo hello through the router; sleep 1000", "0.1").await?;
    browser.await_text("1 of 1").await?;
    browser.screenshot("1-marathon").await?;
    check!(
        browser.origins().await? == [router.as_str()],
        "it asks the router alone"
    );

    browser.open(&format!("{router}/mesos/")).await?;
    browser.click("marathon").await?;
    browser.click_in_row("hello", "Sandbox").await?;
    browser.click("stdout").await?;
    let shown = browser.await_text("hello through the router").await?;
    browser.screenshot("2-stdout").await?;
    check_contains!(shown, "hello through the router");
    check!(
        browser.origins().await? == [router.as_str()],
        "agents too are asked through it"
    );
    check!(browser.console_errors().await? == Vec::<String>::new());
    cluster.finish().await
}

/// Goes to what is called `name` by Tab, and presses Enter.
async fn enter(browser: &Browser, name: &str) -> Result<()> {
    browser.await_text(name).await?;
    browser.tab_to(name).await?;
    browser.press(Key::Enter).await
}

/// Goes to the field called `label` by Tab, and types into it.
async fn type_into(browser: &Browser, label: &str, text: &str) -> Result<()> {
    browser.tab_to(label).await?;
    browser.type_text(text).await
}

#[rstest]
#[tokio::test]
async fn the_keyboard_alone_runs_an_app() -> Verdict {
    let cluster = cluster().await?;
    if let Some(why) = foreign(&cluster)? {
        return not_applicable(why);
    }
    let browser = Browser::start(&cluster).await?;
    browser.open(&page(&cluster)).await?;

    enter(&browser, "Create application").await?;
    browser.await_text("Run by a shell").await?;
    type_into(&browser, "ID", "/typed").await?;
    type_into(&browser, "Command", "sleep 1000").await?;
    type_into(&browser, "CPUs", "0.1").await?;
    enter(&browser, "Create").await?;
    browser.await_text("1 of 1").await?;
    enter(&browser, "Scale…").await?;
    type_into(&browser, "Instances", "2").await?;
    browser.press(Key::Enter).await?;
    browser.await_text("2 of 2").await?;

    check!(cluster.marathon().app("/typed").await?.tasks_running == 2);
    enter(&browser, "Destroy…").await?;
    enter(&browser, "Destroy").await?;
    let shown = browser.await_text("No application is here yet.").await?;
    check!(!shown.contains("/typed"));
    check!(browser.console_errors().await? == Vec::<String>::new());
    cluster.finish().await
}
