//! Every image from nothing: what a bare machine waits for, and where the time goes.
//!
//! The sources are copied and their Debian base gets another line, so that every tag is a new one and nothing that is
//! there can serve: no image, no step of the builder's cache, no download, nothing compiled. Only cargo's own downloads
//! are shared. The images are removed afterwards; `harness images prune` removes those of a run that was killed.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

use bollard::query_parameters::RemoveImageOptionsBuilder;
use harness::docker::Engine;
use harness::error::Context;
use harness::image::{Images, Listed, State};
use harness::{Error, Kind, Result};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use crate::measure::{Entry, seconds};

/// The whole, every image, and every step that took a second or more. Images are built at the same time, and each
/// one's figure starts when it is asked for: those that wait for the base have its time in theirs.
pub(crate) async fn measure(engine: &Engine, root: &Path) -> Result<Vec<Entry>> {
    let copy = tempfile::tempdir().context(Kind::Environment, || "a temporary folder cannot be made".to_owned())?;
    copy_sources(root, copy.path()).await?;
    let images = Images::at(
        engine.clone(),
        &copy.path().join("fixtures"),
        &copy.path().join("cache/mesos-harness"),
    )?;
    let there = images
        .list()
        .await?
        .into_iter()
        .filter(|image| image.state != State::Missing);
    let before: BTreeSet<String> = there.map(|image| image.reference).collect();
    let built = build(copy.path()).await;
    let new =
        |image: &Listed| matches!(image.state, State::Current | State::Cache) && !before.contains(&image.reference);
    for image in images.list().await?.iter().filter(|image| new(image)) {
        remove(engine, &image.reference).await;
    }
    built
}

/// What `git` knows of, the changes included.
async fn copy_sources(root: &Path, copy: &Path) -> Result<()> {
    let failed = || format!("the sources cannot be copied to {}", copy.display());
    let output = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()
        .await
        .context(Kind::Environment, failed)?;
    let listed = String::from_utf8_lossy(&output.stdout);
    let files: Vec<&str> = listed.split_terminator('\0').collect();
    if files.is_empty() {
        return Err(Error::new(Kind::Environment, failed())
            .expected("a git work tree")
            .ran("git ls-files"));
    }
    for file in files.into_iter().map(Path::new) {
        let (from, to) = (root.join(file), copy.join(file));
        // Removed, and not committed yet.
        if !from.is_file() {
            continue;
        }
        std::fs::create_dir_all(to.parent().expect("a file is in a folder"))
            .and_then(|()| std::fs::copy(&from, &to))
            .context(Kind::Environment, failed)?;
    }
    let dockerfile = copy.join("fixtures/images/debian/Dockerfile");
    let mut text = std::fs::read_to_string(&dockerfile).context(Kind::Environment, failed)?;
    text.push_str(&format!("# {}\n", copy.display()));
    std::fs::write(&dockerfile, text).context(Kind::Environment, failed)
}

async fn build(copy: &Path) -> Result<Vec<Entry>> {
    let failed = || "`harness images build` does not run".to_owned();
    let started = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_harness"))
        .args(["images", "build"])
        .current_dir(copy)
        .env("HARNESS_FIXTURES", copy.join("fixtures"))
        .env("XDG_CACHE_HOME", copy.join("cache"))
        .env("CARGO_TARGET_DIR", copy.join("target"))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .context(Kind::Environment, failed)?;
    let mut lines = BufReader::new(child.stderr.take().expect("it is piped")).lines();
    let mut parts: Vec<(String, f64)> = Vec::new();
    while let Some(line) = lines.next_line().await.context(Kind::Environment, failed)? {
        eprintln!("{line}");
        parts.extend(read(&line));
    }
    let status = child.wait().await.context(Kind::Environment, failed)?;
    let whole = seconds(started.elapsed());
    if !status.success() {
        return Err(Error::new(
            Kind::Image,
            format!("`harness images build` failed: {status}"),
        ));
    }
    parts.sort_by(|a, b| b.1.total_cmp(&a.1));
    let parts = parts
        .into_iter()
        .map(|(name, took)| (format!("images.cold.{name}"), took));
    let all = std::iter::once(("images.cold".to_owned(), whole)).chain(parts);
    Ok(all
        .filter_map(|(name, took)| Entry::new(name, vec![took], Vec::new(), None))
        .collect())
}

/// A line of progress that ends something: `mesos: built mesos-harness/mesos:0123 in 93.1 s` is all of `mesos`,
/// `mesos: 12.3 s for RUN make` a step of it.
fn read(line: &str) -> Option<(String, f64)> {
    let (name, said) = line.split_once(": ")?;
    let number = |text: &str| text.strip_suffix(" s")?.rsplit(' ').next()?.parse().ok();
    if let Some((took, step)) = said.split_once(" for ")
        && let Some(took) = number(took)
    {
        return Some((format!("{name}: {}", step.chars().take(40).collect::<String>()), took));
    }
    let (_, took) = said.rsplit_once(" in ")?;
    Some((name.to_owned(), number(took)?))
}

async fn remove(engine: &Engine, reference: &str) {
    let options = RemoveImageOptionsBuilder::new().force(true).build();
    let request = engine.docker().remove_image(reference, Some(options), None);
    // Best effort: a child that is removed later takes it along.
    if let Err(error) = engine
        .request("remove an image", format!("docker rmi {reference}"), request)
        .await
    {
        eprintln!("{reference} stays: {error}; `harness images prune` removes it");
    }
}
