//! Admission: no cluster boots before the machine has memory for it.
//!
//! What a cluster takes is noted in a ledger that all processes of the machine share, and counts for as long as its
//! owner or its reaper lives: a process that dies gives its share back when its reaper has removed what used it. What
//! was handed over (`harness up`, `HARNESS_KEEP`) counts for as long as the engine has it, and so does what processes
//! elsewhere have on the same engine. A slave that is added later is a claim of its own.
//! A lock around each look makes looking and taking one step. Who asks first is served first, so that a large cluster
//! is not overtaken for ever by small ones; only a scenario that has a cluster already goes before those that have
//! none, since they wait for its end.

mod ledger;

use std::sync::Once;

use crate::await_until::{Probe, Wait};
use crate::docker::{Engine, Selection, removal};
use crate::evidence::Recorder;
use crate::lease::Holding;
use crate::{Error, Kind, Result, deadlines, owner, progress};

pub use ledger::VARIABLE as LEDGER;
use ledger::{Entry, Known, Ledger};
pub(crate) use ledger::{is_held, release};

/// Says how much memory clusters may take together, in the place of three quarters of the engine's machine.
pub const VARIABLE: &str = "HARNESS_MEMORY";
/// Of the machine's memory clusters get so much: the rest is for builds, tests, and what else runs on it.
const SHARE: f64 = 0.75;

/// Who asks, and for how much.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Claim<'a> {
    pub(crate) engine: &'a Engine,
    /// The id of the lease that it is under.
    pub(crate) lease: &'a str,
    /// The scenario that asks.
    pub(crate) scenario: &'a str,
    /// The cluster's name.
    pub(crate) cluster: &'a str,
    /// The slave that is added to it.
    pub(crate) node: Option<&'a str>,
    pub(crate) megabytes: u64,
    pub(crate) recorder: Option<&'a Recorder>,
}

/// Waits until there is memory for the claim, and takes it: see [`crate::lease::Lease::admit`].
pub(crate) async fn admit(claim: Claim<'_>) -> Result<()> {
    let budget = budget(claim.engine).await?;
    let mine = Entry {
        what: claim.cluster.to_owned(),
        node: claim.node.map(str::to_owned),
        megabytes: claim.megabytes,
        pid: std::process::id(),
        scenario: claim.scenario.to_owned(),
        asked: micros(),
        admitted: false,
        owner: owner::this_user(),
        engine: claim.engine.info().await?.id.clone().unwrap_or_default(),
        lease: ledger::lease_file(claim.lease),
    };
    let (name, megabytes) = (mine.name(), claim.megabytes);
    if megabytes > budget {
        return Err(too_large(&name, megabytes, budget));
    }
    let told = Once::new();
    let admitted = Wait::that(format!("there are {megabytes} MB for {name}"), deadlines::ADMISSION)
        .blaming(Kind::Environment)
        .until(async || match turn(&claim, &mine, budget).await {
            Ok(Judged::Admitted) => Probe::Ready(()),
            Ok(Judged::Waits(reason)) => {
                let line = format!("{name} waits for {megabytes} MB of memory: {reason}");
                told.call_once(|| tell(claim.recorder, &line));
                Probe::NotYet(reason)
            }
            Ok(Judged::Stuck(reason)) => Probe::Broken(stuck(reason)),
            Err(error) => Probe::Broken(error),
        })
        .await;
    admitted.map_err(|error| {
        give_back(claim.lease, claim.node);
        error.hint(format!(
            "`harness ps` shows what runs; {VARIABLE} says how much it may take"
        ))
    })
}

/// What was taken for a slave, or for a cluster, that is not there after all.
pub(crate) fn give_back(lease: &str, node: Option<&str>) {
    ledger::forget(&ledger::claim(lease, node));
}

/// One look at what is taken, and the taking, with nobody else in between.
async fn turn(claim: &Claim<'_>, mine: &Entry, budget: u64) -> Result<Judged> {
    // Before the lock: an engine that does not answer holds up nobody else.
    let networks = removal::networks(claim.engine, &Selection::ours()).await?;
    let ledger = Ledger::open().await?;
    let own = ledger::claim(claim.lease, claim.node);
    let judged = judge(mine, &ledger.others(&own, &mine.engine, &networks), budget);
    let admitted = judged == Judged::Admitted;
    let noted = Entry {
        admitted,
        ..mine.clone()
    };
    ledger.write(&own, &noted)?;
    Ok(judged)
}

fn stuck(reason: String) -> Error {
    Error::new(Kind::Environment, reason)
        .expected("one of them to end, which none can before it has another cluster")
        .hint(format!(
            "run fewer at once, or say with {VARIABLE} that there is more memory"
        ))
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
    let taken = admitted
        .iter()
        .fold(0_u64, |sum, (entry, _)| sum.saturating_add(entry.megabytes));
    let has_some = admitted.iter().any(|(entry, _)| entry.asker() == mine.asker());
    let earlier = waiting
        .iter()
        .filter(|(entry, holding)| *holding == Holding::Held && entry.asked < mine.asked)
        .min_by_key(|(entry, _)| entry.asked)
        .filter(|_| !has_some);
    let fits = taken.saturating_add(mine.megabytes) <= budget;
    match earlier {
        None if fits => return Judged::Admitted,
        Some((first, _)) if fits => {
            return Judged::Waits(format!(
                "{taken} of {budget} MB are taken, and {} asked before it",
                first.name()
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
        let (what, megabytes) = (mine.name(), mine.megabytes);
        return Judged::Stuck(format!(
            "{what} needs {megabytes} MB, and every process that has a cluster waits for another: {reason}"
        ));
    }
    Judged::Waits(reason)
}

fn by(entry: &Entry, holding: Holding) -> String {
    let Entry {
        what,
        megabytes,
        pid,
        owner,
        ..
    } = entry;
    let name = entry.name();
    match holding {
        Holding::Held => format!("{name} ({megabytes} MB, process {pid})"),
        Holding::LetGo => format!("{name} ({megabytes} MB, left behind: `harness sweep` removes it)"),
        Holding::Unknown if *owner == owner::this_user() => {
            format!("{name} ({megabytes} MB, kept: `harness down --name {what}` removes it)")
        }
        Holding::Unknown => format!("{name} ({megabytes} MB, of {owner})"),
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
fn tell(recorder: Option<&Recorder>, line: &str) {
    progress::say(line);
    recorder.into_iter().for_each(|recorder| recorder.note(line));
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn entry(what: &str, megabytes: u64, pid: u32, asked: u64, admitted: bool) -> Entry {
        Entry {
            what: what.to_owned(),
            node: None,
            megabytes,
            pid,
            scenario: String::new(),
            asked,
            admitted,
            owner: "somebody@elsewhere".to_owned(),
            engine: String::new(),
            lease: PathBuf::new(),
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
    fn who_has_the_memory_is_named_with_what_becomes_of_it() {
        let mut theirs = entry("lab", 100, 7, 0, true);
        assert_eq!(by(&theirs, Holding::Held), "lab (100 MB, process 7)");
        assert_eq!(by(&theirs, Holding::Unknown), "lab (100 MB, of somebody@elsewhere)");
        theirs.node = Some("mesos-slave2".to_owned());
        theirs.owner = owner::this_user();
        assert_eq!(
            by(&theirs, Holding::Unknown),
            "mesos-slave2 of lab (100 MB, kept: `harness down --name lab` removes it)"
        );
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
