//! Rendering with the defaults and with every generated value.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::package::assets::Named;
use crate::package::checks::{Check, Severity};
use crate::package::drafts::AWKWARD;
use crate::package::finding::{Finding, Position};
use crate::package::generate::{Case, Generated, Verdict, complete, generate};
use crate::package::json::Document;
use crate::package::mustache::{Output, Style};
use crate::package::options::defaults;
use crate::package::render::{Files, app, unreadable};
use crate::package::schema::Schema;
use crate::package::{options, python};

/// What came of all renders.
#[derive(Debug, Default)]
pub(super) struct Renders {
    /// The app with the defaults, or with what [`complete`] adds where they are refused.
    pub(super) app: Option<Value>,
    /// What is downloaded with the same, and with each choice that an option has.
    pub(super) named: Named,
    /// What templates wrote and read, of every render; the first are those of the defaults.
    pub(super) all: Vec<Render>,
    /// How many generated values the schema refused.
    pub(super) refused: usize,
}

/// One render of one template.
#[derive(Debug)]
pub(super) struct Render {
    pub(super) file: String,
    pub(super) output: Output,
    /// Whether it was with the defaults.
    pub(super) defaults: bool,
}

pub(super) fn render(files: &Files, config: &Document, findings: &mut Vec<Finding>) -> Renders {
    let mut renders = Renders::default();
    let schema = &config.value;
    let (Some(defaults), Some(complete)) = (defaults(schema), complete(schema)) else {
        return renders;
    };
    let fits = |value: &Value| options::compile(schema).is_ok_and(|validator| validator.is_valid(value));
    let base = if fits(&defaults) { defaults } else { complete };
    let context = files.context(&base);
    let before = findings.len();
    marathon(files, &context, &mut renders, findings);
    command(files, &base, &mut renders, findings);
    if findings.len() > before {
        // Each generated value would fail for the same reason.
        return renders;
    }
    let Generated { cases, left_out } = generate(schema);
    if left_out > 0 {
        let message = format!(
            "with so many options, {left_out} of {} generated values were not tried",
            cases.len() + left_out
        );
        let mut finding = Finding::new(Check::RenderOption, config.file.clone(), message);
        finding.severity = Severity::Warning;
        findings.push(finding.remedy("have fewer options, or shorter defaults"));
    }
    let mut told = BTreeSet::new();
    let mut quoting: Vec<Case> = Vec::new();
    for case in cases {
        if case.verdict == Verdict::Refused {
            renders.refused += 1;
            continue;
        }
        let check = match case.verdict {
            Verdict::Loose => Check::RenderLoose,
            Verdict::Stated | Verdict::Refused => Check::RenderOption,
        };
        let Some(message) = generated(files, &case, &mut renders) else {
            continue;
        };
        if case.value.as_ref().is_some_and(|value| value == AWKWARD) {
            quoting.push(case);
        } else if told.insert((case.option.clone(), check)) {
            // One finding of a kind for an option: its neighbours fail alike.
            let place = config.key_position(&case.pointer);
            findings.push(Finding::new(check, config.file.clone(), message).at(place));
        }
    }
    quotes(config, &quoting, findings);
    renders
}

/// Most options of most packages, so one finding for all of them.
fn quotes(config: &Document, cases: &[Case], findings: &mut Vec<Finding>) {
    let Some(first) = cases.first() else { return };
    let names: Vec<&str> = cases.iter().map(|case| case.option.as_str()).collect();
    let message = format!(
        "with a quote or a backslash in a text it renders to no app: {}",
        names.join(", ")
    );
    let place = config.key_position(&first.pointer);
    findings.push(Finding::new(Check::RenderLoose, config.file.clone(), message).at(place));
}

fn marathon(files: &Files, context: &Value, renders: &mut Renders, findings: &mut Vec<Finding>) {
    let Some((file, template)) = &files.marathon else {
        return;
    };
    let (app, output) = match app(file, template, context) {
        Ok(rendered) => rendered,
        Err(finding) => return findings.push(*finding),
    };
    for misfit in Schema::Marathon.misfits(&app) {
        let message = match misfit.option() {
            option if option.is_empty() => misfit.message,
            option => format!("{option}: {}", misfit.message),
        };
        let key = misfit.pointer.rsplit('/').find(|part| part.parse::<usize>().is_err());
        let mut finding = Finding::new(Check::RenderMarathon, file.clone(), message);
        if finding.message.contains("Additional properties") {
            // Marathon passes over what it does not know.
            finding.severity = Severity::Warning;
        }
        finding.position = key.and_then(|key| position_of_key(&template.text, key));
        findings.push(finding);
    }
    renders.named.add(Some(&app), None, None);
    renders.app = Some(app);
    renders.all.push(Render {
        file: file.clone(),
        output,
        defaults: true,
    });
}

/// Where a key stands in the template: keys are seldom rendered.
fn position_of_key(template: &str, key: &str) -> Option<Position> {
    let offset = template.find(&format!("\"{key}\""))?;
    Some(Position::of(template, offset))
}

fn command(files: &Files, options: &Value, renders: &mut Renders, findings: &mut Vec<Finding>) {
    let Some((file, template)) = &files.command_template else {
        return;
    };
    let Ok(output) = template.render(options, Style::Plain) else {
        return;
    };
    match serde_json::from_str::<Value>(&output.text) {
        Ok(rendered) => {
            for misfit in Schema::Command.misfits(&rendered) {
                let message = format!("with the defaults, {}: {}", misfit.option(), misfit.message);
                findings.push(Finding::new(Check::CommandSchema, file.clone(), message));
            }
            renders.named.add(None, Some(&rendered), None);
        }
        Err(error) => findings.push(unreadable(Check::CommandSchema, file, &output, &error)),
    }
    renders.all.push(Render {
        file: file.clone(),
        output,
        defaults: true,
    });
}

/// Why a generated value gives no app that Marathon takes.
fn generated(files: &Files, case: &Case, renders: &mut Renders) -> Option<String> {
    let mut problem = None;
    let choice = case.choice();
    if let Some((file, template)) = &files.marathon {
        match app(file, template, &files.context(&case.options)) {
            Ok((app, output)) => {
                if choice.is_some() {
                    renders.named.add(Some(&app), None, choice.as_deref());
                }
                let misfits = Schema::Marathon.misfits(&app);
                problem = misfits.first().map(|misfit| match misfit.option() {
                    option if option.is_empty() => misfit.message.clone(),
                    option => format!("{option} of the app: {}", misfit.message),
                });
                renders.all.push(Render {
                    file: file.clone(),
                    output,
                    defaults: false,
                });
            }
            Err(finding) => problem = Some(format!("{}: {}", finding.place(), finding.message)),
        }
    }
    if let Some((file, template)) = &files.command_template
        && let Ok(output) = template.render(&case.options, Style::Plain)
    {
        match serde_json::from_str::<Value>(&output.text) {
            Ok(command) if choice.is_some() => renders.named.add(None, Some(&command), choice.as_deref()),
            Ok(_) => {}
            Err(error) => {
                let finding = unreadable(Check::CommandSchema, file, &output, &error);
                problem = problem.or_else(|| Some(format!("{}: {}", finding.place(), finding.message)));
            }
        }
        renders.all.push(Render {
            file: file.clone(),
            output,
            defaults: false,
        });
    }
    let problem = problem?;
    let value = case.value.as_ref().map_or_else(String::new, |value| {
        let text: String = python::dumps(value).chars().take(60).collect();
        format!(" = {text}")
    });
    let option = if case.option.is_empty() {
        "the options"
    } else {
        &case.option
    };
    Some(format!("{option}{value} ({}): {problem}", case.why))
}
