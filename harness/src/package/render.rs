//! From a revision and a user's options to the Marathon app and the command's requirements, as the client does it.

use std::collections::BTreeMap;

use base64::Engine as _;
use jsonschema::Validator;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::checks::Check;
use super::finding::{Finding, Position};
use super::json::{Document, syntax};
use super::mustache::{Output, Problem, Style, Template};
use super::options::{self, Misfit, Unknown};
use super::source::{Revision, Source};
use super::{json, python};
use crate::{Error, Kind, Result};

/// A revision's files, read and parsed.
#[derive(Clone, Debug)]
pub struct Files {
    /// How its folder is shown.
    pub folder: String,
    /// package.json.
    pub package: Option<Document>,
    /// config.json.
    pub config: Option<Document>,
    /// command.json, which is a template as well, as it stands.
    pub command: Option<Document>,
    /// resource.json.
    pub resource: Option<Document>,
    /// The template of the app: marathon.json, else marathon.json.mustache.
    pub marathon: Option<(String, Template)>,
    /// command.json as a template.
    pub command_template: Option<(String, Template)>,
    /// Whether the template is marathon.json.mustache, which alone sees resource.json.
    pub sees_resource: bool,
}

/// What an install would post and fetch.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rendered {
    /// Every option: defaults and the user's.
    pub options: Value,
    /// The Marathon app, without what the client adds. Null for a package that is only a command.
    pub app: Option<Value>,
    /// command.json, if there is one.
    pub command: Option<Value>,
    /// Options that were taken and that nothing declares.
    pub unknown: Vec<Unknown>,
}

impl Files {
    /// Reads a revision; what cannot be parsed is a finding and is left out.
    #[must_use]
    pub fn read(source: &Source, revision: &Revision) -> (Self, Vec<Finding>) {
        let mut findings = Vec::new();
        let name = |file: &str| format!("{}{file}", revision.folder);
        let mut document = |file: &str| match source.document(&name(file))? {
            Ok(document) => Some(document),
            Err(finding) => {
                findings.push(*finding);
                None
            }
        };
        let (package, config) = (document("package.json"), document("config.json"));
        let (command, resource) = (document("command.json"), document("resource.json"));
        let mut template = |file: &str| {
            let file = name(file);
            match template(source, &file)? {
                Ok(template) => Some((source.shown(&file), template)),
                Err(finding) => {
                    findings.push(*finding);
                    None
                }
            }
        };
        let marathon = template("marathon.json").or_else(|| template("marathon.json.mustache"));
        let command_template = command.as_ref().and_then(|_| template("command.json"));
        let files = Files {
            folder: source.shown(revision.folder.trim_end_matches('/')),
            sees_resource: source.tree.get(&name("marathon.json.mustache")).is_some(),
            package,
            config,
            command,
            resource,
            marathon,
            command_template,
        };
        (files, findings)
    }

    /// What a template sees: the options, and resource.json where the client shows it.
    #[must_use]
    pub fn context(&self, options: &Value) -> Value {
        match (&self.resource, self.sees_resource) {
            (Some(resource), true) => options::merge(options, &json!({"resource": resource.value})),
            _ => options.clone(),
        }
    }

    /// Renders for `user`'s options over the defaults.
    ///
    /// # Errors
    /// [`Kind::Usage`] where the options are wrong: no object, unknown and refused, outside their schema.
    /// [`Kind::Package`] where the package is.
    pub fn render(&self, user: &Value) -> Result<Rendered> {
        let config = self.config.as_ref().ok_or_else(|| {
            let missing = format!("{} has no config.json, and cannot be installed", self.folder);
            Error::new(Kind::Package, missing).hint(Check::FileMissing.remedy())
        })?;
        let schema = &config.value;
        let defaults = options::defaults(schema)
            .ok_or_else(|| Error::new(Kind::Package, format!("{}: the schema has no properties", config.file)))?;
        if !user.is_object() {
            return Err(Error::usage("options are a JSON object").expected(defaults.to_string()));
        }
        let options = options::merge(&defaults, user);
        let validator = options::compile(schema).map_err(|misfit| misfit_in(config, &misfit))?;
        let unknown = options::unknown(schema, user);
        refuse(&validator, &options, &unknown, config)?;
        let app = match &self.marathon {
            Some((file, template)) => Some(
                app(file, template, &self.context(&options))
                    .map_err(|finding| error_of(&finding))?
                    .0,
            ),
            None => None,
        };
        let command = match &self.command_template {
            Some((file, template)) => {
                let output = template
                    .render(&options, Style::Plain)
                    .map_err(|problem| error_of(&template_finding(file, &problem)))?;
                let finding = |error| unreadable(Check::CommandSchema, file, &output, &error);
                Some(serde_json::from_str(&output.text).map_err(|error| error_of(&finding(error)))?)
            }
            None => None,
        };
        Ok(Rendered {
            options,
            app,
            command,
            unknown,
        })
    }
}

fn template(source: &Source, file: &str) -> Option<Result<Template, Box<Finding>>> {
    let text = match source.text(file)? {
        Ok(text) => text,
        Err(finding) => return Some(Err(finding)),
    };
    let wrong = |problem: Problem| Box::new(template_finding(&source.shown(file), &problem));
    Some(Template::parse(text).map_err(wrong))
}

fn template_finding(file: &str, problem: &Problem) -> Finding {
    Finding::new(Check::TemplateSyntax, file, problem.message.clone()).at(problem.position)
}

fn misfit_in(config: &Document, misfit: &Misfit) -> Error {
    let position = config.position(&misfit.pointer);
    Error::new(Kind::Package, format!("{}:{position}: {}", config.file, misfit.message))
}

/// The whole of a finding, as an error of the package.
pub(super) fn error_of(finding: &Finding) -> Error {
    Error::new(Kind::Package, finding.to_string())
        .expected(finding.check.what())
        .hint(finding.remedy.clone())
}

/// Tells everything that is wrong with the options in one error.
fn refuse(validator: &Validator, options: &Value, unknown: &[Unknown], config: &Document) -> Result<()> {
    let refused = unknown.iter().filter(|one| one.refused).map(|one| match &one.nearest {
        Some(nearest) => format!("there is no option {}: did you mean {nearest}?", one.option),
        None => format!("there is no option {}", one.option),
    });
    // What the schema says of them would name no nearest one.
    let telling = options::misfits(validator, options).into_iter().filter(|misfit| {
        let prefix = misfit.option();
        let about_unknown = misfit.message.starts_with("Additional properties");
        !(about_unknown && unknown.iter().any(|one| one.option.starts_with(&prefix)))
    });
    let misfits = telling.map(|misfit| match misfit.option() {
        option if option.is_empty() => misfit.message,
        option => format!("{option}: {}", misfit.message),
    });
    let wrong: Vec<String> = refused.chain(misfits).collect();
    if wrong.is_empty() {
        return Ok(());
    }
    Err(Error::usage(wrong.join("\n"))
        .expected(format!("options as {} declares them", config.file))
        .hint("put the right ones into a JSON file, and name it with --options"))
}

/// Renders an app, and what its template read.
///
/// # Errors
/// A finding with the place in the template where what it renders to is no JSON.
pub(super) fn app(file: &str, template: &Template, context: &Value) -> Result<(Value, Output), Box<Finding>> {
    let output = template
        .render(context, Style::Json)
        .map_err(|problem| Box::new(template_finding(file, &problem)))?;
    match serde_json::from_str(&output.text) {
        Ok(app @ Value::Object(_)) => Ok((app, output)),
        Ok(_) => Err(Box::new(Finding::new(
            Check::RenderJson,
            file,
            "what it renders to is no JSON object",
        ))),
        Err(error) => Err(Box::new(unreadable(Check::RenderJson, file, &output, &error))),
    }
}

/// Rendered text that is no JSON: told by the place in the template, and by the rendered line.
pub(super) fn unreadable(check: Check, file: &str, output: &Output, error: &serde_json::Error) -> Finding {
    let (offset, message) = syntax(&output.text, error);
    let line = output.text.lines().nth(Position::of(&output.text, offset).line - 1);
    let line: String = line.unwrap_or_default().trim().chars().take(120).collect();
    Finding::new(
        check,
        file,
        format!("it renders to what is no JSON: {message}, in `{line}`"),
    )
    .at(output.origin(offset))
}

/// The labels that the client of 2016 adds to a package's app: its own words over the template's.
///
/// After dcos 0.3.6 (`dcos/package.py`). `source` is the URL of the package's source, and `registry` the version in its
/// repo/meta/version.json.
#[must_use]
pub fn labels(
    files: &Files,
    rendered: &Rendered,
    revision: u32,
    source: &str,
    registry: &str,
) -> BTreeMap<String, String> {
    let encode = |value: &Value| base64::engine::general_purpose::STANDARD.encode(python::dumps_sorted(value));
    let mut metadata = files
        .package
        .as_ref()
        .map_or_else(|| json!({}), |package| package.value.clone());
    if let (Some(images), Some(metadata)) = (
        files
            .resource
            .as_ref()
            .and_then(|resource| resource.value.get("images")),
        metadata.as_object_mut(),
    ) {
        metadata.insert("images".to_owned(), images.clone());
    }
    let text = |key: &str| metadata[key].as_str().unwrap_or_default().to_owned();
    let name = text("name");
    let framework = metadata["framework"].as_bool().unwrap_or_default();
    let mut labels = BTreeMap::from([
        ("DCOS_PACKAGE_METADATA".to_owned(), encode(&metadata)),
        ("DCOS_PACKAGE_VERSION".to_owned(), text("version")),
        ("DCOS_PACKAGE_SOURCE".to_owned(), source.to_owned()),
        ("DCOS_PACKAGE_IS_FRAMEWORK".to_owned(), framework.to_string()),
        ("DCOS_PACKAGE_REGISTRY_VERSION".to_owned(), registry.to_owned()),
        ("DCOS_PACKAGE_RELEASE".to_owned(), revision.to_string()),
    ]);
    if let Some(command) = &rendered.command {
        labels.insert("DCOS_PACKAGE_COMMAND".to_owned(), encode(command));
    }
    let framework_name = rendered
        .options
        .get(&name)
        .and_then(|group| group["framework-name"].as_str());
    if let Some(framework_name) = framework_name.filter(|name| !name.is_empty()) {
        labels.insert("DCOS_PACKAGE_FRAMEWORK_NAME".to_owned(), framework_name.to_owned());
    }
    labels.insert("DCOS_PACKAGE_NAME".to_owned(), name);
    labels
}

/// `app` with `labels` over its own.
#[must_use]
pub fn labelled(app: &Value, labels: &BTreeMap<String, String>) -> Value {
    let mut app = app.clone();
    let mut all = app
        .get("labels")
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_else(Map::new);
    all.extend(labels.iter().map(|(name, value)| (name.clone(), json!(value))));
    app["labels"] = Value::Object(all);
    app
}

/// Reads a user's options.
///
/// # Errors
/// [`Kind::Usage`] where the file cannot be read, or is no JSON object, with line and column.
pub fn read_options(file: &std::path::Path) -> Result<Value> {
    let shown = file.display().to_string();
    let text = std::fs::read_to_string(file)
        .map_err(|error| Error::usage(format!("{shown} cannot be read")).caused_by(error))?;
    let document = json::Document::parse(&*shown, text).map_err(|finding| {
        Error::usage(format!("{}: {}", finding.place(), finding.message)).expected("a JSON object of options")
    })?;
    let duplicate = document.duplicates().next();
    if let Some((pointer, position)) = duplicate {
        let option = json::dotted(pointer);
        return Err(Error::usage(format!("{shown}:{position}: {option} stands there twice")));
    }
    if !document.value.is_object() {
        return Err(Error::usage(format!("{shown} is no JSON object")).expected("{\"group\": {\"option\": value}}"));
    }
    Ok(document.value)
}
