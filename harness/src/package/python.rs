//! How Python writes JSON values: as `json.dumps` does, and as `str` does. The dcos client renders with both.
//!
//! After Python 3.9's `json` and `repr`.

use std::fmt::Write as _;

use serde_json::{Number, Value};

/// As `json.dumps(value)`: blanks after commas and colons, and nothing but ASCII.
#[must_use]
pub fn dumps(value: &Value) -> String {
    let mut out = String::new();
    write_json(&mut out, value, false);
    out
}

/// As `json.dumps(value, sort_keys=True)`.
#[must_use]
pub fn dumps_sorted(value: &Value) -> String {
    let mut out = String::new();
    write_json(&mut out, value, true);
    out
}

/// As `str(value)` of the value that `json.loads` gives.
#[must_use]
pub fn display(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => {
            let mut out = String::new();
            write_repr(&mut out, other);
            out
        }
    }
}

fn write_json(out: &mut String, value: &Value, sorted: bool) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Number(number) => write_number(out, number),
        Value::String(text) => write_string(out, text),
        Value::Array(items) => {
            sequence(out, ['[', ']'], items.iter(), |out, item| write_json(out, item, sorted));
        }
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            if sorted {
                entries.sort_by(|a, b| a.0.cmp(b.0));
            }
            sequence(out, ['{', '}'], entries.into_iter(), |out, (key, value)| {
                write_string(out, key);
                out.push_str(": ");
                write_json(out, value, sorted);
            });
        }
    }
}

fn write_repr(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("None"),
        Value::Bool(value) => out.push_str(if *value { "True" } else { "False" }),
        Value::Number(number) => write_number(out, number),
        Value::String(text) => write_repr_string(out, text),
        Value::Array(items) => sequence(out, ['[', ']'], items.iter(), write_repr),
        Value::Object(map) => sequence(out, ['{', '}'], map.iter(), |out, (key, value)| {
            write_repr_string(out, key);
            out.push_str(": ");
            write_repr(out, value);
        }),
    }
}

fn sequence<T>(
    out: &mut String,
    [open, close]: [char; 2],
    items: impl Iterator<Item = T>,
    mut write: impl FnMut(&mut String, T),
) {
    out.push(open);
    for (index, item) in items.enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        write(out, item);
    }
    out.push(close);
}

fn write_string(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            ' '..='~' => out.push(c),
            _ => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    // Writing into a string cannot fail.
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
        }
    }
    out.push('"');
}

/// Single quotes, or double ones where that spares an escape.
fn write_repr_string(out: &mut String, text: &str) {
    let quote = if text.contains('\'') && !text.contains('"') {
        '"'
    } else {
        '\''
    };
    out.push(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote => out.extend(['\\', c]),
            c if u32::from(c) < 0x20 || u32::from(c) == 0x7f => {
                let _ = write!(out, "\\x{:02x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push(quote);
}

fn write_number(out: &mut String, number: &Number) {
    let integer = number.is_i64() || number.is_u64();
    match number.as_f64() {
        Some(float) if !integer => out.push_str(&float_repr(float)),
        _ => out.push_str(&number.to_string()),
    }
}

/// The shortest digits that read back as `float`; with an exponent below 1e-4 and from 1e16.
fn float_repr(float: f64) -> String {
    let scientific = format!("{float:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if (-4..16).contains(&exponent) {
        let plain = format!("{float}");
        return if plain.contains('.') {
            plain
        } else {
            format!("{plain}.0")
        };
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_are_written_as_python_writes_them() {
        let written = |value: f64| dumps(&json!(value));
        assert_eq!(written(1024.0), "1024.0");
        assert_eq!(written(0.5), "0.5");
        assert_eq!(written(1e16), "1e+16");
        assert_eq!(written(9_999_999_999_999_998.0), "9999999999999998.0");
        assert_eq!(written(0.0001), "0.0001");
        assert_eq!(written(0.000_01), "1e-05");
        assert_eq!(written(-1.5e300), "-1.5e+300");
        assert_eq!(dumps(&json!(-7)), "-7");
        assert_eq!(dumps(&json!(u64::MAX)), "18446744073709551615");
    }

    #[test]
    fn json_is_ascii_with_blanks() {
        assert_eq!(
            dumps(&json!({"b": [1, "ä😀\u{7f}\n"], "a": null})),
            r#"{"b": [1, "\u00e4\ud83d\ude00\u007f\n"], "a": null}"#
        );
        assert_eq!(
            dumps_sorted(&json!({"b": 1, "a": {"d": 1, "c": 2}})),
            r#"{"a": {"c": 2, "d": 1}, "b": 1}"#
        );
    }

    #[test]
    fn str_is_what_people_see_in_python() {
        assert_eq!(display(&json!(null)), "None");
        assert_eq!(display(&json!(true)), "True");
        assert_eq!(display(&json!("it's")), "it's");
        assert_eq!(
            display(&json!(["it's", 'a', {"k": 1.0}])),
            r#"["it's", 'a', {'k': 1.0}]"#
        );
    }
}
