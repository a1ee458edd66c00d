//! ZooKeeper: znodes through a session, and the four-letter words that servers answer without one.

mod server;

use std::time::Duration;

use crate::await_until::Wait;
use crate::client::mesos::operator::MasterInfo;
use crate::deadlines::{Deadline, ZOOKEEPER_READY, ZOOKEEPER_REQUEST};
use crate::{Error, Kind, Result};

pub use server::{Mode, ServerStatus, ZooKeeperServer, four_letter_word};

/// The prefix of the nodes by which masters stand for election (Mesos `src/master/constants.hpp`).
const MASTER_NODE: &str = "json.info_";

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

    /// Whether a znode is there, and goes with the session that made it.
    ///
    /// # Errors
    /// As [`ZooKeeper::children`].
    pub async fn is_ephemeral(&self, path: &str) -> Result<bool> {
        let stat = self.bounded("stat", path, self.client.check_stat(path)).await?;
        Ok(stat.is_some_and(|stat| stat.ephemeral_owner != 0))
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
                .evidence(crate::client::http::excerpt(&record))
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

#[cfg(test)]
mod tests {
    use super::*;

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
