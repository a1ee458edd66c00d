//! A reader of the web pages: headless Chromium beside a cluster, driven through WebDriver.
//!
//! What is named is what a person sees: the words of a link, the label of a field. Everything waits until it is there,
//! since a page shows what its API has answered; a wait in vain leaves a screenshot as evidence.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use fantoccini::actions::{InputSource as _, KeyAction, KeyActions};
use fantoccini::elements::Element;
use fantoccini::error::CmdError;
use fantoccini::wd::{Capabilities, WebDriverCompatibleCommand};
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};

pub use fantoccini::key::Key;

use crate::await_until::{Probe, Wait};
use crate::deadlines::{CONTAINER_CONNECT, PAGE_SHOWS};
use crate::error::Context;
use crate::evidence::{self, Recorder};
use crate::image::ImageSpec;
use crate::toolbox::file_server::Companion;
use crate::{Cluster, Error, Kind, Result};

/// Where chromedriver listens.
const PORT: u16 = 4444;
const PROGRAM: &str = "/usr/lib/chromium/chromium-headless-shell";
/// Of the window, and so of a screenshot.
const SIZE: &str = "1280,900";

/// As often as a page may ask for Tab before it comes to what is looked for.
const TABS: usize = 60;

/// What Chromium and its driver take, in megabytes: for
/// [`ClusterBuilder::beside`](crate::cluster::ClusterBuilder::beside).
pub const MEGABYTES: u64 = 400;

/// The image of Chromium.
#[must_use]
pub fn image() -> ImageSpec {
    ImageSpec::new("browser")
}

/// A browser window on the network of a cluster. It goes with this value.
pub struct Browser {
    session: Client,
    recorder: Arc<Recorder>,
    companion: Companion,
}

impl fmt::Debug for Browser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Browser")
            .field("companion", &self.companion)
            .finish_non_exhaustive()
    }
}

impl Browser {
    /// Starts Chromium beside `cluster`.
    ///
    /// # Errors
    /// [`Kind::Image`] or [`Kind::Environment`] where it cannot be had.
    pub async fn start(cluster: &Cluster) -> Result<Self> {
        let companion = Companion::start(cluster, &image(), "browser", |request| request).await?;
        let url = format!("http://{}:{PORT}", companion.address);
        let session = Wait::that("chromedriver opens a window", PAGE_SHOWS)
            .blaming(Kind::Environment)
            .until(async || match window(&url).await {
                Ok(session) => Probe::Ready(session),
                Err(error) => Probe::NotYet(error.to_string()),
            })
            .await?;
        Ok(Browser {
            session,
            recorder: evidence::current(),
            companion,
        })
    }

    /// Goes to `url`, and waits until the document is loaded. What its scripts show comes later.
    ///
    /// # Errors
    /// [`Kind::Answer`] where nothing answers there.
    pub async fn open(&self, url: &str) -> Result<()> {
        let opened = bounded(self.session.goto(url)).await;
        opened.map_err(|error| {
            Error::new(
                Kind::Answer,
                format!("the browser cannot open {url}: {}", brief(&error)),
            )
            .ran(format!("curl -i '{url}'"))
        })
    }

    /// Where it is.
    ///
    /// # Errors
    /// [`Kind::Environment`] where the browser does not answer.
    pub async fn url(&self) -> Result<String> {
        self.asked(self.session.current_url()).await.map(Into::into)
    }

    /// The text that a person sees.
    ///
    /// # Errors
    /// [`Kind::Environment`] where the browser does not answer.
    pub async fn text(&self) -> Result<String> {
        self.script("return document.body.innerText").await
    }

    /// Waits until the page shows `text`, and returns all that it shows.
    ///
    /// # Errors
    /// [`Kind::Deadline`] with what it shows instead.
    pub async fn await_text(&self, text: &str) -> Result<String> {
        self.await_that(&format!("the page shows {text:?}"), |shown| shown.contains(text))
            .await
    }

    /// Waits until the page shows `text` no longer.
    ///
    /// # Errors
    /// [`Kind::Deadline`] with what it shows.
    pub async fn await_gone(&self, text: &str) -> Result<String> {
        self.await_that(&format!("the page no longer shows {text:?}"), |shown| {
            !shown.contains(text)
        })
        .await
    }

    /// Waits until `holds` is true of the page's text. `what` is a sentence.
    ///
    /// # Errors
    /// [`Kind::Deadline`] with what it shows.
    pub async fn await_that(&self, what: &str, holds: impl Fn(&str) -> bool) -> Result<String> {
        self.wait(what)
            .until(async || match self.text().await {
                Ok(shown) if holds(&shown) => Probe::Ready(shown),
                Ok(shown) => Probe::NotYet(format!("it shows {shown:?}")),
                Err(error) => Probe::NotYet(error.to_string()),
            })
            .await
    }

    /// Clicks the link or button called `name`: its words, or its label for a screen reader.
    ///
    /// # Errors
    /// [`Kind::Deadline`] where none can be clicked.
    pub async fn click(&self, name: &str) -> Result<()> {
        self.act(&format!("{name:?} is clicked"), &named(name), async |element| {
            element.click().await
        })
        .await
    }

    /// Clicks the link or button called `name` in the row of a table that has a cell with exactly `text`.
    ///
    /// # Errors
    /// As [`Browser::click`].
    pub async fn click_in_row(&self, text: &str, name: &str) -> Result<()> {
        let path = format!("{}{}", row(text), named(name));
        self.act(
            &format!("{name:?} in the row of {text:?} is clicked"),
            &path,
            async |element| element.click().await,
        )
        .await
    }

    /// Waits for a row with a cell of exactly `text`, and returns what the row shows.
    ///
    /// # Errors
    /// [`Kind::Deadline`] where no table has it.
    pub async fn await_row(&self, text: &str) -> Result<String> {
        self.act(&format!("a table has a row of {text:?}"), &row(text), async |element| {
            element.text().await
        })
        .await
    }

    /// Writes `text` into the field labelled `label`, in the place of what is there; of a list, chooses it.
    ///
    /// # Errors
    /// [`Kind::Deadline`] where there is none that can be written to, or the list has no such entry.
    pub async fn fill(&self, label: &str, text: &str) -> Result<()> {
        let path = labelled(label);
        let what = format!("the field {} is written to", quoted(label));
        self.act(&what, &path, async |element| {
            if element.tag_name().await?.eq_ignore_ascii_case("select") {
                return element.select_by_label(text).await;
            }
            element.clear().await?;
            element.send_keys(text).await
        })
        .await
    }

    /// Ticks the box labelled `label`, where it is not ticked.
    ///
    /// # Errors
    /// [`Kind::Deadline`] where there is none that can be clicked.
    pub async fn tick(&self, label: &str) -> Result<()> {
        let path = format!("{}[@type='checkbox']", labelled(label));
        let what = format!("the box {} is ticked", quoted(label));
        self.act(&what, &path, async |element| match element.is_selected().await? {
            true => Ok(()),
            false => element.click().await,
        })
        .await
    }

    /// Presses `key`, wherever the focus is.
    ///
    /// # Errors
    /// [`Kind::Environment`] where the browser does not answer.
    pub async fn press(&self, key: Key) -> Result<()> {
        let value = key.into();
        let keyboard = KeyActions::new("keyboard".to_owned())
            .then(KeyAction::Down { value })
            .then(KeyAction::Up { value });
        self.asked(self.session.perform_actions(keyboard)).await
    }

    /// Types `text`, wherever the focus is.
    ///
    /// # Errors
    /// [`Kind::Environment`] where the browser does not answer.
    pub async fn type_text(&self, text: &str) -> Result<()> {
        let keyboard = KeyActions::new("keyboard".to_owned());
        let keyboard = text.chars().fold(keyboard, |keys, value| {
            keys.then(KeyAction::Down { value }).then(KeyAction::Up { value })
        });
        self.asked(self.session.perform_actions(keyboard)).await
    }

    /// The words of what has the focus; of a field, its label.
    ///
    /// # Errors
    /// [`Kind::Environment`] where the browser does not answer.
    pub async fn focused(&self) -> Result<String> {
        let script = "const it = document.activeElement; return (it.labels?.[0] ?? it).textContent.trim()";
        self.script(script).await
    }

    /// Presses Tab until what is called `name` has the focus.
    ///
    /// # Errors
    /// [`Kind::Answer`] where Tab does not lead there, [`Kind::Environment`] where the browser does not answer.
    pub async fn tab_to(&self, name: &str) -> Result<()> {
        let mut passed = Vec::new();
        for _ in 0..TABS {
            self.press(Key::Tab).await?;
            let focused = self.focused().await?;
            if focused == name {
                return Ok(());
            }
            passed.push(focused);
        }
        let message = format!("Tab leads to {name:?} on no way: it passes {passed:?}");
        Err(Error::new(Kind::Answer, message))
    }

    /// The origins that the page has loaded something from, as in `http://10.2.3.11:5050`, each once.
    ///
    /// # Errors
    /// [`Kind::Environment`] where the browser does not answer.
    pub async fn origins(&self) -> Result<Vec<String>> {
        let script = "return [...new Set(performance.getEntriesByType('resource')\
                      .map(({ name }) => new URL(name).origin))].sort().join(' ')";
        let origins = self.script(script).await?;
        Ok(origins.split_whitespace().map(str::to_owned).collect())
    }

    /// Puts a picture of the window into the scenario's evidence, as `<name>.png`; the report shows it.
    ///
    /// # Errors
    /// [`Kind::Environment`] where the browser makes none, [`Kind::Internal`] where it cannot be written.
    pub async fn screenshot(&self, name: &str) -> Result<()> {
        let png = self.asked(self.session.screenshot()).await?;
        self.recorder.attach(&format!("{name}.png"), &png).map(drop)
    }

    /// What the page wrote to the console as an error since the last call: faults of its scripts, requests that failed.
    ///
    /// # Errors
    /// [`Kind::Environment`] where the browser does not answer.
    pub async fn console_errors(&self) -> Result<Vec<String>> {
        let entries = self.asked(self.session.issue_cmd(ReadLog)).await?;
        let of = |entry: &Value, key: &str| entry[key].as_str().unwrap_or_default().to_owned();
        let errors = entries.as_array().into_iter().flatten();
        let errors = errors.filter(|entry| of(entry, "level") == "SEVERE");
        Ok(errors.map(|entry| of(entry, "message")).collect())
    }

    async fn script(&self, script: &str) -> Result<String> {
        let value = self.asked(self.session.execute(script, Vec::new())).await?;
        Ok(value.as_str().unwrap_or_default().to_owned())
    }

    /// Something that the browser answers unless it is broken itself.
    async fn asked<T>(&self, answer: impl Future<Output = Result<T, CmdError>>) -> Result<T> {
        let answer = bounded(answer).await;
        answer.map_err(|error| {
            let ran = format!("curl http://{}:{PORT}/status", self.companion.address);
            Error::new(Kind::Environment, format!("the browser fails: {}", brief(&error))).ran(ran)
        })
    }

    /// Finds what `path` names and tries `act` on each until one does; again where the page was drawn anew meanwhile.
    async fn act<T>(&self, what: &str, path: &str, act: impl AsyncFn(Element) -> Result<T, CmdError>) -> Result<T> {
        self.wait(what)
            .until(async || {
                let found = match bounded(self.session.find_all(Locator::XPath(path))).await {
                    Ok(found) => found,
                    Err(error) => return Probe::NotYet(brief(&error)),
                };
                let mut last = "nothing of that name is on the page".to_owned();
                for element in found {
                    match bounded(act(element)).await {
                        Ok(done) => return Probe::Ready(done),
                        Err(error) => last = brief(&error),
                    }
                }
                Probe::NotYet(last)
            })
            .await
    }

    fn wait(&self, what: &str) -> Wait<'_> {
        Wait::that(what, PAGE_SHOWS).explained_by(async {
            let shown = self.text().await.unwrap_or_else(|error| error.to_string());
            let picture = match self.screenshot("in-vain").await {
                Ok(()) => format!(
                    "the window: {}",
                    self.recorder.directory().join("in-vain.png").display()
                ),
                Err(error) => format!("no picture of the window: {error}"),
            };
            vec![format!("it shows:\n{shown}"), picture]
        })
    }
}

/// Opens a window.
async fn window(url: &str) -> Result<Client> {
    // Chromium's own sandbox wants rights that a container has not; the pages are ours.
    let options = json!({
        "binary": PROGRAM,
        "args": ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--no-proxy-server",
                 format!("--window-size={SIZE}")],
    });
    let asked = Capabilities::from_iter([
        ("browserName".to_owned(), json!("chrome-headless-shell")),
        ("goog:chromeOptions".to_owned(), options),
        ("goog:loggingPrefs".to_owned(), json!({"browser": "SEVERE"})),
    ]);
    let mut connector = HttpConnector::new();
    connector.set_connect_timeout(Some(CONTAINER_CONNECT.limit()));
    let mut builder = ClientBuilder::new(connector);
    let opened = builder.capabilities(asked).connect(url);
    let opened = tokio::time::timeout(PAGE_SHOWS.limit(), opened).await;
    let failed = || "chromedriver opens no window".to_owned();
    opened
        .context(Kind::Environment, failed)?
        .context(Kind::Environment, failed)
}

/// chromedriver's own command for what was written to the console.
#[derive(Debug)]
struct ReadLog;

impl WebDriverCompatibleCommand for ReadLog {
    fn endpoint(
        &self,
        base: &reqwest::Url,
        session: Option<&str>,
    ) -> Result<reqwest::Url, <reqwest::Url as FromStr>::Err> {
        base.join(&format!("session/{}/se/log", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &reqwest::Url) -> (reqwest::Method, Option<String>) {
        (reqwest::Method::POST, Some(json!({"type": "browser"}).to_string()))
    }
}

/// A page whose script hangs holds up every command.
async fn bounded<T>(answer: impl Future<Output = Result<T, CmdError>>) -> Result<T, CmdError> {
    let limit = PAGE_SHOWS.limit();
    let answer = tokio::time::timeout(limit, answer).await;
    match answer {
        Ok(answer) => answer,
        Err(_) => Err(CmdError::WaitTimeout),
    }
}

/// A WebDriver error without the driver's own stack.
fn brief(error: &CmdError) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}

/// Fields by how their label begins.
fn labelled(label: &str) -> String {
    let label = quoted(label);
    format!(
        "//*[self::input or self::textarea or self::select][@aria-label={label} \
         or @id=//label[starts-with(normalize-space(),{label})]/@for \
         or ancestor::label[starts-with(normalize-space(),{label})]]"
    )
}

/// Links and buttons by what they are called.
fn named(name: &str) -> String {
    let name = quoted(name);
    format!("//*[self::a or self::button or self::summary][normalize-space()={name} or @aria-label={name}]")
}

/// Rows of a table's body by what one of their cells says.
fn row(text: &str) -> String {
    format!("//tbody/tr[td[normalize-space()={}]]", quoted(text))
}

/// As a literal of XPath, which knows no escapes.
fn quoted(text: &str) -> String {
    if text.contains('"') {
        format!("'{text}'")
    } else {
        format!("\"{text}\"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_as_xpath_wants_it() {
        assert_eq!(quoted("Scale"), "\"Scale\"");
        assert_eq!(quoted("the \"app\""), "'the \"app\"'");
        assert_eq!(row("t.1"), "//tbody/tr[td[normalize-space()=\"t.1\"]]");
    }
}
