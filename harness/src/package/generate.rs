//! Options out of a schema: for every property each boundary that the schema states, each value beside it, and what
//! the schema forgets to exclude.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Number, Value, json};

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

/// One value of one property, before it is put among the others.
struct Draft {
    why: &'static str,
    value: Value,
    verdict: Verdict,
}

/// Texts to try a pattern with, and to take where an option has no default.
const TEXTS: [&str; 12] = [
    "a",
    "abc",
    "a-b",
    "0",
    "10",
    "a.b:1",
    "/a/b",
    "*",
    "http://a.example/b",
    "512m",
    "A",
    "a b",
];
/// What no author thinks of: it needs escaping in JSON.
pub(super) const AWKWARD: &str = "a\"b\\c";
/// Longer texts are not made: a schema may say any number.
const LENGTH: u64 = 10_000;

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
        } else if before.is_some() || (required_only && !required.contains(&key.as_str())) {
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

fn required(schema: &Value) -> Vec<&str> {
    let names = schema.get("required").and_then(Value::as_array);
    names.into_iter().flatten().filter_map(Value::as_str).collect()
}

/// A value that fits, as plain as possible.
fn sample(property: &Value) -> Option<Value> {
    let validator = compile(property).ok()?;
    let mut stated: Vec<Value> = drafts(property)
        .into_iter()
        .filter(|draft| draft.verdict != Verdict::Refused)
        .map(|draft| draft.value)
        .collect();
    stated.extend(TEXTS.iter().map(|text| json!(text)));
    stated.extend([json!({}), json!([])]);
    let plain = |value: &Value| match value {
        Value::String(text) => !text.is_empty() && text != AWKWARD,
        Value::Number(number) => number.as_f64().is_some_and(|number| number > 0.0),
        _ => true,
    };
    let fitting = stated.into_iter().filter(|value| validator.is_valid(value));
    let (plain, odd): (Vec<Value>, Vec<Value>) = fitting.partition(plain);
    plain.into_iter().chain(odd).next()
}

/// Every case for a config.json; empty where the schema has no `properties`.
///
/// Each case changes one option of [`complete`]. What a combination (`anyOf`, `not`) excludes or allows beside what the
/// property's own words say is left out.
#[must_use]
pub fn cases(schema: &Value) -> Vec<Case> {
    let (Some(base), Ok(validator)) = (complete(schema), compile(schema)) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let everything = fill(schema, &base, false);
    found.push(Case {
        option: String::new(),
        pointer: String::new(),
        why: "every option set",
        value: None,
        verdict: Verdict::Loose,
        options: everything,
    });
    leaves(schema, "", "", &mut |option, pointer, property| {
        for draft in drafts(property) {
            found.push(Case {
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
    found.retain(|case| validator.is_valid(&case.options) != (case.verdict == Verdict::Refused));
    found
}

/// As [`with`], with an object in the place of the one that was there.
fn with_whole(options: &Value, path: &str, value: Value) -> Value {
    with(&with(options, path, Value::Null), path, value)
}

/// What is wrong with a group as a whole: a required option left out, one that is unknown, no group at all.
fn groups(schema: &Value, base: &Value, path: &str, pointer: &str, found: &mut Vec<Case>) {
    let mut add = |option: String, why, value: Option<Value>, options| {
        found.push(Case {
            option,
            pointer: pointer.to_owned(),
            why,
            value,
            verdict: Verdict::Refused,
            options,
        });
    };
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
    for name in required(schema) {
        let mut without = here.clone();
        without.remove(name);
        add(
            join(path, name),
            "required and left out",
            None,
            put(Value::Object(without)),
        );
    }
    if schema.get("additionalProperties") == Some(&Value::Bool(false)) {
        let name = "no-such-option";
        let value = json!("x");
        add(
            join(path, name),
            "an unknown option",
            Some(value.clone()),
            with(base, &join(path, name), value),
        );
    }
    if !path.is_empty() && schema["type"] == "object" {
        let value = json!("x");
        add(path.to_owned(), "a text for a group", Some(value.clone()), put(value));
    }
    for (key, property) in properties(schema) {
        if properties(property).next().is_some() {
            let pointer = format!("{pointer}/properties{}", step(key));
            groups(property, base, &join(path, key), &pointer, found);
        }
    }
}

/// Every value for one property.
fn drafts(property: &Value) -> Vec<Draft> {
    let mut drafts = Drafts::default();
    if let Some(default) = property.get("default") {
        drafts.add("its default", default.clone(), Verdict::Stated);
    }
    if let Some(Value::Array(values)) = property.get("enum") {
        for value in values {
            drafts.add("a value of the enum", value.clone(), Verdict::Stated);
        }
        drafts.add("no value of the enum", json!("no such value"), Verdict::Refused);
    }
    for kind in types(property) {
        match kind {
            "integer" | "number" => numbers(property, kind == "integer", &mut drafts),
            "string" => texts(property, &mut drafts),
            "boolean" => {
                drafts.add("true", json!(true), Verdict::Stated);
                drafts.add("false", json!(false), Verdict::Stated);
            }
            "array" => arrays(property, &mut drafts),
            "null" => drafts.add("null", Value::Null, Verdict::Stated),
            _ => {}
        }
    }
    wrong_types(property, &mut drafts);
    drafts.0.into_values().collect()
}

/// By what is written, so that no value comes twice; the surest word of each is kept.
#[derive(Default)]
struct Drafts(BTreeMap<String, Draft>);

impl Drafts {
    fn add(&mut self, why: &'static str, value: Value, verdict: Verdict) {
        let draft = Draft { why, value, verdict };
        self.0.entry(draft.value.to_string()).or_insert(draft);
    }
}

fn types(property: &Value) -> Vec<&str> {
    match property.get("type") {
        Some(Value::String(kind)) => vec![kind],
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn wrong_types(property: &Value, drafts: &mut Drafts) {
    let types = types(property);
    if types.is_empty() {
        return;
    }
    let number = types.contains(&"number") || types.contains(&"integer");
    let mut wrong = |fits: bool, why, value| {
        if !fits {
            drafts.add(why, value, Verdict::Refused);
        }
    };
    wrong(types.contains(&"string"), "a text", json!("x"));
    wrong(number, "a number", json!(7));
    wrong(types.contains(&"number") || !number, "a fraction", json!(1.5));
    wrong(types.contains(&"boolean"), "a boolean", json!(true));
    wrong(types.contains(&"array"), "a list", json!(["x"]));
    wrong(types.contains(&"object"), "an object", json!({"x": 1}));
    wrong(types.contains(&"null"), "null", Value::Null);
}

fn numbers(property: &Value, integer: bool, drafts: &mut Drafts) {
    let limit = |key: &str| property.get(key).and_then(Value::as_f64);
    let open = |key: &str| property.get(key).and_then(Value::as_bool) == Some(true);
    let step = limit("multipleOf").unwrap_or(if integer { 1.0 } else { 0.5 });
    let number = |value: f64| if integer { whole(value) } else { fraction(value) };
    let mut add = |why, value: f64, verdict| drafts.add(why, number(value), verdict);
    // A limit that is no whole number is not a value of an integer itself.
    let lowest = |minimum: f64| if integer { minimum.ceil() } else { minimum };
    let highest = |maximum: f64| if integer { maximum.floor() } else { maximum };
    match limit("minimum").map(lowest) {
        Some(minimum) if open("exclusiveMinimum") => {
            add("the minimum, which is excluded", minimum, Verdict::Refused);
            add("above the minimum", minimum + step, Verdict::Stated);
        }
        Some(minimum) => {
            add("the minimum", minimum, Verdict::Stated);
            add("below the minimum", minimum - step, Verdict::Refused);
        }
        None => {
            add("zero", 0.0, Verdict::Loose);
            add("a negative number", -step, Verdict::Loose);
        }
    }
    match limit("maximum").map(highest) {
        Some(maximum) if open("exclusiveMaximum") => {
            add("the maximum, which is excluded", maximum, Verdict::Refused);
            add("below the maximum", maximum - step, Verdict::Stated);
        }
        Some(maximum) => {
            add("the maximum", maximum, Verdict::Stated);
            add("above the maximum", maximum + step, Verdict::Refused);
        }
        None => add(
            "a large number",
            limit("minimum").map_or(1e6, lowest).max(0.0) + 1e6 * step,
            Verdict::Loose,
        ),
    }
}

/// Within what an i64 holds; further out no option is.
fn whole(value: f64) -> Value {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "`as` saturates, and no option is that large"
    )]
    let value = value as i64;
    json!(value)
}

fn fraction(value: f64) -> Value {
    Number::from_f64(value).map_or(Value::Null, Value::Number)
}

fn texts(property: &Value, drafts: &mut Drafts) {
    let length = |key: &str| property.get(key).and_then(Value::as_u64);
    let of_length = |length: u64| json!("a".repeat(usize::try_from(length).unwrap_or_default()));
    if property.get("enum").is_some() {
        return;
    }
    if let Some(minimum) = length("minLength").filter(|length| (1..LENGTH).contains(length)) {
        drafts.add("the shortest text", of_length(minimum), Verdict::Stated);
        drafts.add("a text that is too short", of_length(minimum - 1), Verdict::Refused);
    } else {
        drafts.add("an empty text", json!(""), Verdict::Loose);
    }
    if let Some(maximum) = length("maxLength").filter(|length| *length < LENGTH) {
        drafts.add("the longest text", of_length(maximum), Verdict::Stated);
        drafts.add("a text that is too long", of_length(maximum + 1), Verdict::Refused);
    }
    let pattern = property.get("pattern").and_then(Value::as_str);
    let fits = pattern.and_then(|pattern| compile(&json!({"pattern": pattern})).ok());
    if let Some(fits) = fits {
        let (fitting, others): (Vec<&str>, Vec<&str>) = TEXTS.iter().partition(|text| fits.is_valid(&json!(text)));
        for text in fitting {
            drafts.add("a text that fits the pattern", json!(text), Verdict::Loose);
        }
        for text in others {
            drafts.add("a text that does not fit the pattern", json!(text), Verdict::Refused);
        }
    }
    drafts.add("a text with a quote and a backslash", json!(AWKWARD), Verdict::Loose);
}

fn arrays(property: &Value, drafts: &mut Drafts) {
    let item = property.get("items").and_then(sample).unwrap_or_else(|| json!("x"));
    let of_length = |length: u64| {
        let length = usize::try_from(length).unwrap_or_default();
        Value::Array(vec![item.clone(); length])
    };
    let limit = |key: &str| property.get(key).and_then(Value::as_u64).filter(|limit| *limit < 100);
    match limit("minItems").filter(|minimum| *minimum > 0) {
        Some(minimum) => {
            drafts.add("the shortest list", of_length(minimum), Verdict::Stated);
            drafts.add("a list that is too short", of_length(minimum - 1), Verdict::Refused);
        }
        None => drafts.add("an empty list", json!([]), Verdict::Loose),
    }
    if let Some(maximum) = limit("maxItems") {
        drafts.add("the longest list", of_length(maximum), Verdict::Stated);
        drafts.add("a list that is too long", of_length(maximum + 1), Verdict::Refused);
    } else {
        drafts.add(
            "a list of one",
            of_length(limit("minItems").unwrap_or(1).max(1)),
            Verdict::Loose,
        );
    }
}

/// The options of a case over the defaults of its schema: what a user would pass, and what they become.
#[must_use]
pub fn merged(schema: &Value, case: &Case) -> Option<Value> {
    Some(merge(&defaults(schema)?, &case.options))
}
