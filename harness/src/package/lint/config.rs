//! config.json: a schema, its defaults, and what it demands.

use serde_json::Value;

use crate::package::checks::Check;
use crate::package::finding::Finding;
use crate::package::json::{Document, step};
use crate::package::mustache::join;
use crate::package::options::{compile, defaults, leaves, misfits, properties};
use crate::package::render::Files;
use crate::package::schema::Schema;

pub(super) fn check(files: &Files, findings: &mut Vec<Finding>) {
    let Some(config) = &files.config else { return };
    let add = |check: Check, pointer: &str, message: String| {
        Finding::new(check, config.file.clone(), message).at(config.position(pointer))
    };
    let before = findings.len();
    for misfit in Schema::Config.misfits(&config.value) {
        findings.push(add(Check::ConfigSchema, &misfit.pointer, misfit.message));
    }
    let validator = match compile(&config.value) {
        Ok(validator) => validator,
        Err(misfit) => {
            findings.push(add(Check::ConfigSchema, &misfit.pointer, misfit.message));
            return;
        }
    };
    groups(&config.value, "", "", config, findings);
    each_default(config, findings);
    let Some(defaults) = defaults(&config.value) else {
        return;
    };
    if findings[before..]
        .iter()
        .any(|finding| finding.check == Check::ConfigDefault)
    {
        return;
    }
    for misfit in misfits(&validator, &defaults) {
        let option = misfit.option();
        let at = if option.is_empty() {
            String::new()
        } else {
            format!("{option}: ")
        };
        let pointer: String = misfit
            .pointer
            .split('/')
            .skip(1)
            .map(|part| format!("/properties/{part}"))
            .collect();
        let message = format!("the defaults alone are refused: {at}{}", misfit.message);
        findings.push(add(Check::ConfigRequired, &pointer, message));
    }
}

/// A default that its own schema refuses. The client would refuse it among all others; here it has a place.
fn each_default(config: &Document, findings: &mut Vec<Finding>) {
    let mut add = |option: &str, pointer: &str, property: &Value| {
        let (Some(default), Ok(validator)) = (property.get("default"), compile(property)) else {
            return;
        };
        for misfit in misfits(&validator, default) {
            let message = format!("{option}: {}", misfit.message);
            let place = config.position(&format!("{pointer}/default{}", misfit.pointer));
            findings.push(Finding::new(Check::ConfigDefault, config.file.clone(), message).at(place));
        }
    };
    leaves(&config.value, "", "", &mut |option, pointer, property| {
        add(option, pointer, property)
    });
    each_group(&config.value, "", "", &mut |option, pointer, property| {
        add(option, pointer, property)
    });
}

fn each_group(schema: &Value, path: &str, pointer: &str, each: &mut impl FnMut(&str, &str, &Value)) {
    for (key, property) in properties(schema) {
        if properties(property).next().is_some() {
            let (path, pointer) = (join(path, key), format!("{pointer}/properties{}", step(key)));
            each(&path, &pointer, property);
            each_group(property, &path, &pointer, each);
        }
    }
}

/// What a group requires and does not declare.
fn groups(schema: &Value, path: &str, pointer: &str, config: &Document, findings: &mut Vec<Finding>) {
    let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
    for (index, name) in required.filter_map(Value::as_str).enumerate() {
        if !properties(schema).any(|(key, _)| key == name) {
            let message = format!("{} is required and not declared", join(path, name));
            let place = config.position(&format!("{pointer}/required/{index}"));
            findings.push(Finding::new(Check::ConfigRequired, config.file.clone(), message).at(place));
        }
    }
    for (key, property) in properties(schema) {
        groups(
            property,
            &join(path, key),
            &format!("{pointer}/properties{}", step(key)),
            config,
            findings,
        );
    }
}
