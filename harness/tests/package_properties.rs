//! Generated options and archives, for schemas and bytes that nobody thought of.

use std::collections::BTreeSet;

use harness::package::{archive, generate, options, source};
use proptest::prelude::*;
use serde_json::{Value, json};

/// A property of any kind that config.json may have.
fn property() -> impl Strategy<Value = Value> {
    let number = (
        prop_oneof![Just("integer"), Just("number")],
        -50_i32..50,
        0_i32..50,
        any::<(bool, bool, bool)>(),
    )
        .prop_map(|(kind, low, span, (open, bounded, default))| {
            let mut schema = json!({"type": kind, "minimum": low, "exclusiveMinimum": open && span > 1});
            if bounded {
                schema["maximum"] = json!(low + span);
            }
            if default {
                schema["default"] = json!(low + i32::from(open && span > 1));
            }
            schema
        });
    let text = (0_usize..5, 5_usize..20, any::<(bool, bool)>()).prop_map(|(short, long, (bounded, default))| {
        let mut schema = json!({"type": "string", "minLength": short});
        if bounded {
            schema["maxLength"] = json!(long);
        }
        if default {
            schema["default"] = json!("a".repeat(short));
        }
        schema
    });
    let list = (0_usize..3, 3_usize..6).prop_map(|(short, long)| {
        json!({"type": "array", "minItems": short, "maxItems": long, "items": {"type": "integer", "minimum": 1}})
    });
    prop_oneof![
        number,
        text,
        list,
        Just(json!({"type": "boolean", "default": false})),
        Just(json!({"type": "string", "enum": ["a", "b"]})),
        Just(json!({"type": "string", "pattern": "^[a-z]+$"})),
        Just(json!({"type": ["integer", "null"]})),
        Just(json!({})),
    ]
}

fn config() -> impl Strategy<Value = Value> {
    let group = prop::collection::btree_map("[a-e]{1,3}", property(), 1..5);
    (prop::collection::btree_map("[f-h]", group, 1..3), any::<(bool, bool)>()).prop_map(|(groups, (strict, all))| {
        let groups = groups.into_iter().map(|(name, properties)| {
            let required: Vec<&String> = properties.keys().collect();
            let mut group = json!({"type": "object", "properties": properties, "additionalProperties": !strict});
            if all {
                group["required"] = json!(required);
            }
            (name, group)
        });
        json!({"type": "object", "properties": groups.collect::<serde_json::Map<_, _>>()})
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// What the generator says of a value is what the schema says, and every option has values of both kinds.
    #[test]
    fn generated_options_are_judged_as_the_schema_judges(schema in config()) {
        let validator = options::compile(&schema).expect("a schema");
        let complete = generate::complete(&schema).expect("it has properties");
        prop_assert!(validator.is_valid(&complete), "{}", complete);
        let cases = generate::generate(&schema).cases;
        for case in &cases {
            let refused = case.verdict == generate::Verdict::Refused;
            prop_assert_eq!(validator.is_valid(&case.options), !refused, "{:?}", case);
            if let Some(value) = &case.value {
                prop_assert_eq!(options::get(&case.options, &case.option), Some(value));
            }
        }
        let mut lacking = Vec::new();
        options::leaves(&schema, "", "", &mut |option, _, property| {
            let of = |refused: bool| cases.iter().any(|case| case.option == option && (case.verdict == generate::Verdict::Refused) == refused);
            let typed = property.get("type").is_some();
            if typed && !(of(true) && of(false)) {
                lacking.push(option.to_owned());
            }
        });
        prop_assert_eq!(lacking, Vec::<String>::new());
    }

    /// Both sides of every limit are tried.
    #[test]
    fn limits_are_met_exactly(minimum in -100_i64..100, span in 1_i64..100) {
        let property = json!({"type": "integer", "minimum": minimum, "maximum": minimum + span});
        let cases = generate::generate(&json!({"properties": {"x": property}})).cases;
        let tried = |refused: bool| -> BTreeSet<i64> {
            let of = |case: &&generate::Case| (case.verdict == generate::Verdict::Refused) == refused;
            cases.iter().filter(of).filter_map(|case| case.value.as_ref()?.as_i64()).collect()
        };
        prop_assert!(tried(false).is_superset(&BTreeSet::from([minimum, minimum + span])));
        prop_assert!(tried(true).is_superset(&BTreeSet::from([minimum - 1, minimum + span + 1])));
    }

    /// A few lines of a schema ask for lists of lists of lists: what is made of them stays small.
    #[test]
    fn lists_of_lists_stay_small(lengths in prop::collection::vec((1_u64..100, any::<bool>()), 1..4)) {
        let lists = lengths.iter().fold(json!({"type": "string"}), |items, (length, least)| {
            let limit = if *least { "minItems" } else { "maxItems" };
            json!({"type": "array", "items": items, limit: length})
        });
        let schema = json!({"properties": {"lists": lists}, "required": ["lists"]});
        for case in generate::generate(&schema).cases {
            prop_assert!(case.options.to_string().len() <= 70_000, "{}", case.why);
        }
    }

    /// Nothing that an archive is made of makes reading it panic.
    #[test]
    fn any_bytes_are_read(mut bytes in Just(archive::write([("a/repo/x".to_owned(), &b"abc"[..])]).expect("it is written")),
                          changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8)) {
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        let file = tempfile::NamedTempFile::new().expect("it is there");
        std::fs::write(file.path(), bytes).expect("it is written");
        if let Err(error) = source::open(file.path()) {
            prop_assert_eq!(error.kind(), harness::Kind::Package);
        }
    }
}
