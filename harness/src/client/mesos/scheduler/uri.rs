//! What the fetcher brings.

use serde_json::{Value, json};

/// Something the fetcher puts into the sandbox before the task starts.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Uri {
    value: String,
    executable: bool,
    extract: bool,
    cache: bool,
    output_file: Option<String>,
}

impl Uri {
    /// An address or a path of the agent; an archive is extracted.
    pub fn new(value: impl Into<String>) -> Self {
        Uri {
            value: value.into(),
            executable: false,
            extract: true,
            cache: false,
            output_file: None,
        }
    }

    /// Makes it executable, and does not extract it.
    pub fn executable(mut self) -> Self {
        self.executable = true;
        self
    }

    /// Keeps it in the agent's cache.
    pub fn cache(mut self) -> Self {
        self.cache = true;
        self
    }

    /// Leaves an archive as it is.
    pub fn no_extract(mut self) -> Self {
        self.extract = false;
        self
    }

    /// Its name in the sandbox, instead of its own.
    pub fn output_file(mut self, name: impl Into<String>) -> Self {
        self.output_file = Some(name.into());
        self
    }

    pub(super) fn to_v1(&self) -> Value {
        let mut uri = json!({
            "value": self.value,
            "executable": self.executable,
            "extract": self.extract,
            "cache": self.cache,
        });
        if let Some(name) = &self.output_file {
            uri["output_file"] = name.as_str().into();
        }
        uri
    }
}
