//! What scenarios start from.

use harness::evidence::place::workspace_root;
use harness::stack::user_file;
use serde_json::Value;

/// The README's cluster: one master, one slave with the README's resources. A fresh one for every scenario.
pub(crate) use harness::fixtures::cluster;

/// The Mesos whose documents' shapes are kept: that of the default stack.
const SHAPES_OF: &str = "1.11.0";

/// True in a run of the default stack: what another version, a flag or a user's own image adds to a document or drops
/// from it is for no snapshot to judge.
pub(crate) fn has_known_shapes() -> bool {
    user_file(None).is_none()
}

/// Compares the shape of an API document (names and types, not values) with `snapshots/mesos/<version>/<name>.snap`: a
/// field that is added, dropped or of another type shows as a diff. What a cluster's size decides is kept out by showing
/// only the first element of a list.
pub(crate) fn assert_shape(name: &str, document: &Value) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(workspace_root().join("snapshots/mesos").join(SHAPES_OF));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_sort_maps(true);
    settings.bind(|| insta::assert_json_snapshot!(name, shape(document)));
}

fn shape(value: &Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| (name.clone(), shape(value)))
            .collect(),
        Value::Array(items) => items.iter().take(1).map(shape).collect(),
        Value::String(_) => "string".into(),
        Value::Number(_) => "number".into(),
        Value::Bool(_) => "boolean".into(),
        Value::Null => Value::Null,
    }
}
