//! The options of a package: defaults, what a user sets, and what the schema says of both.
//!
//! After dcos 0.3.6 (`dcos/package.py`: how defaults are collected, how options are merged; `dcos/util.py`: validation
//! as draft 4, without formats).

use jsonschema::Validator;
use serde::Serialize;
use serde_json::{Map, Value};

use super::json::{dotted, step};
use super::mustache::join;
use crate::suggest::closest;

/// The defaults of a config.json: `default` where there is one, else those of the object's properties. None where the
/// schema has no `properties`, which the client refuses.
#[must_use]
pub fn defaults(schema: &Value) -> Option<Value> {
    let mut found = Map::new();
    for (key, property) in schema.get("properties")?.as_object()? {
        if let Some(default) = property.get("default") {
            found.insert(key.clone(), default.clone());
        } else if property.get("type").and_then(Value::as_str) == Some("object") {
            // The client writes null here, and then refuses it by the schema.
            found.insert(key.clone(), defaults(property).unwrap_or(Value::Null));
        }
    }
    Some(Value::Object(found))
}

/// `user` laid over `base`: objects key by key, everything else as a whole.
#[must_use]
pub fn merge(base: &Value, user: &Value) -> Value {
    let (Value::Object(base), Value::Object(user)) = (base, user) else {
        return user.clone();
    };
    let mut merged = base.clone();
    for (key, value) in user {
        let value = base
            .get(key)
            .map_or_else(|| value.clone(), |before| merge(before, value));
        merged.insert(key.clone(), value);
    }
    Value::Object(merged)
}

/// Why options do not fit a schema.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Misfit {
    /// Where in the options, as a JSON pointer.
    pub pointer: String,
    /// What the schema says.
    pub message: String,
}

impl Misfit {
    /// Its place as options are written, as in `kafka.app.cpus`; empty for all of them.
    #[must_use]
    pub fn option(&self) -> String {
        dotted(&self.pointer)
    }
}

/// A schema of draft 4, ready for use.
///
/// # Errors
/// Where in the schema a mistake is, as a JSON pointer, and what it is.
pub fn compile(schema: &Value) -> Result<Validator, Misfit> {
    jsonschema::draft4::options()
        .should_validate_formats(false)
        .build(schema)
        .map_err(|error| Misfit {
            pointer: error.instance_path().to_string(),
            message: error.to_string(),
        })
}

/// Everything in `value` that does not fit, in the order of the document.
#[must_use]
pub fn misfits(validator: &Validator, value: &Value) -> Vec<Misfit> {
    let errors = validator.iter_errors(value).map(|error| Misfit {
        pointer: error.instance_path().to_string(),
        message: error.to_string(),
    });
    errors.collect()
}

/// An option that config.json does not declare.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unknown {
    /// As in `kafka.zkk`.
    pub option: String,
    /// What it was probably meant to be.
    pub nearest: Option<String>,
    /// Whether the schema refuses it (`additionalProperties: false`). Else the client takes it, and nothing reads it.
    pub refused: bool,
}

/// Those of `user`'s options that `schema` does not declare.
#[must_use]
pub fn unknown(schema: &Value, user: &Value) -> Vec<Unknown> {
    let mut paths = Vec::new();
    leaves(schema, "", "", &mut |path, _, _| paths.push(path.to_owned()));
    let mut found = Vec::new();
    undeclared(schema, user, "", &paths, &mut found);
    found
}

fn undeclared(schema: &Value, user: &Value, path: &str, known: &[String], found: &mut Vec<Unknown>) {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
        return;
    };
    for (key, value) in user.as_object().into_iter().flatten() {
        let option = join(path, key);
        if let Some(property) = properties.get(key) {
            undeclared(property, value, &option, known, found);
            continue;
        }
        let fits_pattern = schema.get("patternProperties").is_some();
        let extra = schema.get("additionalProperties");
        if fits_pattern || extra.is_some_and(|extra| extra.as_bool() != Some(false)) {
            continue;
        }
        found.push(Unknown {
            nearest: nearest(&option, key, properties, path, known),
            refused: extra.is_some(),
            option,
        });
    }
}

/// A sibling of a like name, else an option of that name in another group, else any of a like path.
fn nearest(option: &str, key: &str, siblings: &Map<String, Value>, path: &str, known: &[String]) -> Option<String> {
    let names: Vec<&str> = siblings.keys().map(String::as_str).collect();
    if let Some(sibling) = closest(key, &names) {
        return Some(join(path, sibling));
    }
    let namesake = known.iter().find(|known| known.rsplit('.').next() == Some(key));
    if let Some(namesake) = namesake {
        return Some(namesake.clone());
    }
    let paths: Vec<&str> = known.iter().map(String::as_str).collect();
    closest(option, &paths).map(str::to_owned)
}

/// Calls `each` with every option that is no group: its path as in `kafka.zk`, the JSON pointer of its schema in
/// config.json, and its schema. Groups are objects with properties; one without is an option itself.
pub fn leaves<'s>(schema: &'s Value, path: &str, pointer: &str, each: &mut impl FnMut(&str, &str, &'s Value)) {
    for (key, property) in properties(schema) {
        let path = join(path, key);
        let pointer = format!("{pointer}/properties{}", step(key));
        if properties(property).next().is_some() {
            leaves(property, &path, &pointer, each);
        } else {
            each(&path, &pointer, property);
        }
    }
}

/// What an object's schema declares.
pub(super) fn properties(schema: &Value) -> impl Iterator<Item = (&String, &Value)> {
    let properties = schema.get("properties").and_then(Value::as_object);
    properties.into_iter().flatten()
}

/// Whether config.json declares the option or group of a path.
#[must_use]
pub fn declares(schema: &Value, path: &str) -> bool {
    let mut schema = schema;
    for part in path.split('.') {
        match schema.get("properties").and_then(|properties| properties.get(part)) {
            Some(property) => schema = property,
            // An object of free form declares whatever is in it.
            None => return schema.get("properties").is_none() && schema["type"] == "object",
        }
    }
    true
}

/// The value at a path as in `kafka.zk`.
#[must_use]
pub fn get<'o>(options: &'o Value, path: &str) -> Option<&'o Value> {
    path.split('.').try_fold(options, |value, part| value.get(part))
}

/// `options` with `value` at a path, groups made as needed.
#[must_use]
pub fn with(options: &Value, path: &str, value: Value) -> Value {
    let user = path.rsplit('.').fold(value, |inner, part| {
        Value::Object(Map::from_iter([(part.to_owned(), inner)]))
    });
    merge(options, &user)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schema() -> Value {
        json!({"type": "object", "properties": {
            "mesos": {"type": "object", "properties": {"master": {"type": "string", "default": "zk://m"}}},
            "kafka": {"type": "object", "additionalProperties": false, "properties": {
                "cpus": {"type": "number", "default": 0.5, "minimum": 0.1},
                "user": {"type": "string"},
                "zookeeper": {"type": "string", "default": "master.mesos:2181"}}},
            "whole": {"type": "object", "default": {"a": 1}, "properties": {"b": {"default": 2}}},
            "free": {"type": "object"}}})
    }

    #[test]
    fn defaults_are_collected_as_the_client_does() {
        assert_eq!(
            defaults(&schema()),
            Some(json!({
                "mesos": {"master": "zk://m"}, "kafka": {"cpus": 0.5, "zookeeper": "master.mesos:2181"},
                "whole": {"a": 1}, "free": null,
            }))
        );
        assert_eq!(defaults(&json!({"type": "object"})), None);
    }

    #[test]
    fn objects_merge_and_everything_else_is_replaced() {
        let base = json!({"a": {"b": 1, "c": [1, 2]}, "d": 1});
        let user = json!({"a": {"c": [3]}, "d": {"e": null}, "f": 2});
        assert_eq!(
            merge(&base, &user),
            json!({"a": {"b": 1, "c": [3]}, "d": {"e": null}, "f": 2})
        );
        assert_eq!(
            with(&base, "a.b", json!(7)),
            json!({"a": {"b": 7, "c": [1, 2]}, "d": 1})
        );
    }

    #[test]
    fn an_unknown_option_is_named_with_the_nearest_known_one() {
        let user = json!({"kafka": {"cpu": 1, "master": "x"}, "mesos": {"mastr": "x"}, "nothing-like-it": 1});
        let found = unknown(&schema(), &user);
        let told: Vec<(&str, Option<&str>, bool)> = found
            .iter()
            .map(|one| (one.option.as_str(), one.nearest.as_deref(), one.refused))
            .collect();
        assert_eq!(
            told,
            [
                ("kafka.cpu", Some("kafka.cpus"), true),
                ("kafka.master", Some("mesos.master"), true),
                ("mesos.mastr", Some("mesos.master"), false),
                ("nothing-like-it", None, false),
            ]
        );
    }

    #[test]
    fn what_does_not_fit_has_its_place() {
        let validator = compile(&schema()).expect("a schema");
        let found = misfits(&validator, &json!({"kafka": {"cpus": 0}}));
        assert_eq!(found[0].option(), "kafka.cpus");
        assert_eq!(found[0].message, "0 is less than the minimum of 0.1");
        let error = compile(&json!({"properties": {"a": {"type": "strin"}}})).expect_err("no such type");
        assert_eq!(error.pointer, "/properties/a/type");
    }
}
