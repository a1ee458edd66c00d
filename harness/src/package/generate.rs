//! Options out of a schema: for every property each boundary that the schema states, each value beside it, and what
//! the schema forgets to exclude.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Value, json};

use super::drafts::{OF_ENUM, drafts, sample};
use super::json::step;
use super::mustache::join;
use super::options::{compile, defaults, get, leaves, merge, properties, with};

/// Values for one option that a schema is asked about.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Case {
    /// As in `kafka.app.cpus`.
    pub option: String,
    /// Where the option's schema is in config.json, as a JSON pointer.
    pub pointer: String,
    /// Why this value, as in `minimum` or `below the minimum`.
    pub why: &'static str,
    /// What it is set to; null where it is left out.
    pub value: Option<Value>,
    /// What the schema says of it.
    pub verdict: Verdict,
    /// All options, this one included.
    #[serde(skip)]
    pub options: Value,
}

impl Case {
    /// The option and its value, as `kafka.debug = true`, where the author of the schema wrote that very value for people
    /// to choose: one of an enum, true or false.
    #[must_use]
    pub fn choice(&self) -> Option<String> {
        let value = self.value.as_ref().filter(|_| self.verdict == Verdict::Stated)?;
        let is_choice = value.is_boolean() || self.why == OF_ENUM;
        is_choice.then(|| format!("{} = {value}", self.option))
    }
}

/// Every case for a config.json, as far as there is room for them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Generated {
    /// In the order of the schema.
    pub cases: Vec<Case>,
    /// How many more there would be.
    pub left_out: usize,
}

/// What is expected of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The schema names the value, or its limit, as allowed: the app must be right with it.
    Stated,
    /// The schema does not exclude the value, and may have forgotten to.
    Loose,
    /// The schema excludes it.
    Refused,
}

/// All options of all cases together, as text: each case has every option of the package. A package with 300 options takes
/// some 20 MB.
const ALL_BYTES: usize = 32 << 20;

/// The defaults, with a value for each option that has none and could be required: a package's base for all cases.
/// None where the schema has no `properties`.
#[must_use]
pub fn complete(schema: &Value) -> Option<Value> {
    fill(schema, &defaults(schema)?, true).into()
}

fn fill(schema: &Value, options: &Value, required_only: bool) -> Value {
    let mut filled = options.clone();
    if !filled.is_object() {
        filled = json!({});
    }
    let required = required(schema);
    for (key, property) in properties(schema) {
        let before = options.get(key).filter(|value| !value.is_null());
        let value = if properties(property).next().is_some() && property.get("default").is_none() {
            fill(property, before.unwrap_or(&json!({})), required_only)
        } else if before.is_some() || (required_only && !required.contains(key.as_str())) {
            continue;
        } else if let Some(value) = sample(property) {
            value
        } else {
            continue;
        };
        filled[key.as_str()] = value;
    }
    filled
}

fn required(schema: &Value) -> BTreeSet<&str> {
    let names = schema.get("required").and_then(Value::as_array);
    names.into_iter().flatten().filter_map(Value::as_str).collect()
}

/// Every case for a config.json; none where the schema has no `properties`.
///
/// Each case changes one option of [`complete`]. What a combination (`anyOf`, `not`) excludes or allows beside what the
/// property's own words say is left out.
#[must_use]
pub fn generate(schema: &Value) -> Generated {
    let (Some(base), Ok(validator)) = (complete(schema), compile(schema)) else {
        return Generated::default();
    };
    let mut found = Found::of(&base);
    found.add(0, || Case {
        option: String::new(),
        pointer: String::new(),
        why: "every option set",
        value: None,
        verdict: Verdict::Loose,
        options: fill(schema, &base, false),
    });
    leaves(schema, "", "", &mut |option, pointer, property| {
        for draft in drafts(property) {
            found.add(draft.value.to_string().len(), || Case {
                option: option.to_owned(),
                pointer: pointer.to_owned(),
                why: draft.why,
                options: with_whole(&base, option, draft.value.clone()),
                value: Some(draft.value),
                verdict: draft.verdict,
            });
        }
    });
    groups(schema, &base, "", "", &mut found);
    let mut generated = found.generated;
    let fits = |case: &Case| validator.is_valid(&case.options) != (case.verdict == Verdict::Refused);
    generated.cases.retain(fits);
    generated
}

/// The cases so far, and what they take.
struct Found {
    generated: Generated,
    base: usize,
    bytes: usize,
}

impl Found {
    fn of(base: &Value) -> Self {
        Found {
            generated: Generated::default(),
            base: base.to_string().len(),
            bytes: 0,
        }
    }

    /// Adds a case whose value has so many bytes, while there is room.
    fn add(&mut self, bytes: usize, case: impl FnOnce() -> Case) {
        let bytes = self.bytes.saturating_add(self.base).saturating_add(bytes);
        if bytes > ALL_BYTES {
            self.generated.left_out += 1;
            return;
        }
        self.bytes = bytes;
        self.generated.cases.push(case());
    }
}

/// As [`with`], with an object in the place of the one that was there.
fn with_whole(options: &Value, path: &str, value: Value) -> Value {
    with(&with(options, path, Value::Null), path, value)
}

/// What is wrong with a group as a whole: a required option left out, one that is unknown, no group at all.
fn groups(schema: &Value, base: &Value, path: &str, pointer: &str, found: &mut Found) {
    let here = if path.is_empty() { Some(base) } else { get(base, path) };
    let Some(Value::Object(here)) = here else {
        return;
    };
    let put = |value: Value| {
        if path.is_empty() {
            value
        } else {
            with_whole(base, path, value)
        }
    };
    let refused = |option: String, why, value: Option<Value>, options| Case {
        option,
        pointer: pointer.to_owned(),
        why,
        value,
        verdict: Verdict::Refused,
        options,
    };
    for name in required(schema) {
        found.add(0, || {
            let mut without = here.clone();
            without.remove(name);
            refused(
                join(path, name),
                "required and left out",
                None,
                put(Value::Object(without)),
            )
        });
    }
    if schema.get("additionalProperties") == Some(&Value::Bool(false)) {
        let (name, value) = (join(path, "no-such-option"), json!("x"));
        found.add(0, || {
            let options = with(base, &name, value.clone());
            refused(name, "an unknown option", Some(value), options)
        });
    }
    if !path.is_empty() && schema["type"] == "object" {
        let value = json!("x");
        found.add(0, || {
            refused(path.to_owned(), "a text for a group", Some(value.clone()), put(value))
        });
    }
    for (key, property) in properties(schema) {
        if properties(property).next().is_some() {
            let pointer = format!("{pointer}/properties{}", step(key));
            groups(property, base, &join(path, key), &pointer, found);
        }
    }
}

/// The options of a case over the defaults of its schema: what a user would pass, and what they become.
#[must_use]
pub fn merged(schema: &Value, case: &Case) -> Option<Value> {
    Some(merge(&defaults(schema)?, &case.options))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each case has every option: with a long default, a hundred switches alone would take hundreds of megabytes.
    #[test]
    fn all_cases_together_have_a_limit_and_what_is_left_out_is_counted() {
        let options = |count: usize| {
            let switches = (0..count).map(|number| (format!("switch-{number}"), json!({"type": "boolean"})));
            let long = (
                "long".to_owned(),
                json!({"type": "string", "default": "a".repeat(1 << 20)}),
            );
            json!({"properties": switches.chain([long]).collect::<serde_json::Map<_, _>>()})
        };
        let of = |count: usize| generate(&options(count));
        assert_eq!(of(1).left_out, 0);
        let many = of(100);
        let bytes: usize = many.cases.iter().map(|case| case.options.to_string().len()).sum();
        assert!(
            many.left_out > 100 && !many.cases.is_empty() && bytes <= ALL_BYTES + (1 << 20),
            "{bytes}"
        );
    }

    #[test]
    fn a_choice_is_what_the_author_wrote_for_people_to_choose() {
        let schema = json!({"properties": {
            "debug": {"type": "boolean"}, "tag": {"type": "string", "enum": ["1.0", "1.1"]},
            "cpus": {"type": "number", "minimum": 1, "default": 2}, "name": {"type": "string", "minLength": 1}}});
        let choices: BTreeSet<String> = generate(&schema).cases.iter().filter_map(Case::choice).collect();
        let expected = ["debug = true", "debug = false", "tag = \"1.0\"", "tag = \"1.1\""].map(str::to_owned);
        assert_eq!(choices, BTreeSet::from(expected));
    }
}
