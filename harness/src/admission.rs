//! Admission: no cluster boots before the machine has memory for it.
//!
//! Each lease's file says what its cluster costs, and is locked for as long as its owner or its reaper lives: so the
//! files that are locked are the memory that is taken, and a process that dies gives its share back when its reaper has
//! removed what used it. What was handed over (`harness up`, `HARNESS_KEEP`) counts for as long as the engine has it.
//! A lock around each look makes looking and taking one step. Who asks first is served first, so that a large cluster
//! is not overtaken for ever by small ones; only a scenario that has a cluster already goes before those that have
//! none, since they wait for its end.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{Seek as _, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::await_until::{Probe, Wait};
use crate::docker::{Engine, Selection, removal};
use crate::error::Context;
use crate::file_lock::FileLock;
use crate::labels;
use crate::lease::{self, Holding, Lease};
use crate::{Error, Kind, Result, deadlines, progress};

/// Says how much memory clusters may take together, in the place of three quarters of the engine's machine.
pub const VARIABLE: &str = "HARNESS_MEMORY";
/// Of the machine's memory clusters get so much: the rest is for builds, tests, and what else runs on it.
const SHARE: f64 = 0.75;

/// What one lease says in its file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// What it is for: a cluster's name.
    what: String,
    megabytes: u64,
    pid: u32,
    /// The scenario in that process: `cargo test` runs several in one.
    #[serde(default)]
    scenario: String,
    /// Microseconds since the epoch.
    asked: u64,
    /// False for one that waits.
    admitted: bool,
}

impl Entry {
    /// Who waits, or has memory while it waits for more.
    fn asker(&self) -> (u32, &str) {
        (self.pid, &self.scenario)
    }

    pub(crate) fn write(&self, mut file: &File) -> std::io::Result<()> {
        file.set_len(0)?;
        file.rewind()?;
        file.write_all(&serde_json::to_vec(self)?)
    }

    /// None where there is none: a lease that needs no memory, or one that is being made.
    fn read(path: &Path) -> Option<Self> {
        serde_json::from_slice(&std::fs::read(path).ok()?).ok()
    }
}

/// See [`Lease::admit`].
pub(crate) async fn admit(lease: &Lease, what: &str, megabytes: u64) -> Result<()> {
    let budget = budget(lease.engine()).await?;
    if megabytes > budget {
        return Err(too_large(what, megabytes, budget));
    }
    let mine = Entry {
        what: what.to_owned(),
        megabytes,
        pid: std::process::id(),
        scenario: lease.labels().get(labels::SCENARIO).cloned().unwrap_or_default(),
        asked: micros(),
        admitted: false,
    };
    let told = std::sync::Once::new();
    Wait::that(format!("there are {megabytes} MB for {what}"), deadlines::ADMISSION)
        .blaming(Kind::Environment)
        .until(async || match turn(lease, &mine, budget).await {
            Ok(Turn::Admitted) => Probe::Ready(()),
            Ok(Turn::Waits(reason)) => {
                told.call_once(|| tell(lease, &format!("{what} waits for {megabytes} MB of memory: {reason}")));
                Probe::NotYet(reason)
            }
            Err(error) => Probe::Broken(error),
        })
        .await
        .map_err(|error| {
            error.hint(format!(
                "`harness ps` shows what runs; {VARIABLE} says how much it may take"
            ))
        })
}

/// Of a lease that is handed over: what it takes is counted further on, until the engine no longer has it.
pub(crate) fn hand_over(id: &str) -> Result<()> {
    let from = lease::lock_path(id);
    if Entry::read(&from).is_none() {
        return Ok(());
    }
    let to = kept_folder().join(id);
    let failed = || format!("{} cannot be written", to.display());
    std::fs::create_dir_all(kept_folder()).context(Kind::Environment, failed)?;
    std::fs::copy(&from, &to).context(Kind::Environment, failed).map(drop)
}

fn kept_folder() -> PathBuf {
    lease::runtime_folder().join("kept")
}

enum Turn {
    Admitted,
    Waits(String),
}

/// One look at what is taken, and the taking, with nobody else in between.
async fn turn(lease: &Lease, mine: &Entry, budget: u64) -> Result<Turn> {
    let path = lease::runtime_folder().join("admission.lock");
    let _lock = FileLock::take(&path, deadlines::ADMISSION_TURN, Kind::Environment, |_| ()).await?;
    let others = ledger(lease.engine(), lease.id()).await?;
    match judge(mine, &others, budget) {
        Judged::Admitted => {
            let admitted = Entry {
                admitted: true,
                ..mine.clone()
            };
            lease.write_entry(&admitted)?;
            Ok(Turn::Admitted)
        }
        Judged::Waits(reason) => {
            lease.write_entry(mine)?;
            Ok(Turn::Waits(reason))
        }
        Judged::Stuck(reason) => Err(Error::new(Kind::Environment, reason)
            .expected("one of them to end, which none can before it has another cluster")
            .hint(format!(
                "run fewer at once, or say with {VARIABLE} that there is more memory"
            ))),
    }
}

/// An entry, and whether its lease is held: what is not waits for a person or a sweep.
type Known = (Entry, Holding);

/// Every entry but that of the lease `own`.
async fn ledger(engine: &Engine, own: &str) -> Result<Vec<Known>> {
    let mut known = Vec::new();
    let mut unheld = Vec::new();
    for path in files(&lease::folder()) {
        let Some(id) = path.file_name().and_then(|name| name.to_str()).filter(|id| *id != own) else {
            continue;
        };
        match (Entry::read(&path), lease::holding(id)) {
            (Some(entry), Holding::Held) => known.push((entry, Holding::Held)),
            (Some(entry), holding) => unheld.push((id.to_owned(), entry, holding, path)),
            (None, _) => {}
        }
    }
    for path in files(&kept_folder()) {
        let id = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        // Until its file is gone a lease stands in both folders.
        if let Some(entry) = Entry::read(&path).filter(|_| lease::holding(id) == Holding::Unknown) {
            unheld.push((id.to_owned(), entry, Holding::Unknown, path));
        }
    }
    if unheld.is_empty() {
        return Ok(known);
    }
    let there = removal::labelled(engine, &Selection::ours()).await?;
    let there: BTreeSet<&String> = there.iter().filter_map(|(_, own)| own.get(labels::LEASE)).collect();
    for (id, entry, holding, path) in unheld {
        if there.contains(&id) {
            known.push((entry, holding));
        } else if holding == Holding::Unknown {
            // `harness down` removed it. Another process may be faster.
            drop(std::fs::remove_file(path));
        }
    }
    Ok(known)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    entries.filter_map(Result::ok).map(|entry| entry.path()).collect()
}

#[derive(Debug, PartialEq, Eq)]
enum Judged {
    Admitted,
    Waits(String),
    /// Whoever has memory waits for more, as this one does.
    Stuck(String),
}

fn judge(mine: &Entry, others: &[Known], budget: u64) -> Judged {
    let (admitted, waiting): (Vec<_>, Vec<_>) = others.iter().partition(|(entry, _)| entry.admitted);
    let taken: u64 = admitted.iter().map(|(entry, _)| entry.megabytes).sum();
    let has_some = admitted.iter().any(|(entry, _)| entry.asker() == mine.asker());
    let earlier = waiting
        .iter()
        .filter(|(entry, holding)| *holding == Holding::Held && entry.asked < mine.asked)
        .min_by_key(|(entry, _)| entry.asked)
        .filter(|_| !has_some);
    let fits = taken + mine.megabytes <= budget;
    match earlier {
        None if fits => return Judged::Admitted,
        Some((first, _)) if fits => {
            return Judged::Waits(format!(
                "{} of {budget} MB are taken, and {} asked before it",
                taken, first.what
            ));
        }
        _ => {}
    }
    let by: Vec<String> = admitted.iter().map(|(entry, holding)| by(entry, *holding)).collect();
    let reason = format!("{taken} of {budget} MB are taken, by {}", by.join(", "));
    let waits = |asker: (u32, &str)| asker == mine.asker() || waiting.iter().any(|(entry, _)| entry.asker() == asker);
    let nobody_ends = admitted
        .iter()
        .filter(|(_, holding)| *holding == Holding::Held)
        .all(|(entry, _)| waits(entry.asker()));
    if has_some && nobody_ends {
        let (what, megabytes) = (&mine.what, mine.megabytes);
        return Judged::Stuck(format!(
            "{what} needs {megabytes} MB, and every process that has a cluster waits for another: {reason}"
        ));
    }
    Judged::Waits(reason)
}

fn by(entry: &Entry, holding: Holding) -> String {
    let Entry {
        what, megabytes, pid, ..
    } = entry;
    match holding {
        Holding::Held => format!("{what} ({megabytes} MB, process {pid})"),
        Holding::LetGo => format!("{what} ({megabytes} MB, left behind: `harness sweep` removes it)"),
        Holding::Unknown => format!("{what} ({megabytes} MB, kept: `harness down --name {what}` removes it)"),
    }
}

fn too_large(what: &str, megabytes: u64, budget: u64) -> Error {
    let summary = format!("{what} needs {megabytes} MB of memory, and clusters have {budget} MB here");
    let error = Error::new(Kind::Environment, summary).expected(format!("a topology that needs {budget} MB or less"));
    match std::env::var(VARIABLE) {
        Ok(said) if !said.is_empty() => error.hint(format!("{VARIABLE}={said} says so: say more, or boot fewer nodes")),
        _ => error.hint(format!(
            "that is {:.0} % of what the engine's machine has; {VARIABLE}=<MB> says otherwise",
            SHARE * 100.0
        )),
    }
}

/// What all clusters together may take, in megabytes.
async fn budget(engine: &Engine) -> Result<u64> {
    if let Some(said) = std::env::var(VARIABLE).ok().filter(|said| !said.is_empty()) {
        return parse(&said).ok_or_else(|| {
            Error::usage(format!("{VARIABLE}={said} is no amount of memory"))
                .expected("megabytes, as in 4000, or with a unit, as in 4G or 4000M")
        });
    }
    let total = engine.info().await?.mem_total.unwrap_or_default();
    let bytes = u64::try_from(total).unwrap_or_default();
    if bytes == 0 {
        return Err(Error::new(
            Kind::Environment,
            "the Docker engine does not say how much memory it has",
        )
        .ran("docker info --format '{{.MemTotal}}'")
        .hint(format!("say it with {VARIABLE}=<MB>")));
    }
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss
    )]
    let share = ((bytes >> 20) as f64 * SHARE) as u64;
    Ok(share)
}

fn parse(text: &str) -> Option<u64> {
    let text = text.trim().to_ascii_uppercase();
    let text = text.strip_suffix('B').unwrap_or(&text);
    let (number, factor) = match text.strip_suffix('G') {
        Some(number) => (number, 1024),
        None => (text.strip_suffix('M').unwrap_or(text), 1),
    };
    number.trim().parse::<u64>().ok()?.checked_mul(factor)
}

fn micros() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
}

/// To whoever waits at a terminal, and into the scenario's evidence.
fn tell(lease: &Lease, line: &str) {
    progress::say(line);
    lease.recorder().into_iter().for_each(|recorder| recorder.note(line));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(what: &str, megabytes: u64, pid: u32, asked: u64, admitted: bool) -> Entry {
        let what = what.to_owned();
        Entry {
            what,
            megabytes,
            pid,
            scenario: String::new(),
            asked,
            admitted,
        }
    }

    fn held(what: &str, megabytes: u64, pid: u32) -> Known {
        (entry(what, megabytes, pid, 0, true), Holding::Held)
    }

    fn waits(what: &str, megabytes: u64, pid: u32, asked: u64) -> Known {
        (entry(what, megabytes, pid, asked, false), Holding::Held)
    }

    #[test]
    fn what_fits_is_admitted_to_the_last_megabyte() {
        let mine = entry("mine", 400, 1, 9, false);
        assert_eq!(judge(&mine, &[], 400), Judged::Admitted);
        assert_eq!(judge(&mine, &[held("a", 600, 2)], 1000), Judged::Admitted);
        let Judged::Waits(reason) = judge(&mine, &[held("a", 601, 2)], 1000) else {
            panic!("one megabyte too many")
        };
        assert_eq!(reason, "601 of 1000 MB are taken, by a (601 MB, process 2)");
    }

    #[test]
    fn who_asked_first_is_served_first() {
        let small = entry("small", 100, 1, 9, false);
        let others = [held("a", 600, 2), waits("large", 800, 3, 8)];
        let Judged::Waits(reason) = judge(&small, &others, 1000) else {
            panic!("the large one would never get its turn")
        };
        assert_eq!(reason, "600 of 1000 MB are taken, and large asked before it");
        let later = [held("a", 600, 2), waits("large", 800, 3, 10)];
        assert_eq!(judge(&small, &later, 1000), Judged::Admitted);
    }

    #[test]
    fn who_has_a_cluster_goes_before_those_that_wait_for_its_end() {
        let second = entry("second", 100, 2, 9, false);
        let others = [held("first", 600, 2), waits("large", 800, 3, 8)];
        assert_eq!(judge(&second, &others, 1000), Judged::Admitted);
    }

    #[test]
    fn processes_that_wait_for_each_other_are_told() {
        let second = entry("second", 600, 2, 9, false);
        let others = [held("a", 400, 2), held("b", 400, 3), waits("c", 600, 3, 8)];
        let Judged::Stuck(reason) = judge(&second, &others, 1000) else {
            panic!("neither can end")
        };
        assert!(reason.contains("800 of 1000 MB"), "{reason}");
        // One that only has a cluster will end.
        let others = [held("a", 400, 2), held("b", 400, 3)];
        assert!(matches!(judge(&second, &others, 1000), Judged::Waits(_)));
    }

    #[test]
    fn sizes_are_megabytes_unless_they_say_more() {
        for (text, expected) in [
            ("4000", Some(4000)),
            ("4G", Some(4096)),
            ("2 gb", Some(2048)),
            ("512MB", Some(512)),
            ("lots", None),
            ("-1", None),
            ("", None),
        ] {
            assert_eq!(parse(text), expected, "{text}");
        }
    }
}
