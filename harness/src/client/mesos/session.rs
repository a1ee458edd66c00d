//! Commands beside a task, in its container, and the streams of containers (Mesos `docs/operator-http-api.md`,
//! LAUNCH_NESTED_CONTAINER_SESSION and ATTACH_CONTAINER_*; the agent's `mesos-io-switchboard` carries the bytes).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::agent::AgentClient;
use super::operator::call;
use super::stream::{EventStream, Opened};
use crate::Result;
use crate::await_until::Wait;
use crate::client::{ContainerId, Request};
use crate::deadlines::SESSION_OUTPUT;

const PATH: &str = "api/v1";
/// How often the io-switchboard says that it is there, in seconds (`src/slave/containerizer/mesos/io/switchboard.hpp`).
const HEARTBEAT: f64 = 30.0;

/// What a session runs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Command {
    value: String,
    terminal: bool,
}

impl Command {
    /// `value`, given to `/bin/sh`.
    pub fn shell(value: impl Into<String>) -> Self {
        Command {
            value: value.into(),
            terminal: false,
        }
    }

    /// On a terminal: then stdout and stderr are one. It has no size before [`AgentClient::attach_terminal`] gives it
    /// one: the agent reads no `window_size` of a launch (`src/slave/containerizer/mesos/io/switchboard.cpp`).
    pub fn terminal(mut self) -> Self {
        self.terminal = true;
        self
    }

    fn to_v1(&self, container: &ContainerId) -> Value {
        let mut launch = json!({
            "container_id": container,
            "command": { "value": self.value, "shell": true },
        });
        if self.terminal {
            launch["container"] = json!({ "type": "MESOS", "tty_info": {} });
        }
        launch
    }
}

/// The output of a container, as it comes.
#[derive(Debug)]
pub struct Session {
    container: ContainerId,
    stream: EventStream,
    /// What came so far.
    output: Output,
}

/// All that a container wrote while it was attached to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Output {
    /// Its standard output; on a terminal everything.
    pub stdout: Vec<u8>,
    /// Its standard error.
    pub stderr: Vec<u8>,
}

#[derive(Deserialize)]
struct ProcessIo {
    data: Option<Data>,
}

#[derive(Deserialize)]
struct Data {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    data: String,
}

impl Session {
    /// The container.
    #[must_use]
    pub fn container(&self) -> &ContainerId {
        &self.container
    }

    /// Reads until the container's output ends: all of it since it was attached to.
    ///
    /// What a command writes to a terminal just before it ends may be lost: the kernel hangs a terminal up when the
    /// session's leader ends, and drops what nobody read yet. [`Session::read_until`] lets it wait for its reader.
    ///
    /// # Errors
    /// [`Kind::Deadline`](crate::Kind::Deadline) after [`SESSION_OUTPUT`], [`Kind::Answer`](crate::Kind::Answer) when
    /// the stream breaks off or is not what it should be.
    pub async fn read_to_end(mut self) -> Result<Output> {
        self.wait("ends")
            .for_future(async {
                while self.read().await? {}
                Ok(())
            })
            .await?;
        Ok(self.output)
    }

    /// Reads until the standard output has `text` in it.
    ///
    /// # Errors
    /// As [`Session::read_to_end`]; [`Kind::Answer`](crate::Kind::Answer) too where the output ends without it.
    pub async fn read_until(&mut self, text: &str) -> Result<()> {
        self.wait(&format!("has {text:?} in it"))
            .for_future(async {
                while !String::from_utf8_lossy(&self.output.stdout).contains(text) {
                    if !self.read().await? {
                        let all = String::from_utf8_lossy(&self.output.stdout).into_owned();
                        let error = self.stream.fault("output that ended too soon");
                        return Err(error.expected(format!("{text:?} in it")).evidence(all));
                    }
                }
                Ok(())
            })
            .await
    }

    fn wait(&self, what: &str) -> Wait<'static> {
        let container = &self.container.value;
        Wait::that(
            format!("the output of the container {container} {what}"),
            SESSION_OUTPUT,
        )
    }

    /// Reads the next piece; false at the end.
    async fn read(&mut self) -> Result<bool> {
        let Some(event) = self.stream.next::<ProcessIo>().await? else {
            return Ok(false);
        };
        // Without data it is a heartbeat.
        let Some(data) = event.data else { return Ok(true) };
        let bytes = STANDARD
            .decode(&data.data)
            .map_err(|error| self.stream.fault("output that is not base64").caused_by(error))?;
        match data.kind.as_str() {
            "STDERR" => self.output.stderr.extend(bytes),
            _ => self.output.stdout.extend(bytes),
        }
        Ok(true)
    }
}

impl AgentClient {
    /// LAUNCH_NESTED_CONTAINER_SESSION: runs a command in the container `parent`. It waits for its input unless
    /// [`AgentClient::attach_input`] gives it some, and ends with the session.
    ///
    /// # Errors
    /// The request's.
    pub async fn exec(&self, parent: &ContainerId, command: Command) -> Result<Session> {
        let container = ContainerId {
            value: Uuid::new_v4().to_string(),
            parent: Some(Box::new(parent.clone())),
        };
        let body = call("LAUNCH_NESTED_CONTAINER_SESSION", Some(command.to_v1(&container)));
        self.session(container, &body).await
    }

    /// ATTACH_CONTAINER_OUTPUT: what a container with a terminal or of a session writes from now on.
    ///
    /// # Errors
    /// The request's; for any other container the agent refuses.
    pub async fn attach_output(&self, container: &ContainerId) -> Result<Session> {
        let body = call("ATTACH_CONTAINER_OUTPUT", Some(json!({ "container_id": container })));
        self.session(container.clone(), &body).await
    }

    async fn session(&self, container: ContainerId, body: &Value) -> Result<Session> {
        match EventStream::open(self.http().post_for_records(PATH, body)).await? {
            Opened::Stream(mut stream) => {
                stream.expect_heartbeat(HEARTBEAT);
                Ok(Session {
                    container,
                    stream: *stream,
                    output: Output::default(),
                })
            }
            Opened::Refused { error, .. } => Err(error),
        }
    }

    /// ATTACH_CONTAINER_INPUT: gives a container all of its standard input, and ends it.
    ///
    /// # Errors
    /// The request's.
    pub async fn attach_input(&self, container: &ContainerId, input: &[u8]) -> Result<()> {
        // Nothing more is the end of the input.
        self.input(container, &[typed(input), typed(b"")]).await
    }

    /// ATTACH_CONTAINER_INPUT for a container with a terminal: gives it a size in characters, and types `input`.
    ///
    /// # Errors
    /// The request's.
    pub async fn attach_terminal(
        &self,
        container: &ContainerId,
        (rows, columns): (u16, u16),
        input: &[u8],
    ) -> Result<()> {
        let size = json!({ "window_size": { "rows": rows, "columns": columns } });
        let resized = json!({ "type": "CONTROL", "control": { "type": "TTY_INFO", "tty_info": size } });
        self.input(container, &[resized, typed(input)]).await
    }

    async fn input(&self, container: &ContainerId, all: &[Value]) -> Result<()> {
        let record = |body: Value| call("ATTACH_CONTAINER_INPUT", Some(body));
        let mut records = vec![record(json!({ "type": "CONTAINER_ID", "container_id": container }))];
        let rest = all
            .iter()
            .map(|io| record(json!({ "type": "PROCESS_IO", "process_io": io })));
        records.extend(rest);
        let request: Request = self.http().post_records(PATH, &records);
        request.send().await?.ok().map(drop)
    }
}

/// A v1 `ProcessIO` with a part of the input.
fn typed(bytes: &[u8]) -> Value {
    json!({ "type": "DATA", "data": { "type": "STDIN", "data": STANDARD.encode(bytes) } })
}
