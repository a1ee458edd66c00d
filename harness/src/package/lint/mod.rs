//! Every rule that can be judged without a cluster.

mod app;
mod config;
mod downloads;
mod files;
mod layout;
mod rendered;
mod template;

use serde::Serialize;

use super::artefacts::Index;
use super::assets::{Asset, assets};
use super::checks::{Check, Severity};
use super::finding::Finding;
use super::options;
use super::render::Files;
use super::source::{Package, Revision, Source};

/// How strict to be, and what there is to download.
#[derive(Clone, Debug, Default)]
pub struct Lint {
    /// What can be had without a network.
    pub artefacts: Index,
    /// Whether a download that the artefact index does not have is an error, as on a cluster without a network.
    pub offline: bool,
}

/// What was found in some sources.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Report {
    /// What was looked at.
    pub packages: Vec<Looked>,
    /// What is wrong, in the order of files.
    pub findings: Vec<Finding>,
}

/// One package that was looked at.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Looked {
    /// Its name.
    pub name: String,
    /// The path that it was read from.
    pub source: String,
    /// Its revisions.
    pub revisions: Vec<LookedRevision>,
}

/// One revision that was looked at.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LookedRevision {
    /// As its folder is called.
    pub revision: u32,
    /// As package.json says; empty where it says nothing.
    pub version: String,
    /// How often its templates were rendered, with the defaults and with generated options.
    pub renders: usize,
    /// Generated options that the schema refused, as it should.
    pub refused: usize,
    /// What it downloads.
    pub assets: Vec<Asset>,
}

impl Report {
    /// How many findings are of a severity.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        self.findings
            .iter()
            .filter(|finding| finding.severity == severity)
            .count()
    }

    /// The checks that found something, without repetition.
    #[must_use]
    pub fn checks(&self) -> Vec<Check> {
        let mut checks: Vec<Check> = self.findings.iter().map(|finding| finding.check).collect();
        checks.sort_unstable();
        checks.dedup();
        checks
    }

    /// Each finding once, in the order of files.
    fn sorted(mut self) -> Self {
        self.findings.sort();
        self.findings.dedup();
        self
    }
}

impl Lint {
    /// Checks everything in `sources`.
    #[must_use]
    pub fn run(&self, sources: &[Source]) -> Report {
        let mut report = Report::default();
        for source in sources {
            layout::source(source, None, &mut report.findings);
            for package in &source.packages {
                self.package(source, package, &mut report);
            }
        }
        report.sorted()
    }

    /// Checks one package of a source, and of the source what the package depends on.
    #[must_use]
    pub fn run_of(&self, source: &Source, package: &Package) -> Report {
        let mut report = Report::default();
        layout::source(source, Some(package), &mut report.findings);
        self.package(source, package, &mut report);
        report.sorted()
    }

    fn package(&self, source: &Source, package: &Package, report: &mut Report) {
        layout::package(source, package, &mut report.findings);
        let revisions = package
            .revisions
            .iter()
            .map(|revision| self.revision(source, package, revision, &mut report.findings))
            .collect();
        report.packages.push(Looked {
            name: package.name.clone(),
            source: source.tree.path.display().to_string(),
            revisions,
        });
    }

    fn revision(
        &self,
        source: &Source,
        package: &Package,
        revision: &Revision,
        findings: &mut Vec<Finding>,
    ) -> LookedRevision {
        let (files, unreadable) = Files::read(source, revision);
        let readable = unreadable.is_empty();
        findings.extend(unreadable);
        files::check(source, package, revision, &files, findings);
        config::check(&files, findings);
        let mut looked = LookedRevision {
            revision: revision.number,
            version: files
                .package
                .as_ref()
                .and_then(|package| package.value["version"].as_str())
                .unwrap_or_default()
                .to_owned(),
            renders: 0,
            refused: 0,
            assets: Vec::new(),
        };
        // A file that cannot be read would be a reason to complain of all that it declares.
        let schema = files.config.as_ref().filter(|_| readable);
        let usable = schema.filter(|config| options::compile(&config.value).is_ok());
        let Some(config) = usable.filter(|config| config.value["properties"].is_object()) else {
            return looked;
        };
        let renders = rendered::render(&files, config, findings);
        template::check(&files, config, &renders, findings);
        looked.renders = renders.all.len();
        looked.refused = renders.refused;
        if let Some(app) = &renders.app {
            app::check(package, &files, config, app, findings);
        }
        looked.assets = assets(&files, &renders.named, &self.artefacts);
        self.downloads(&looked.assets, findings);
        looked
    }
}
