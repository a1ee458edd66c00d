//! Values for one property of a schema: each boundary that it states, each value beside it, and what it forgets to exclude.

use std::collections::BTreeMap;

use serde_json::{Number, Value, json};

use super::generate::Verdict;
use super::options::compile;

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
/// Larger lists are not made: of lists of lists of lists, a few lines ask for more than there is memory.
const LIST_BYTES: usize = 64 << 10;
/// Why a value is generated that stands in an `enum`.
pub(super) const OF_ENUM: &str = "a value of the enum";

/// One value of one property, before it is put among the others.
pub(super) struct Draft {
    pub(super) why: &'static str,
    pub(super) value: Value,
    pub(super) verdict: Verdict,
}

/// A value that fits, as plain as possible.
pub(super) fn sample(property: &Value) -> Option<Value> {
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

/// Every value for one property.
pub(super) fn drafts(property: &Value) -> Vec<Draft> {
    let mut drafts = Drafts::default();
    if let Some(default) = property.get("default") {
        drafts.add("its default", default.clone(), Verdict::Stated);
    }
    if let Some(Value::Array(values)) = property.get("enum") {
        for value in values {
            drafts.add(OF_ENUM, value.clone(), Verdict::Stated);
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
    let each = item.to_string().len() + 1;
    let mut add = |why, length: u64, verdict| {
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if each.saturating_mul(length) <= LIST_BYTES {
            drafts.add(why, Value::Array(vec![item.clone(); length]), verdict);
        }
    };
    let limit = |key: &str| property.get(key).and_then(Value::as_u64).filter(|limit| *limit < 100);
    match limit("minItems").filter(|minimum| *minimum > 0) {
        Some(minimum) => {
            add("the shortest list", minimum, Verdict::Stated);
            add("a list that is too short", minimum - 1, Verdict::Refused);
        }
        None => add("an empty list", 0, Verdict::Loose),
    }
    if let Some(maximum) = limit("maxItems") {
        add("the longest list", maximum, Verdict::Stated);
        add("a list that is too long", maximum + 1, Verdict::Refused);
    } else {
        let length = limit("minItems").unwrap_or(1).max(1);
        add("a list of one", length, Verdict::Loose);
    }
}
