//! One server, asked without a session: the four-letter words (ZooKeeper administrator's guide, "The Four Letter
//! Words").

use serde::Deserialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, ToSocketAddrs};

use crate::await_until::{Probe, Wait};
use crate::deadlines::{STARTING_LOOK, ZOOKEEPER_READY, ZOOKEEPER_REQUEST};
use crate::{Error, Kind, Result};

/// The largest answer to a four-letter word.
const WORD_LIMIT: u64 = 1024 * 1024;

/// All that a server says to most words before it serves (ZooKeeper `AbstractFourLetterCommand.java`).
const NOT_SERVING: &[u8] = b"This ZooKeeper instance is not currently serving requests\n";

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
            .look_at_most(STARTING_LOOK)
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
        let mut connection = connection.take(WORD_LIMIT);
        let mut answer = Vec::new();
        // While it starts, ZooKeeper 3.8.0 may fail to close the connection after these words (`NIOServerCnxn.close`
        // without a database yet): their end is the answer's.
        while connection.read_buf(&mut answer).await.map_err(broken)? > 0 && !answer.ends_with(NOT_SERVING) {}
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
    async fn a_server_that_does_not_serve_need_not_close_the_connection() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let server = ZooKeeperServer::new(listener.local_addr().expect("it is bound").to_string());
        let open = tokio::spawn(async move {
            let (mut connection, _) = listener.accept().await.expect("the client connects");
            connection.write_all(NOT_SERVING).await.expect("the client reads");
            connection
        });
        let error = server.status().await.expect_err("it does not serve");
        assert_eq!(error.kind(), Kind::Answer, "{}", error.explain());
        drop(open.await.expect("it was open all the time"));
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
}
