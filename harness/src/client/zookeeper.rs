//! ZooKeeper: znodes through a session, and the four-letter words that servers answer without one.

use std::time::Duration;

use serde::Deserialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, ToSocketAddrs};

use super::mesos::operator::MasterInfo;
use crate::await_until::{Probe, Wait};
use crate::deadlines::{Deadline, ZOOKEEPER_READY, ZOOKEEPER_REQUEST};
use crate::{Error, Kind, Result};

/// The prefix of the nodes by which masters stand for election (Mesos `src/master/constants.hpp`).
const MASTER_NODE: &str = "json.info_";
/// The largest answer to a four-letter word.
const WORD_LIMIT: u64 = 1024 * 1024;

/// A session with an ensemble.
#[derive(Clone, Debug)]
pub struct ZooKeeper {
    client: zookeeper_client::Client,
    servers: String,
}

impl ZooKeeper {
    /// `servers` is `host:port[,host:port…]`, with a chroot such as `/mesos` at its end or without.
    ///
    /// # Errors
    /// [`Kind::Deadline`] when no server takes the session, [`Kind::Usage`] when `servers` is no such list.
    pub async fn connect(servers: &str) -> Result<Self> {
        let connecting = async {
            zookeeper_client::Client::connector()
                .with_session_timeout(Duration::from_secs(10))
                .with_connection_timeout(Duration::from_secs(2))
                .connect(servers)
                .await
                .map_err(|error| failed(servers, "connect", "", error))
        };
        let client =
            Wait::that(format!("ZooKeeper at {servers} takes a session"), ZOOKEEPER_READY).for_future(connecting);
        Ok(ZooKeeper {
            client: client.await?,
            servers: servers.to_owned(),
        })
    }

    /// Names of the children of a znode, sorted.
    ///
    /// # Errors
    /// [`Kind::Answer`] when the znode is not there or the server fails, [`Kind::Deadline`] when it does not answer.
    pub async fn children(&self, path: &str) -> Result<Vec<String>> {
        let mut names = self.bounded("ls", path, self.client.list_children(path)).await?;
        names.sort_unstable();
        Ok(names)
    }

    /// The data of a znode.
    ///
    /// # Errors
    /// As [`ZooKeeper::children`].
    pub async fn data(&self, path: &str) -> Result<Vec<u8>> {
        self.bounded("get", path, self.client.get_data(path))
            .await
            .map(|(data, _)| data)
    }

    /// Whether a znode is there.
    ///
    /// # Errors
    /// As [`ZooKeeper::children`].
    pub async fn exists(&self, path: &str) -> Result<bool> {
        self.bounded("stat", path, self.client.check_stat(path))
            .await
            .map(|stat| stat.is_some())
    }

    /// Waits until a znode is there, woken by the server.
    ///
    /// # Errors
    /// [`Kind::Deadline`] when it does not appear, otherwise as [`ZooKeeper::children`].
    pub async fn wait_for_node(&self, path: &str, deadline: Deadline) -> Result<()> {
        let appears = async {
            loop {
                let (stat, watcher) = self
                    .bounded("stat -w", path, self.client.check_and_watch_stat(path))
                    .await?;
                if stat.is_some() {
                    return Ok(());
                }
                watcher.changed().await;
            }
        };
        Wait::that(format!("the znode {path} at {} is there", self.servers), deadline)
            .for_future(appears)
            .await
    }

    /// Waits until `path` has at least one child.
    ///
    /// # Errors
    /// As [`ZooKeeper::wait_for_node`].
    pub async fn wait_for_children(&self, path: &str, deadline: Deadline) -> Result<Vec<String>> {
        self.wait_for_node(path, deadline).await?;
        let appear = async {
            loop {
                let request = self.client.list_and_watch_children(path);
                let (mut names, watcher) = self.bounded("ls -w", path, request).await?;
                if !names.is_empty() {
                    names.sort_unstable();
                    return Ok(names);
                }
                watcher.changed().await;
            }
        };
        Wait::that(format!("the znode {path} at {} has a child", self.servers), deadline)
            .for_future(appear)
            .await
    }

    /// The master that leads, from the election below `path` (`/mesos`): of all candidates the one with the lowest
    /// sequence number. Nothing without a candidate.
    ///
    /// # Errors
    /// As [`ZooKeeper::children`], and [`Kind::Answer`] when the record is not a master's.
    pub async fn mesos_leader(&self, path: &str) -> Result<Option<MasterInfo>> {
        let path = path.trim_end_matches('/');
        if !self.exists(path).await? {
            return Ok(None);
        }
        let children = self.children(path).await?;
        let Some(node) = leading(&children) else {
            return Ok(None);
        };
        let node = format!("{path}/{node}");
        let record = match self.client_data(&node).await? {
            Some(record) => record,
            // It resigned between the two looks.
            None => return Ok(None),
        };
        serde_json::from_slice(&record).map(Some).map_err(|error| {
            Error::new(Kind::Answer, format!("the znode {node} is not the record of a master"))
                .ran(format!("zkCli.sh -server {} get {node}", self.servers))
                .evidence(super::http::excerpt(&record))
                .caused_by(error)
        })
    }

    /// A znode's data, or nothing when it is not there.
    async fn client_data(&self, path: &str) -> Result<Option<Vec<u8>>> {
        let data = async {
            match self.client.get_data(path).await {
                Ok((data, _)) => Ok(Some(data)),
                Err(zookeeper_client::Error::NoNode) => Ok(None),
                Err(error) => Err(error),
            }
        };
        self.bounded("get", path, data).await
    }

    async fn bounded<T>(
        &self,
        command: &str,
        path: &str,
        request: impl Future<Output = std::result::Result<T, zookeeper_client::Error>>,
    ) -> Result<T> {
        let answer = async {
            request
                .await
                .map_err(|error| failed(&self.servers, command, path, error))
        };
        Wait::that(
            format!("ZooKeeper at {} answers `{command} {path}`", self.servers),
            ZOOKEEPER_REQUEST,
        )
        .for_future(answer)
        .await
    }
}

fn failed(servers: &str, command: &str, path: &str, error: zookeeper_client::Error) -> Error {
    let kind = match error {
        zookeeper_client::Error::BadArguments(_) => Kind::Usage,
        zookeeper_client::Error::Timeout => Kind::Deadline,
        _ => Kind::Answer,
    };
    Error::new(kind, format!("ZooKeeper could not {command} {path}: {error}"))
        .ran(format!("zkCli.sh -server {servers} {command} {path}"))
        .caused_by(error)
}

/// The candidate with the lowest sequence number.
fn leading(children: &[String]) -> Option<&String> {
    let sequence = |name: &String| name.strip_prefix(MASTER_NODE)?.parse::<u64>().ok();
    children
        .iter()
        .filter(|name| sequence(name).is_some())
        .min_by_key(|name| sequence(name))
}

/// What a server is to its ensemble.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// It leads the ensemble.
    Leader,
    /// It follows the leader.
    Follower,
    /// It follows without a vote.
    Observer,
    /// It is the whole ensemble.
    Standalone,
}

impl Mode {
    fn read(text: &str) -> Option<Mode> {
        Some(match text {
            "leader" => Mode::Leader,
            "follower" => Mode::Follower,
            "observer" => Mode::Observer,
            "standalone" => Mode::Standalone,
            _ => return None,
        })
    }
}

/// What a server says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerStatus {
    /// ZooKeeper's version, as in `3.8.0`.
    pub version: String,
    /// What it is to its ensemble.
    pub mode: Mode,
    /// How many connections it has; the one that asks counts.
    pub connections: Option<u64>,
}

/// One server, asked without a session.
#[derive(Clone, Debug)]
pub struct ZooKeeperServer {
    address: String,
}

impl ZooKeeperServer {
    /// `address` is `host:port`.
    #[must_use]
    pub fn new(address: impl Into<String>) -> Self {
        ZooKeeperServer {
            address: address.into(),
        }
    }

    /// The answer to a four-letter word; see [`four_letter_word`].
    ///
    /// # Errors
    /// As [`four_letter_word`].
    pub async fn word(&self, word: &str) -> Result<String> {
        four_letter_word(self.address.as_str(), word).await
    }

    /// `ruok`: the process runs. It says nothing about serving clients.
    ///
    /// # Errors
    /// As [`ZooKeeperServer::word`], and [`Kind::Answer`] for anything but `imok`.
    pub async fn ruok(&self) -> Result<()> {
        let answer = self.word("ruok").await?;
        if answer == "imok" {
            return Ok(());
        }
        Err(
            Error::new(Kind::Answer, format!("ZooKeeper at {} is not well", self.address))
                .expected("imok")
                .evidence(answer),
        )
    }

    /// `srvr`: version and mode. A server that is not yet part of a quorum has none.
    ///
    /// # Errors
    /// As [`ZooKeeperServer::word`], and [`Kind::Answer`] while the server does not serve.
    pub async fn status(&self) -> Result<ServerStatus> {
        let answer = self.word("srvr").await?;
        read_status(&answer).ok_or_else(|| {
            Error::new(Kind::Answer, format!("ZooKeeper at {} does not serve", self.address))
                .expected("a version and a mode")
                .evidence(answer)
        })
    }

    /// `mntr`: every metric with its text.
    ///
    /// # Errors
    /// As [`ZooKeeperServer::word`].
    pub async fn metrics(&self) -> Result<Vec<(String, String)>> {
        let answer = self.word("mntr").await?;
        let pairs = answer.lines().filter_map(|line| line.split_once('\t'));
        Ok(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    /// Waits until the server serves clients.
    ///
    /// # Errors
    /// [`Kind::Deadline`] with the last reason.
    pub async fn await_serving(&self) -> Result<ServerStatus> {
        Wait::that(format!("ZooKeeper at {} serves clients", self.address), ZOOKEEPER_READY)
            .until(async || match self.status().await {
                Ok(status) => Probe::Ready(status),
                Err(error) => Probe::NotYet(error.to_string()),
            })
            .await
    }
}

/// The answer of the server at `address` to a four-letter word.
///
/// # Errors
/// [`Kind::Component`] when nothing listens, [`Kind::Deadline`] when it does not answer, [`Kind::Answer`] when it
/// refuses the word.
pub async fn four_letter_word(address: impl ToSocketAddrs, word: &str) -> Result<String> {
    let mut ran = format!("echo {word} | nc");
    let asking = async {
        let unreachable =
            |error: std::io::Error| Error::new(Kind::Component, format!("ZooKeeper does not answer `{word}`: {error}"));
        let addresses = tokio::net::lookup_host(address)
            .await
            .map_err(unreachable)?
            .collect::<Vec<_>>();
        if let Some(first) = addresses.first() {
            ran = format!("echo {word} | nc {} {}", first.ip(), first.port());
        }
        let broken = |error| unreachable(error).ran(&ran);
        let mut connection = TcpStream::connect(addresses.as_slice()).await.map_err(broken)?;
        connection.write_all(word.as_bytes()).await.map_err(broken)?;
        let mut answer = Vec::new();
        connection
            .take(WORD_LIMIT)
            .read_to_end(&mut answer)
            .await
            .map_err(broken)?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    };
    let answer = Wait::that(format!("ZooKeeper answers `{word}`"), ZOOKEEPER_REQUEST)
        .for_future(asking)
        .await?;
    if answer.contains("is not executed because it is not in the whitelist") {
        return Err(Error::new(Kind::Answer, format!("ZooKeeper refuses `{word}`"))
            .ran(ran)
            .evidence(answer)
            .hint(format!(
                "set 4lw.commands.whitelist={word} in its configuration; `srvr` is always allowed"
            )));
    }
    Ok(answer)
}

fn read_status(answer: &str) -> Option<ServerStatus> {
    let field = |name: &str| answer.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    // `Zookeeper version: 3.8.0-5a02a05eddb59aee6ac762f7ea82e92a68eb9c0f, built on …`
    let version = field("Zookeeper version:")?.split(['-', ',', ' ']).next()?.to_owned();
    Some(ServerStatus {
        version,
        mode: Mode::read(field("Mode:")?)?,
        connections: field("Connections:").and_then(|count| count.parse().ok()),
    })
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    /// A server that answers each connection's word with what `answer` has for it.
    async fn answering(answer: fn(&str) -> &'static str) -> ZooKeeperServer {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound").to_string();
        tokio::spawn(async move {
            while let Ok((mut connection, _)) = listener.accept().await {
                let mut word = [0; 4];
                connection.read_exact(&mut word).await.expect("a word");
                let text = answer(&String::from_utf8_lossy(&word));
                connection.write_all(text.as_bytes()).await.expect("the client reads");
            }
        });
        ZooKeeperServer::new(address)
    }

    const SRVR: &str = "Zookeeper version: 3.8.0-5a02a05eddb59aee6ac762f7ea82e92a68eb9c0f, built on 2022-02-25 UTC\n\
        Latency min/avg/max: 0/0.0/0\nReceived: 1\nSent: 0\nConnections: 2\nOutstanding: 0\nZxid: 0x0\n\
        Mode: standalone\nNode count: 5\n";

    #[tokio::test]
    async fn a_server_tells_its_version_and_mode() {
        let server = answering(|word| match word {
            "srvr" => SRVR,
            "mntr" => "zk_version\t3.8.0\nzk_server_state\tstandalone\n",
            _ => "imok",
        })
        .await;
        let status = server.await_serving().await.expect("it serves");
        let expected = ServerStatus {
            version: "3.8.0".to_owned(),
            mode: Mode::Standalone,
            connections: Some(2),
        };
        assert_eq!(status, expected);
        server.ruok().await.expect("imok");
        let metrics = server.metrics().await.expect("metrics");
        assert!(metrics.contains(&("zk_server_state".to_owned(), "standalone".to_owned())));
    }

    #[tokio::test]
    async fn a_refused_word_and_a_server_without_quorum_are_told_apart() {
        let server = answering(|word| match word {
            "srvr" => "This ZooKeeper instance is not currently serving requests\n",
            _ => "ruok is not executed because it is not in the whitelist.\n",
        })
        .await;
        let refused = server.ruok().await.expect_err("it is not in the whitelist");
        assert!(
            refused
                .hint_text()
                .is_some_and(|hint| hint.contains("4lw.commands.whitelist=ruok"))
        );
        let silent = server.status().await.expect_err("no quorum");
        assert!(
            silent.explain().contains("not currently serving"),
            "{}",
            silent.explain()
        );
    }

    #[tokio::test]
    async fn nothing_listening_is_the_components_fault() {
        let free = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = free.local_addr().expect("it is bound").to_string();
        drop(free);
        let error = ZooKeeperServer::new(address).ruok().await.expect_err("nobody is there");
        assert_eq!(error.kind(), Kind::Component);
        assert!(
            error.explain().contains("echo ruok | nc 127.0.0.1 "),
            "{}",
            error.explain()
        );
    }

    #[test]
    fn the_lowest_sequence_leads() {
        let names = |names: &[&str]| -> Vec<String> { names.iter().map(|name| (*name).to_owned()).collect() };
        let children = names(&[
            "log_replicas",
            "json.info_0000000012",
            "json.info_0000000009",
            "json.info_x",
        ]);
        assert_eq!(leading(&children).map(String::as_str), Some("json.info_0000000009"));
        assert_eq!(leading(&names(&["log_replicas"])), None);
    }

    #[test]
    fn the_record_of_a_master_reads() {
        let record = r#"{"address":{"hostname":"10.1.2.11","ip":"10.1.2.11","port":5050},"capabilities":[],
            "hostname":"10.1.2.11","id":"5f6c","ip":184681738,"pid":"master@10.1.2.11:5050","port":5050,
            "version":"1.11.0"}"#;
        let info: MasterInfo = serde_json::from_str(record).expect("a record");
        assert_eq!(
            info.address.and_then(|address| address.ip).as_deref(),
            Some("10.1.2.11")
        );
        assert_eq!(info.version.as_deref(), Some("1.11.0"));
    }
}
