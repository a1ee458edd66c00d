//! Identifiers, one type each.
//!
//! `/state` and its kin write an identifier as a plain string; the v1 API writes `{"value": "…"}` (Mesos
//! `include/mesos/v1/mesos.proto`). The types here read and write the plain form; a field of the v1 API says
//! `#[serde(with = "wrapped")]`, or one of [`wrapped::option`] and [`wrapped::list`].

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

macro_rules! ids {
    ($($(#[$doc:meta])+ $name:ident;)+) => {
        $(
            $(#[$doc])+
            #[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
            #[serde(transparent)]
            pub struct $name(String);

            impl $name {
                /// The identifier as Mesos prints it.
                #[must_use]
                pub fn as_str(&self) -> &str {
                    &self.0
                }

                /// `{"value": "…"}`, as calls of the v1 API take it.
                #[must_use]
                pub fn to_v1(&self) -> Value {
                    json!({ "value": self.0 })
                }
            }

            impl From<String> for $name {
                fn from(text: String) -> Self {
                    $name(text)
                }
            }

            impl From<&str> for $name {
                fn from(text: &str) -> Self {
                    $name(text.to_owned())
                }
            }

            impl AsRef<str> for $name {
                fn as_ref(&self) -> &str {
                    &self.0
                }
            }

            impl fmt::Display for $name {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str(&self.0)
                }
            }
        )+
    };
}

ids! {
    /// An agent, as the master registered it: `<master's id>-S<number>`.
    AgentId;
    /// A framework: `<master's id>-<four digits>`.
    FrameworkId;
    /// A task, chosen by its framework and unique within it.
    TaskId;
    /// One offer: `<master's id>-O<number>`.
    OfferId;
    /// An executor, unique within its framework on one agent.
    ExecutorId;
}

/// A container of an agent; a nested one names its parent.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ContainerId {
    /// The container's own part.
    pub value: String,
    /// The container it is nested in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Box<ContainerId>>,
}

impl ContainerId {
    /// A container that is nested in no other.
    pub fn root(value: impl Into<String>) -> Self {
        ContainerId {
            value: value.into(),
            parent: None,
        }
    }
}

impl fmt::Display for ContainerId {
    /// `parent.child`, as Mesos logs it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = &self.parent {
            write!(f, "{parent}.")?;
        }
        f.write_str(&self.value)
    }
}

/// An identifier in the v1 API's shape: `{"value": "…"}`.
pub mod wrapped {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Deserialize)]
    struct Read {
        value: String,
    }

    #[derive(Serialize)]
    struct Write<'a> {
        value: &'a str,
    }

    /// Reads `{"value": "…"}`.
    ///
    /// # Errors
    /// The deserializer's, for any other shape.
    pub fn deserialize<'de, D: Deserializer<'de>, T: From<String>>(from: D) -> Result<T, D::Error> {
        Read::deserialize(from).map(|read| T::from(read.value))
    }

    /// Writes `{"value": "…"}`.
    ///
    /// # Errors
    /// The serializer's.
    pub fn serialize<S: Serializer, T: AsRef<str>>(id: &T, to: S) -> Result<S::Ok, S::Error> {
        Write { value: id.as_ref() }.serialize(to)
    }

    /// The same for a field that may be absent; use it with `#[serde(default)]`.
    pub mod option {
        use super::{Deserialize, Deserializer, Read, Serialize, Serializer, Write};

        /// Reads `{"value": "…"}` or null.
        ///
        /// # Errors
        /// The deserializer's, for any other shape.
        pub fn deserialize<'de, D: Deserializer<'de>, T: From<String>>(from: D) -> Result<Option<T>, D::Error> {
            Ok(Option::<Read>::deserialize(from)?.map(|read| T::from(read.value)))
        }

        /// Writes `{"value": "…"}` or null.
        ///
        /// # Errors
        /// The serializer's.
        pub fn serialize<S: Serializer, T: AsRef<str>>(id: &Option<T>, to: S) -> Result<S::Ok, S::Error> {
            id.as_ref().map(|id| Write { value: id.as_ref() }).serialize(to)
        }
    }

    /// The same for a list; use it with `#[serde(default)]`.
    pub mod list {
        use super::{Deserialize, Deserializer, Read, Serializer, Write};

        /// Reads `[{"value": "…"}, …]`.
        ///
        /// # Errors
        /// The deserializer's, for any other shape.
        pub fn deserialize<'de, D: Deserializer<'de>, T: From<String>>(from: D) -> Result<Vec<T>, D::Error> {
            Ok(Vec::<Read>::deserialize(from)?
                .into_iter()
                .map(|read| T::from(read.value))
                .collect())
        }

        /// Writes `[{"value": "…"}, …]`.
        ///
        /// # Errors
        /// The serializer's.
        pub fn serialize<S: Serializer, T: AsRef<str>>(ids: &[T], to: S) -> Result<S::Ok, S::Error> {
            to.collect_seq(ids.iter().map(|id| Write { value: id.as_ref() }))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct V1 {
        #[serde(with = "wrapped")]
        agent_id: AgentId,
        #[serde(default, with = "wrapped::option", skip_serializing_if = "Option::is_none")]
        executor_id: Option<ExecutorId>,
        #[serde(default, with = "wrapped::list")]
        offer_ids: Vec<OfferId>,
    }

    #[test]
    fn the_v1_api_wraps_identifiers() {
        let text = r#"{"agent_id":{"value":"a-S0"},"offer_ids":[{"value":"a-O1"},{"value":"a-O2"}]}"#;
        let read: V1 = serde_json::from_str(text).expect("the shape of the v1 API");
        assert_eq!(read.agent_id, AgentId::from("a-S0"));
        assert_eq!(read.executor_id, None);
        assert_eq!(read.offer_ids.len(), 2);
        assert_eq!(serde_json::to_string(&read).expect("it serialises"), text);
    }

    #[test]
    fn each_shape_refuses_the_other() {
        serde_json::from_str::<V1>(r#"{"agent_id":"a-S0"}"#).expect_err("a plain string is not the v1 shape");
        serde_json::from_str::<AgentId>(r#"{"value":"a-S0"}"#).expect_err("an object is not the plain shape");
        assert_eq!(
            serde_json::from_str::<AgentId>(r#""a-S0""#).expect("the plain shape"),
            AgentId::from("a-S0")
        );
    }

    #[test]
    fn a_nested_container_prints_its_parents() {
        let id: ContainerId =
            serde_json::from_str(r#"{"value":"c","parent":{"value":"b","parent":{"value":"a"}}}"#).expect("nested");
        assert_eq!(id.to_string(), "a.b.c");
    }
}
