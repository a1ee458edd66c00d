//! One build: services compiled, context assembled, the engine's builder run.

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;

use bollard::query_parameters::{BuildImageOptions, BuildImageOptionsBuilder};
use futures_util::StreamExt as _;

use super::build_log::{BuildLog, Said, short};
use super::catalogue::Resolved;
use super::containers::{body, network, proxies};
use super::context::{self, ContextFile};
use super::inventory::Over;
use super::process::quoted;
use super::{Images, cache};
use crate::await_until::{Probe, Wait};
use crate::error::Context;
use crate::progress::Progress;
use crate::{Error, Kind, Result, deadlines, labels};

const DOCKERFILE: &str = "Dockerfile";

impl Images {
    /// Builds `image`, whose base and artefacts are there, with the `programs` of its services. The lock is held.
    pub(super) async fn build(
        &self,
        image: &Resolved,
        programs: Vec<(String, PathBuf)>,
        progress: Progress,
    ) -> Result<()> {
        let mut extra = Vec::new();
        for artefact in &image.artefacts {
            // Again, as time may have passed since it was fetched: what is copied is what was hashed.
            let path = artefact.path(&self.cache);
            artefact.verify(&path)?;
            extra.push(ContextFile::new(format!("artefacts/{}", artefact.file), path, false));
        }
        for (service, program) in programs {
            extra.push(ContextFile::new(format!("bin/{service}"), program, true));
        }
        let context = self.assemble(image, extra)?;
        let (base, temporary) = match &image.base {
            Some(base) => (base.reference(), false),
            None => self.root_file_system(image, &progress).await?,
        };
        let built = self.run_builder(image, &base, context.reopen(), &progress).await;
        if temporary && !self.remove(&base).await? {
            tracing::warn!("{base} is in use and stays");
        }
        match built {
            Ok(steps) => {
                let reference = image.reference();
                steps.iter().for_each(|step| progress.line(step));
                progress.done(&format!("built {reference}"));
                Ok(())
            }
            Err(error) => Err(error.ran(self.pasteable(image, &base, context)?)),
        }
    }

    /// The context as an archive in a file.
    fn assemble(&self, image: &Resolved, extra: Vec<ContextFile>) -> Result<tempfile::NamedTempFile> {
        let folder = &image.folder;
        let mut files = image.files.clone();
        let taken: BTreeSet<&str> = files.iter().map(|file| file.path.as_str()).collect();
        if let Some(twice) = extra.iter().find(|file| taken.contains(file.path.as_str())) {
            let path = folder.join(&twice.path);
            return Err(Error::usage(format!(
                "{} is in the way of what image.toml adds",
                path.display()
            )));
        }
        files.retain(|file| file.path != DOCKERFILE);
        files.extend(extra);
        let (mut texts, folders): (Vec<_>, &[&str]) = match image.base {
            Some(_) => (Vec::new(), &[]),
            None => {
                let named = |(name, text)| (format!("host-ca/{name}"), text);
                (self.catalogue.certificates().files().map(named).collect(), &["host-ca"])
            }
        };
        let dockerfile = std::fs::read_to_string(folder.join(DOCKERFILE)).context(Kind::Usage, || {
            format!("{} cannot be read", folder.join(DOCKERFILE).display())
        })?;
        let ours = labels::equals(labels::HARNESS, env!("CARGO_PKG_VERSION"));
        let stage = labels::equals(labels::STAGE, &image.name);
        let dockerfile = context::label_stages(&dockerfile, &format!("{ours} {stage}"));
        texts.push((DOCKERFILE.to_owned(), &dockerfile));
        let mut archive = cache::scratch(&cache::folder(&self.cache, "contexts")?)?;
        context::archive(&files, &texts, folders, archive.as_file_mut()).context(Kind::Environment, || {
            format!("the build context of {} cannot be written", image.name)
        })?;
        Ok(archive)
    }

    /// Runs the classic builder. Returns which steps took long.
    async fn run_builder(
        &self,
        image: &Resolved,
        base: &str,
        context: std::io::Result<std::fs::File>,
        progress: &Progress,
    ) -> Result<Vec<String>> {
        let context = context.context(Kind::Environment, || "the build context is gone".to_owned())?;
        let context = bollard::body_try_stream(body(context, |_| {}));
        let mut log = BuildLog::default();
        let build = async {
            let mut stream = self
                .engine
                .docker()
                .build_image(self.options(image, base), None, Some(context));
            while let Some(info) = stream.next().await {
                let info = info.context(Kind::Image, String::new)?;
                for said in log.take(&info.stream.unwrap_or_default()) {
                    match said {
                        // The builder makes a step of each label.
                        Said::Step(step) if step.contains(" : LABEL ") => {}
                        Said::Step(step) => progress.stage(&short(&step)),
                        Said::Output(line) => progress.detail(&line),
                    }
                }
            }
            Ok(())
        };
        let wait =
            Wait::that(format!("the image {} is built", image.name), deadlines::IMAGE_BUILD).blaming(Kind::Image);
        let mut built = wait
            .for_future(build)
            .await
            .map_err(|error| failure(image, &log, error));
        let left = self.clear(image, &log, built.is_ok()).await?;
        if !left.is_empty() {
            built = built.map_err(|error| error.evidence(format!("still there: {}", left.join(" "))));
        }
        built.map(|()| log.long_steps())
    }

    fn options(&self, image: &Resolved, base: &str) -> BuildImageOptions {
        let mut labels = HashMap::from([
            (labels::HARNESS, env!("CARGO_PKG_VERSION").to_owned()),
            (labels::IMAGE, image.name.clone()),
            (labels::CONTENT, image.content.clone()),
            (labels::SOURCES, image.sources.clone()),
            (labels::ARGS, image.args_json()),
            (labels::CREATED, labels::now().to_string()),
        ]);
        labels.extend(Over::of(image).map(|over| (labels::OVER, over.to_json())));
        let mut options = BuildImageOptionsBuilder::default();
        if let Some(network) = network() {
            options = options.networkmode(&network);
        }
        options
            .t(&image.reference())
            .rm(true)
            .forcerm(true)
            .buildargs(&arguments(image, base))
            .labels(&labels)
            .build()
    }

    /// Removes what a build left besides its image: everything after a failure. After a success its stages stay, as the
    /// builder's cache, and those of the image's earlier builds go.
    async fn clear(&self, image: &Resolved, log: &BuildLog, built: bool) -> Result<Vec<String>> {
        let mut leftover: Vec<String> = Vec::new();
        if built {
            let label = labels::equals(labels::STAGE, &image.name);
            let filters = HashMap::from([("dangling", vec!["true"]), ("label", vec![label.as_str()])]);
            let stages = self.summaries(&filters).await?.into_iter().map(|stage| stage.id);
            leftover.extend(stages.filter(|id| !log.used(id)));
        } else {
            leftover.extend(log.made().map(str::to_owned));
        }
        let mut left = self.remove_each(leftover).await?;
        if !built && !left.is_empty() {
            // Of a build that was broken off the engine ends the step that ran, and its container, a moment later.
            let gone = Wait::that("what the build made is removed", deadlines::BUILD_ENDS).until(async || {
                match self.remove_each(log.made().map(str::to_owned).collect()).await {
                    Ok(none) if none.is_empty() => Probe::Ready(()),
                    Ok(still) => Probe::NotYet(still.join(" ")),
                    Err(error) => Probe::Broken(error),
                }
            });
            match gone.await {
                Ok(()) => left.clear(),
                Err(error) if error.kind() == Kind::Deadline => {}
                Err(error) => return Err(error),
            }
        }
        Ok(left)
    }

    /// Those that something still needs.
    async fn remove_each(&self, ids: Vec<String>) -> Result<Vec<String>> {
        let mut left = Vec::new();
        for id in ids {
            if !self.remove(&id).await? {
                left.push(id);
            }
        }
        Ok(left)
    }

    /// Keeps the context of a failed build, so that it can be tried again by hand.
    fn pasteable(&self, image: &Resolved, base: &str, context: tempfile::NamedTempFile) -> Result<String> {
        let kept: PathBuf = cache::folder(&self.cache, "contexts")?.join(format!("{}.tar", image.name));
        cache::persist(context, &kept)?;
        let mut arguments: Vec<_> = arguments(image, base).into_iter().collect();
        arguments.sort();
        let arguments = arguments
            .iter()
            .map(|(name, value)| format!("--build-arg {}", quoted(&format!("{name}={value}"))));
        let arguments: Vec<String> = arguments
            .chain(network().map(|network| format!("--network {}", quoted(&network))))
            .collect();
        Ok(format!(
            "DOCKER_BUILDKIT=0 docker build {} - < {}",
            arguments.join(" "),
            quoted(&kept.to_string_lossy())
        ))
    }
}

fn arguments(image: &Resolved, base: &str) -> HashMap<String, String> {
    let mut arguments = proxies();
    arguments.extend(image.args.clone());
    arguments.insert("BASE".to_owned(), base.to_owned());
    arguments
}

fn failure(image: &Resolved, log: &BuildLog, error: Error) -> Error {
    let cause = std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
    let cause = cause.trim_start_matches("Docker stream error: ");
    let summary = format!("building the image {} failed in {}: {cause}", image.name, log.failing());
    Error::new(error.kind(), summary).evidence(log.tail())
}
