//! What clusters take and wait for, as the processes of one machine tell each other.
//!
//! A file for each claim lies in one folder for all users of the machine, whatever their `TMPDIR` is, and names the
//! file of its lease, whose lock tells whether owner or reaper lives. What processes elsewhere take, which have another
//! such folder (another machine, a container), stands in the labels of their networks on the engine.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::sys::signal::kill;
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

use crate::deadlines;
use crate::error::Context;
use crate::file_lock::FileLock;
use crate::labels::{self, Labels};
use crate::lease::{self, Holding};
use crate::{Error, Kind, Result};

/// Names another folder than the machine's: whoever has another one is counted by what the engine has alone.
pub const VARIABLE: &str = "HARNESS_LEDGER";
/// Not in the temporary folder of a process: that is what processes may have each for themselves.
const FOLDER: &str = "/tmp/mesos-harness-memory";
const MODE: u32 = 0o1777;
const LOCK: &str = "lock";
/// Everybody takes it, and names itself there.
const LOCK_MODE: u32 = 0o666;
/// Everybody counts it.
const CLAIM_MODE: u32 = 0o644;
/// How the name of a claim begins that is not whole yet.
const HIDDEN: char = '.';

/// One claim, as its file has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// The cluster's name.
    pub(super) what: String,
    /// The slave that was added to it, where the claim is for that one.
    #[serde(default)]
    pub(super) node: Option<String>,
    pub(super) megabytes: u64,
    pub(super) pid: u32,
    /// The scenario in that process: `cargo test` runs several in one.
    pub(super) scenario: String,
    /// Microseconds since the epoch.
    pub(super) asked: u64,
    /// False for one that waits.
    pub(super) admitted: bool,
    /// `user@host`.
    pub(super) owner: String,
    /// Which engine it is on, by the engine's own id.
    pub(super) engine: String,
    /// The lease's file.
    pub(super) lease: PathBuf,
}

/// An entry, and whether its lease is held: what is not waits for a person or a sweep, or is somewhere else.
pub(super) type Known = (Entry, Holding);

impl Entry {
    /// Who waits, or has memory while it waits for more.
    pub(super) fn asker(&self) -> (u32, &str) {
        (self.pid, &self.scenario)
    }

    /// Whose claim it is, in words.
    pub(super) fn name(&self) -> String {
        match &self.node {
            Some(node) => format!("{node} of {}", self.what),
            None => self.what.clone(),
        }
    }

    /// None for a file that is none of ours, or of another version.
    fn read(path: &Path) -> Option<Self> {
        serde_json::from_slice(&std::fs::read(path).ok()?).ok()
    }
}

/// The ledger, with nobody else at it.
pub(super) struct Ledger {
    folder: PathBuf,
    _lock: FileLock,
}

impl Ledger {
    pub(super) async fn open() -> Result<Self> {
        Ledger::at(folder()).await
    }

    async fn at(folder: PathBuf) -> Result<Self> {
        let failed = || format!("{} cannot be made", folder.display());
        make(&folder).context(Kind::Environment, failed).map_err(in_its_place)?;
        let path = folder.join(LOCK);
        let lock = FileLock::take(&path, deadlines::ADMISSION_TURN, Kind::Environment, |_| ()).await;
        let _lock = lock.map_err(in_its_place)?;
        for_all(&path, LOCK_MODE);
        Ok(Ledger { folder, _lock })
    }

    pub(super) fn write(&self, claim: &str, entry: &Entry) -> Result<()> {
        let path = self.folder.join(claim);
        let text = serde_json::to_vec(entry).expect("names and numbers serialise");
        // Whole or not at all: what cannot be read counts for nobody.
        let new = self.folder.join(format!("{HIDDEN}{claim}"));
        let written = std::fs::write(&new, text).and_then(|()| {
            for_all(&new, CLAIM_MODE);
            std::fs::rename(&new, &path)
        });
        written.context(Kind::Environment, || format!("{} cannot be written", path.display()))
    }

    /// Every claim on the engine of this id but `own`. `networks` are the labels of ours that are on it now: a network
    /// is the last of a cluster to go.
    pub(super) fn others(&self, own: &str, engine: &str, networks: &[Labels]) -> Vec<Known> {
        let leases = networks.iter().filter_map(|own| own.get(labels::LEASE));
        let there: BTreeSet<&str> = leases.map(String::as_str).collect();
        let mut filed = BTreeSet::new();
        let mut known = Vec::new();
        for (claim, path) in claims(&self.folder) {
            let lease = lease_of(&claim);
            let Some(entry) = Entry::read(&path) else { continue };
            filed.insert(lease.to_owned());
            if claim == own || entry.engine != engine {
                continue;
            }
            let holding = lease::holding_at(&entry.lease);
            let is_over = match holding {
                // Killed while it waited: its lease may be that of a cluster which lives on.
                _ if !entry.admitted => has_ended(entry.pid),
                Holding::Held => false,
                _ if there.contains(lease) => false,
                // For a sweep, which knows it by its lease's file.
                Holding::LetGo => continue,
                Holding::Unknown => true,
            };
            match is_over {
                false => known.push((entry, holding)),
                // `harness down` removed it. Another process may be faster, and another user's is not ours to remove. Of
                // a cluster that was handed over since the networks were listed, the label counts from the next look on.
                true => drop(std::fs::remove_file(path)),
            }
        }
        let elsewhere = networks.iter().filter_map(|own| elsewhere(own, engine, &filed));
        known.extend(elsewhere.map(|entry| (entry, Holding::Unknown)));
        known
    }
}

/// The file of a lease, as another claim of the same lease names it: it may be of a process with another `TMPDIR`.
pub(super) fn lease_file(lease: &str) -> PathBuf {
    let filed = Entry::read(&folder().join(lease)).map(|entry| entry.lease);
    filed.unwrap_or_else(|| lease::lock_path(lease))
}

/// Whether a claim on this machine names the file of this lease, and its owner or reaper lives.
pub(crate) fn is_held(lease: &str) -> bool {
    lease::holding_at(&lease_file(lease)) == Holding::Held
}

/// Gives back what one claim took.
pub(super) fn forget(claim: &str) {
    // It may have had none.
    drop(std::fs::remove_file(folder().join(claim)));
}

/// Gives back all that was taken under a lease of which nothing is left.
pub(crate) fn release(lease: &str) {
    for (_, path) in claims(&folder()).filter(|(claim, _)| lease_of(claim) == lease) {
        drop(std::fs::remove_file(path));
    }
}

/// The name of a claim: that of the lease, and of the slave that was added to its cluster.
pub(super) fn claim(lease: &str, node: Option<&str>) -> String {
    match node {
        Some(node) => format!("{lease}.{node}"),
        None => lease.to_owned(),
    }
}

fn lease_of(claim: &str) -> &str {
    claim.split_once('.').map_or(claim, |(lease, _)| lease)
}

/// The hint is taken: what runs is what mostly explains a wait.
fn in_its_place(error: Error) -> Error {
    error.expected(format!(
        "a folder that all processes of this machine share; {VARIABLE} names another"
    ))
}

fn folder() -> PathBuf {
    let told = std::env::var_os(VARIABLE).filter(|told| !told.is_empty());
    told.map_or_else(|| PathBuf::from(FOLDER), PathBuf::from)
}

/// By name, with their files.
fn claims(folder: &Path) -> impl Iterator<Item = (String, PathBuf)> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let named = entries.filter_map(|entry| Some((entry.file_name().into_string().ok()?, entry.path())));
    named.filter(|(name, _)| name != LOCK && !name.starts_with(HIDDEN))
}

/// A folder in which everybody makes files, and removes none of another's. One that is there is left as it is: its user
/// may have named any.
fn make(folder: &Path) -> std::io::Result<()> {
    if let Some(above) = folder.parent() {
        std::fs::create_dir_all(above)?;
    }
    match std::fs::create_dir(folder) {
        Ok(()) => std::fs::set_permissions(folder, PermissionsExt::from_mode(MODE)),
        Err(_) if folder.is_dir() => Ok(()),
        Err(error) => Err(error),
    }
}

/// Whatever this process's umask is. Another user's file has its mode from whoever made it.
fn for_all(file: &Path, mode: u32) {
    drop(std::fs::set_permissions(file, PermissionsExt::from_mode(mode)));
}

/// The cluster of a network that has no claim in this machine's folder.
fn elsewhere(own: &Labels, engine: &str, filed: &BTreeSet<String>) -> Option<Entry> {
    let label = |key: &str| own.get(key).cloned().unwrap_or_default();
    let lease = own.get(labels::LEASE).filter(|lease| !filed.contains(*lease))?;
    Some(Entry {
        what: label(labels::CLUSTER),
        node: None,
        megabytes: own.get(labels::MEGABYTES)?.parse().ok()?,
        // Its number means nothing here, and must not be taken for a process of this machine.
        pid: 0,
        scenario: label(labels::SCENARIO),
        asked: 0,
        admitted: true,
        owner: label(labels::OWNER),
        engine: engine.to_owned(),
        lease: lease::lock_path(lease),
    })
}

fn has_ended(pid: u32) -> bool {
    let pid = i32::try_from(pid).unwrap_or(i32::MAX);
    kill(Pid::from_raw(pid), None) == Err(Errno::ESRCH)
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    const ENGINE: &str = "the engine";

    /// A claim of this process under a lease whose file nobody made.
    fn entry(folder: &Path, lease: &str) -> Entry {
        Entry {
            what: lease.to_owned(),
            node: None,
            megabytes: 100,
            pid: std::process::id(),
            scenario: String::new(),
            asked: 1,
            admitted: true,
            owner: "somebody@elsewhere".to_owned(),
            engine: ENGINE.to_owned(),
            lease: folder.join("leases").join(lease),
        }
    }

    fn network(lease: &str, megabytes: Option<&str>) -> Labels {
        let of = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        let megabytes = megabytes.map(|figure| of(labels::MEGABYTES, figure));
        let both = [of(labels::LEASE, lease), of(labels::CLUSTER, lease)];
        both.into_iter().chain(megabytes).collect()
    }

    #[tokio::test]
    async fn what_is_held_or_on_the_engine_counts_once_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::at(folder.path().join("ledger")).await.unwrap();
        std::fs::create_dir(folder.path().join("leases")).unwrap();
        let held = File::create(folder.path().join("leases/held")).unwrap();
        held.lock_shared().unwrap();
        for lease in ["own", "held", "kept", "gone"] {
            ledger.write(lease, &entry(folder.path(), lease)).unwrap();
        }
        let mut another = entry(folder.path(), "held");
        another.engine = "another".to_owned();
        ledger.write("other", &another).unwrap();
        // Killed while it waited for a slave of a cluster that lives on.
        let mut ended = entry(folder.path(), "held");
        (ended.pid, ended.admitted) = (u32::MAX, false);
        ledger.write("held.mesos-slave7", &ended).unwrap();
        let networks = [
            network("own", Some("100")),
            network("held", Some("100")),
            network("kept", Some("100")),
            network("elsewhere", Some("50")),
            network("of an older version", None),
        ];

        let mut known = ledger.others("own", ENGINE, &networks);

        known.sort_by(|one, other| one.0.what.cmp(&other.0.what));
        let known: Vec<_> = known
            .iter()
            .map(|(entry, holding)| (entry.what.as_str(), entry.megabytes, *holding))
            .collect();
        let (held, unknown) = (Holding::Held, Holding::Unknown);
        assert_eq!(
            known,
            [("elsewhere", 50, unknown), ("held", 100, held), ("kept", 100, unknown)]
        );
        let mut left: Vec<_> = claims(&ledger.folder).map(|(claim, _)| claim).collect();
        left.sort();
        assert_eq!(left, ["held", "kept", "other", "own"]);
    }
}
