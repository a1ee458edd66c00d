//! What a package costs: only looked at (read, rendered with the defaults and with every generated option, judged), and
//! certified on a cluster of its own.

use std::time::Instant;

use harness::certify::{Certifier, Verdict};
use harness::package::artefacts::Index;
use harness::package::lint::Lint;
use harness::package::source;
use harness::{Error, Result};

use crate::measure::{Entry, Limit, seconds};

/// One package of ours, both of its revisions, from files to findings; the first does not count. There is no floor.
pub(crate) fn measure(runs: u16) -> Result<Vec<Entry>> {
    let path = harness::workspace::fixtures().join("packages/universe/repo/packages/H/helloworld");
    let mut samples = Vec::new();
    for run in 0..=runs {
        let started = Instant::now();
        let lint = Lint {
            artefacts: Index::ours()?,
            offline: true,
        };
        let report = lint.run(&source::open(&path)?);
        if let Some(finding) = report.findings.first() {
            return Err(Error::internal(format!("the package is not sound: {finding}")));
        }
        if run > 0 {
            samples.push(seconds(started.elapsed()));
        }
    }
    let entry = Entry::new("package.lint-and-render", samples, Vec::new(), Some(Limit::Median(0.2)));
    Ok(entry.into_iter().collect())
}

/// A whole certificate of helloworld, its boot and its teardown included; on two cores. There is no floor.
pub(crate) async fn certificate(runs: u16) -> Result<Vec<Entry>> {
    let mut samples = Vec::new();
    for run in 1..=runs {
        let certificate = Certifier::of("helloworld").run().await?;
        if certificate.verdict != Verdict::Certified {
            return Err(Error::internal(format!(
                "the package is not sound: {}",
                certificate.summary
            )));
        }
        eprintln!("run {run}: certificate {:.1} s", certificate.run.seconds);
        samples.push(certificate.run.seconds);
    }
    let entry = Entry::new("package.certificate", samples, Vec::new(), Some(Limit::Median(60.0)));
    Ok(entry.into_iter().collect())
}
