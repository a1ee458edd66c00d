//! `certificate.html`: one file without external resources, everything escaped by the template engine.

use askama::Template;

use super::certificate::{AnyCheck, Certificate, Judged, word};
use crate::error::Context;
use crate::report::Outcome;
use crate::{Kind, Result};

/// The certificate as a page.
///
/// # Errors
/// [`Kind::Internal`] where the template cannot be rendered.
pub fn html(certificate: &Certificate) -> Result<String> {
    let page = Page {
        certificate,
        style: include_str!("../../templates/report.css"),
        failed: certificate.failed().collect(),
    };
    let rendered = page.render();
    rendered.context(Kind::Internal, || "the certificate cannot be rendered".to_owned())
}

#[derive(Template)]
#[template(path = "certificate.html")]
struct Page<'a> {
    certificate: &'a Certificate,
    style: &'static str,
    failed: Vec<&'a Judged>,
}

impl Page<'_> {
    /// As the style of reports names it.
    fn class(&self) -> &'static str {
        match self.failed.is_empty() {
            true => "v-conformant",
            false => "v-nonconformant",
        }
    }

    fn word(&self, judged: &&Judged) -> &'static str {
        word(judged.outcome)
    }

    /// On the cluster, in the order they were made.
    fn live(&self) -> impl Iterator<Item = &Judged> {
        let all = self.certificate.checks.iter();
        all.filter(|judged| matches!(judged.check, AnyCheck::Live(_)))
    }

    fn of_files(&self) -> impl Iterator<Item = &Judged> {
        let all = self.certificate.checks.iter();
        all.filter(|judged| matches!(judged.check, AnyCheck::Static(_)))
    }

    fn is_open(&self, judged: &&Judged) -> bool {
        judged.outcome == Outcome::Failed
    }

    fn seconds(&self, seconds: &f64) -> String {
        format!("{seconds:.1} s")
    }
}
