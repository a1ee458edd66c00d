use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn rendered(template: &str, context: &Value) -> Output {
    let template = Template::parse(template).expect("a template");
    template.render(context, Style::Json).expect("it is small")
}

/// `tests/golden/pystache/record.py` wrote them, with the real one.
#[test]
fn pystache_renders_the_same() {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/pystache/cases.json");
    let recorded: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let (context, cases) = (&recorded["context"], recorded["cases"].as_array().unwrap());
    let mut refused = 0;
    for case in cases {
        let text = case["template"].as_str().unwrap();
        let template = match Template::parse(text) {
            Ok(template) => template,
            Err(problem) => {
                // Where pystache writes half of a template, we do not: no author wants either.
                let stricter = problem.message.ends_with("is not closed") || problem.message == "the tag does not end";
                assert!(stricter || case["error"].is_string(), "{text:?}: {problem}");
                refused += 1;
                continue;
            }
        };
        assert_eq!(case["error"], Value::Null, "{text:?}");
        for (style, name) in [(Style::Json, "json"), (Style::Plain, "plain")] {
            let output = template.render(context, style).unwrap();
            assert_eq!(output.text, case[name].as_str().unwrap(), "{name}: {text:?}");
        }
    }
    assert!(cases.len() - refused > 350, "{refused} of {}", cases.len());
}

#[test]
fn mistakes_have_a_place() {
    for (text, place, message) in [
        ("a\n {{#x}}b", "2:2", "the section `x` is not closed"),
        ("{{#x}}{{/y}}", "1:7", "`y` is closed where the section `x` is open"),
        ("a{{/y}}", "1:2", "`y` is closed and was not opened"),
        ("{{=<<=}}", "1:1", "`<<` are no two delimiters"),
        ("ä{{x", "1:2", "the tag does not end"),
        ("{{x}} {{", "1:7", "the tag does not end"),
    ] {
        let problem = Template::parse(text).expect_err(text);
        assert_eq!(
            (problem.position.to_string().as_str(), problem.message.as_str()),
            (place, message),
            "{text}"
        );
    }
    let deep = format!("{}{}", "{{#a}}".repeat(65), "{{/a}}".repeat(65));
    assert!(
        Template::parse(deep)
            .expect_err("too deep")
            .message
            .contains("deeper than 64")
    );
}

#[test]
fn what_was_read_is_told() {
    let context = json!({"kafka": {"zk": "a&b", "on": true}, "list": [{"x": 1}]});
    let output = rendered(
        "{{#kafka}}{{zk}}{{user}}{{/kafka}}{{{kafka.zk}}}{{#list}}{{x}}{{/list}}{{gone}}",
        &context,
    );
    let reads: Vec<_> = output
        .reads
        .iter()
        .map(|read| (read.name.as_str(), read.found.as_deref(), read.written, read.altered))
        .collect();
    assert_eq!(
        reads,
        [
            ("kafka", Some("kafka"), false, false),
            ("zk", Some("kafka.zk"), true, true),
            ("user", None, true, false),
            ("kafka.zk", Some("kafka.zk"), true, false),
            ("list", Some("list"), false, false),
            ("x", None, true, false),
            ("gone", None, true, false),
        ]
    );
    assert_eq!(output.reads[2].around, ["kafka"], "where `user` could have been");
}

#[test]
fn a_place_in_the_text_is_a_place_in_the_template() {
    let output = rendered("{\n  \"a\": {{a}},\n  \"b\": }", &json!({"a": "long\nvalue"}));
    let offset = output.text.find('}').unwrap();
    assert_eq!(output.origin(offset).to_string(), "3:8");
    let offset = output.text.find("value").unwrap();
    assert_eq!(
        output.origin(offset).to_string(),
        "2:8",
        "all of a value comes from its tag"
    );
}

#[test]
fn arrays_in_arrays_end_at_a_limit() {
    let items = json!({"a": vec![1; 100]});
    for inner in ["x", ""] {
        let text = format!("{}{inner}{}", "{{#a}}".repeat(8), "{{/a}}".repeat(8));
        let problem = Template::parse(text)
            .unwrap()
            .render(&items, Style::Json)
            .expect_err("10^16 times");
        assert_eq!(problem.message, "what it renders to is too large");
    }
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>()
            .prop_filter("finite", |float| float.is_finite())
            .prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map("[a-c]", inner, 0..4).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    /// Whatever stands in a template, reading it ends without a panic, and text without tags stays as it is.
    #[test]
    fn any_text_is_read(text in "(\\{\\{|\\}\\}|[#^/!>&={}a. \n]|é){0,40}", context in value()) {
        if let Ok(template) = Template::parse(text.as_str()) {
            let output = template.render(&context, Style::Json).expect("it is small");
            if !text.contains("{{") {
                prop_assert_eq!(output.text, text);
            }
        }
    }

    /// In the place of a JSON value, `{{{x}}}` is that value: all but texts, which are written without quotes.
    #[test]
    fn a_value_survives_where_json_is_due(value in value().prop_filter("no text", |value| !value.is_string())) {
        let output = rendered("{\"x\": {{{x}}}}", &json!({"x": value}));
        let back: Value = serde_json::from_str(&output.text).expect("it is JSON");
        prop_assert_eq!(&back["x"], &value);
    }

    /// A section of a list writes its inside once for each element, an inverted one once where there is none.
    #[test]
    fn sections_repeat(length in 0_usize..20) {
        let context = json!({"x": vec![true; length]});
        prop_assert_eq!(rendered("{{#x}}.{{/x}}", &context).text, ".".repeat(length));
        prop_assert_eq!(rendered("{{^x}}.{{/x}}", &context).text.len(), usize::from(length == 0));
    }

    /// Every place in the output is one in the template.
    #[test]
    fn origins_are_places(context in value(), offset in 0_usize..200) {
        let text = "a{{a}}\n{{#b}}x{{{c}}}\n{{/b}}z";
        let last = Position::of(text, text.len());
        prop_assert!(rendered(text, &context).origin(offset) <= last);
    }
}
