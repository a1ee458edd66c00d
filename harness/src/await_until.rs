//! Waiting: a named condition, a deadline of the [table](crate::deadlines), and the last reason it did not hold.
//!
//! Events come first: a wait is re-checked as soon as its [`Wait::woken_by`] source fires, and polled at
//! [`POLL`] otherwise and besides. A container that dies ends the wait at once: one of [`Wait::unless`], and of what a
//! scenario waits for any component of its cluster.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{Stream, StreamExt};
use tokio::time::Instant;

use crate::deadlines::{self, Deadline};
use crate::vigil::{self, Watched};
use crate::{Error, Kind, Result};

/// How often a condition is looked at where no event announces it.
pub const POLL: Duration = Duration::from_millis(20);
const POLL_MAX: Duration = Duration::from_millis(100);
const PROGRESS: Duration = Duration::from_secs(5);
/// A look that has been under way for less when a wait expires is like any other: what is told is what the last one saw.
const LONG_LOOK: Duration = Duration::from_secs(1);

/// What one look at a condition found.
#[derive(Debug)]
pub enum Probe<T> {
    /// It holds.
    Ready(T),
    /// It does not hold yet, for this reason.
    NotYet(String),
    /// It never will.
    Broken(Error),
}

impl<T> Probe<T> {
    /// An error that may pass (a refused connection while a server starts) is a reason to wait on.
    pub fn from_passing(result: Result<Option<T>>, not_yet: &str) -> Self {
        match result {
            Ok(Some(value)) => Probe::Ready(value),
            Ok(None) => Probe::NotYet(not_yet.to_owned()),
            Err(error) => Probe::NotYet(error.to_string()),
        }
    }
}

/// Every change of a watched value, as a source for [`Wait::woken_by`]. Changes before the first are not missed.
pub fn changes<T: Send + Sync + 'static>(watched: tokio::sync::watch::Receiver<T>) -> impl Stream<Item = ()> + Send {
    futures_util::stream::unfold(watched, async |mut watched| {
        watched.changed().await.ok()?;
        Some(((), watched))
    })
}

type Interrupt<'a> = Pin<Box<dyn Future<Output = Error> + Send + 'a>>;
type Wakes<'a> = Pin<Box<dyn Stream<Item = ()> + Send + 'a>>;
type Diagnosis<'a> = Pin<Box<dyn Future<Output = Vec<String>> + Send + 'a>>;

/// One wait: build it, then [`Wait::until`] or [`Wait::for_future`].
#[must_use]
pub struct Wait<'a> {
    what: String,
    deadline: Deadline,
    blamed: Kind,
    stable: u32,
    look: Option<Deadline>,
    interrupt: Option<Interrupt<'a>>,
    wakes: Wakes<'a>,
    diagnosis: Option<Diagnosis<'a>>,
}

impl std::fmt::Debug for Wait<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wait")
            .field("what", &self.what)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

impl<'a> Wait<'a> {
    /// `what` is a sentence in the present tense: "mesos-slave2 registers with the master".
    pub fn that(what: impl Into<String>, deadline: Deadline) -> Self {
        Wait {
            what: what.into(),
            deadline,
            blamed: Kind::Deadline,
            stable: 1,
            look: None,
            interrupt: None,
            wakes: futures_util::stream::pending().boxed(),
            diagnosis: None,
        }
    }

    /// What kind of error the expiry is; [`Kind::Deadline`], which blames the cluster, unless this is said. For waits
    /// that no cluster takes part in: a download, a build, a lock, another program. So no component's death ends them.
    pub fn blaming(mut self, kind: Kind) -> Self {
        self.blamed = kind;
        self
    }

    /// The condition must hold in `looks` consecutive looks.
    pub fn stable_for(mut self, looks: u32) -> Self {
        self.stable = looks.max(1);
        self
    }

    /// A look that takes longer is given up, and counts as one that found the condition not to hold: for a server that
    /// takes a connection while it starts and then forgets about it.
    pub fn look_at_most(mut self, bound: Deadline) -> Self {
        self.look = Some(bound);
        self
    }

    /// Ends the wait with `interrupt`'s error as soon as that future is done: a container died, a signal came.
    pub fn unless(mut self, interrupt: impl Future<Output = Error> + Send + 'a) -> Self {
        self.interrupt = Some(Box::pin(interrupt));
        self
    }

    /// Looks again as soon as `events` yields, without waiting for the next poll. A source that ends is forgotten.
    pub fn woken_by(mut self, events: impl Stream<Item = ()> + Send + 'a) -> Self {
        self.wakes = events.chain(futures_util::stream::pending()).boxed();
        self
    }

    /// What to gather when the wait expires: log tails, the state of containers.
    pub fn explained_by(mut self, diagnosis: impl Future<Output = Vec<String>> + Send + 'a) -> Self {
        self.diagnosis = Some(Box::pin(diagnosis));
        self
    }

    /// Looks with `probe` until it is ready.
    ///
    /// # Errors
    /// [`Kind::Deadline`], or the kind of [`Wait::blaming`], with the last reason; the error of [`Probe::Broken`]; that
    /// of [`Wait::unless`].
    pub async fn until<T, F, Fut>(mut self, mut probe: F) -> Result<T>
    where
        // Not `AsyncFnMut`: futures over it are not known to be `Send`, so nobody could spawn them.
        F: FnMut() -> Fut,
        Fut: Future<Output = Probe<T>>,
    {
        let started = Instant::now();
        let expires = started + self.deadline.limit();
        let mut interrupt = self.interruption();
        let (mut looks, mut held, mut pause, mut said) = (0u32, 0u32, POLL, started);
        let mut last = String::from("it was not looked at once");
        loop {
            let looked = Instant::now();
            // In this order: what was found in time is no expiry, though the time is over when it is looked at.
            let found = tokio::select! {
                biased;
                found = within(self.look, probe()) => found,
                error = &mut interrupt => return Err(error),
                () = tokio::time::sleep_until(expires) => {
                    if looks == 0 || looked.elapsed() >= LONG_LOOK {
                        last = format!("a look at it did not come back; before that: {last}");
                    }
                    return Err(self.expired(started, looks, &last).await);
                }
            };
            looks += 1;
            match found {
                Probe::Ready(value) => {
                    held += 1;
                    if held >= self.stable {
                        tracing::debug!("{} after {:.0?} ({looks} looks)", self.what, started.elapsed());
                        return Ok(value);
                    }
                    last = format!("it held in {held} of {} consecutive looks", self.stable);
                }
                Probe::NotYet(reason) => {
                    held = 0;
                    last = reason;
                }
                Probe::Broken(error) => return Err(error),
            }
            if said.elapsed() >= PROGRESS {
                said = Instant::now();
                tracing::info!("waiting until {} ({:.0?}): {last}", self.what, started.elapsed());
            }
            if Instant::now() + pause >= expires {
                return Err(self.expired(started, looks, &last).await);
            }
            tokio::select! {
                () = tokio::time::sleep_until(Instant::now() + pause) => {}
                _ = self.wakes.next() => {}
                error = &mut interrupt => return Err(error),
            }
            pause = (pause * 5 / 4).min(POLL_MAX);
        }
    }

    /// Bounds a future that is itself the event: a stream, an exec, a build.
    ///
    /// # Errors
    /// [`Kind::Deadline`], or the kind of [`Wait::blaming`]; the future's own error; that of [`Wait::unless`].
    pub async fn for_future<T>(mut self, future: impl Future<Output = Result<T>>) -> Result<T> {
        let started = Instant::now();
        let mut interrupt = self.interruption();
        tokio::select! {
            biased;
            done = future => done,
            error = &mut interrupt => Err(error),
            () = tokio::time::sleep_until(started + self.deadline.limit()) => {
                Err(self.expired(started, 1, "it had not ended").await)
            }
        }
    }

    /// The clusters that the scenario waits for.
    fn watched(&self) -> Vec<Arc<Watched>> {
        match self.blamed {
            Kind::Deadline => vigil::here(),
            _ => Vec::new(),
        }
    }

    /// Whatever ends the wait before its condition or its deadline.
    fn interruption(&mut self) -> Interrupt<'a> {
        let own = self.interrupt.take();
        let own = own.unwrap_or_else(|| Box::pin(std::future::pending()));
        let watched = self.watched();
        if watched.is_empty() {
            return own;
        }
        let died = vigil::death(watched, self.what.clone());
        Box::pin(async move {
            tokio::select! {
                biased;
                error = own => error,
                error = died => error,
            }
        })
    }

    async fn expired(mut self, started: Instant, looks: u32, last: &str) -> Error {
        let mut error = Error::new(
            self.blamed,
            format!(
                "waited {:.1?} in vain until {} ({looks} looks): {last}",
                started.elapsed(),
                self.what
            ),
        )
        .expected(format!(
            "{} within {:.0?} ({})",
            self.what,
            self.deadline.limit(),
            self.deadline.name
        ));
        let diagnosis = diagnosed(self.diagnosis.take(), self.watched(), format!("{}: {last}", self.what));
        let limit = deadlines::DIAGNOSIS.limit();
        let bound = tokio::time::timeout(limit, diagnosis).await;
        for line in bound.unwrap_or_else(|_| vec![format!("the diagnosis itself took over {limit:.0?}")]) {
            error = error.evidence(line);
        }
        error
    }
}

/// What explains a wait in vain: its own diagnosis, and where that shows no log those of the clusters.
async fn diagnosed(own: Option<Diagnosis<'_>>, watched: Vec<Arc<Watched>>, sentence: String) -> Vec<String> {
    let mut lines = match own {
        Some(own) => own.await,
        None => Vec::new(),
    };
    if !lines.iter().any(|line| line.starts_with("last lines of ")) {
        lines.extend(vigil::diagnosis(watched, sentence).await);
    }
    lines
}

async fn within<T>(bound: Option<Deadline>, look: impl Future<Output = Probe<T>>) -> Probe<T> {
    let Some(bound) = bound else { return look.await };
    let limit = bound.limit();
    tokio::time::timeout(limit, look).await.unwrap_or_else(|_| {
        Probe::NotYet(format!(
            "a look at it did not come back within {limit:.0?} ({})",
            bound.name
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Deadline = Deadline::custom("SHORT", Duration::from_millis(60));

    #[tokio::test]
    async fn expiry_names_the_condition_and_the_last_reason() {
        let error = Wait::that("the moon is full", SHORT)
            .explained_by(async { vec!["log tail".to_owned()] })
            .until(async || Probe::<()>::NotYet("it is new".to_owned()))
            .await
            .expect_err("it never holds");
        assert_eq!(error.kind(), Kind::Deadline);
        let text = error.explain();
        for part in ["the moon is full", "it is new", "SHORT", "log tail"] {
            assert!(text.contains(part), "{part} stands in {text}");
        }
    }

    #[tokio::test]
    async fn expiry_blames_whom_it_is_told_to() {
        let until = Wait::that("the lock is free", SHORT)
            .blaming(Kind::Environment)
            .until(async || Probe::<()>::NotYet("it is held".to_owned()))
            .await;
        assert_eq!(until.expect_err("it never is").kind(), Kind::Environment);
        let whole = Wait::that("the download ends", SHORT)
            .blaming(Kind::Image)
            .for_future(std::future::pending::<Result<()>>())
            .await;
        let error = whole.expect_err("it never does");
        assert!(
            error.kind() == Kind::Image && !error.kind().is_subjects_fault(),
            "{error}"
        );
    }

    #[tokio::test]
    async fn a_death_ends_the_wait_at_once() {
        let error = Wait::that("it answers", Deadline::custom("LONG", Duration::from_secs(3600)))
            .unless(async { Error::new(Kind::Component, "it died") })
            .until(async || Probe::<()>::NotYet("silent".to_owned()))
            .await
            .expect_err("it died");
        assert_eq!(error.to_string(), "it died");
    }

    #[tokio::test]
    async fn a_look_that_hangs_is_bounded() {
        let error = Wait::that("it answers", SHORT)
            .until(std::future::pending::<Probe<()>>)
            .await
            .expect_err("it hangs");
        assert!(error.to_string().contains("did not come back"), "{error}");
    }

    #[tokio::test]
    async fn a_look_that_had_just_begun_hides_no_reason() {
        let mut looks = 0;
        let error = Wait::that("the moon is full", SHORT)
            .until(|| {
                looks += 1;
                let answers = looks == 1;
                async move {
                    if !answers {
                        std::future::pending::<()>().await;
                    }
                    Probe::<()>::NotYet("it is new".to_owned())
                }
            })
            .await
            .expect_err("it never holds");
        assert!(error.to_string().ends_with("(1 looks): it is new"), "{error}");
    }

    #[tokio::test]
    async fn a_look_that_hangs_is_given_up_and_repeated() {
        let mut looks = 0;
        Wait::that("it answers", Deadline::custom("LONG", Duration::from_secs(60)))
            .look_at_most(SHORT)
            .until(|| {
                looks += 1;
                let forgotten = looks == 1;
                async move {
                    if forgotten {
                        std::future::pending::<()>().await;
                    }
                    Probe::Ready(())
                }
            })
            .await
            .expect("the second look is answered");
        assert_eq!(looks, 2);
    }

    #[tokio::test]
    async fn an_event_is_looked_at_before_the_next_poll() {
        const LOOKS: u32 = 500;
        let (fire, fired) = tokio::sync::watch::channel(0);
        let mut looks = 0;
        // 500 polls take 10 s at the very least: within the deadline only the events can bring it there.
        Wait::that(
            "it happened",
            Deadline::custom("SHORTER THAN POLLING", Duration::from_secs(8)),
        )
        .woken_by(changes(fired.clone()))
        .until(|| {
            looks += 1;
            let happened = looks == LOOKS;
            fire.send_modify(|count| *count += 1);
            async move {
                if happened {
                    Probe::Ready(())
                } else {
                    Probe::NotYet("not yet".to_owned())
                }
            }
        })
        .await
        .expect("it happens");
        assert_eq!(*fired.borrow(), LOOKS);
    }

    #[tokio::test]
    async fn a_source_that_ends_leaves_the_polling() {
        let mut looks = 0;
        Wait::that("it holds", Deadline::custom("LONG", Duration::from_secs(60)))
            .woken_by(futures_util::stream::empty())
            .until(|| {
                looks += 1;
                let held = looks == 3;
                async move {
                    if held {
                        Probe::Ready(())
                    } else {
                        Probe::NotYet("not yet".to_owned())
                    }
                }
            })
            .await
            .expect("it holds at the third look");
    }

    #[tokio::test]
    async fn stability_needs_consecutive_looks() {
        let mut looks = 0;
        Wait::that("it holds", Deadline::custom("LONG", Duration::from_secs(60)))
            .stable_for(3)
            .until(|| {
                looks += 1;
                let now = looks;
                async move {
                    if now == 2 {
                        Probe::NotYet("flapped".to_owned())
                    } else {
                        Probe::Ready(())
                    }
                }
            })
            .await
            .expect("it holds in the end");
        assert_eq!(looks, 5);
    }
}
