//! A proxy in front of the engine that answers some requests with 500, as a daemon does whose disk or kernel fails.

use std::path::{Path, PathBuf};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{UnixListener, UnixStream};

/// Which requests are refused, and how.
#[derive(Clone, Copy)]
pub(crate) struct Refusal {
    /// As in `DELETE`.
    pub(crate) method: &'static str,
    /// Stands in the path or the query.
    pub(crate) part: &'static str,
    /// The engine's message.
    pub(crate) message: &'static str,
}

/// Ends with the test's runtime.
pub(crate) struct Refusing {
    socket: PathBuf,
}

impl Refusing {
    /// Refuses those requests; everything else reaches the engine.
    pub(crate) fn new(folder: &Path, refusal: Refusal) -> Self {
        let socket = folder.join("refusing.sock");
        let listener = UnixListener::bind(&socket).expect("the folder is ours");
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(serve(client, refusal));
            }
        });
        Refusing { socket }
    }

    /// For `DOCKER_HOST`.
    pub(crate) fn address(&self) -> String {
        format!("unix://{}", self.socket.display())
    }
}

async fn serve(mut client: UnixStream, refusal: Refusal) -> std::io::Result<()> {
    let Some(head) = Head::read(&mut client).await? else {
        return Ok(());
    };
    if !head.asks(refusal.method, refusal.part) {
        return head.forward(client).await;
    }
    let body = serde_json::json!({ "message": refusal.message }).to_string();
    let length = body.len();
    let answer = format!(
        "HTTP/1.1 500 Internal Server Error\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n{body}"
    );
    client.write_all(answer.as_bytes()).await
}

/// The beginning of a request. One request for each connection: so it decides about all of it.
pub(crate) struct Head {
    bytes: Vec<u8>,
    /// Where its last line ends.
    end: usize,
}

impl Head {
    /// None where the client leaves first.
    pub(crate) async fn read(client: &mut UnixStream) -> std::io::Result<Option<Self>> {
        let mut bytes = Vec::new();
        loop {
            if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                return Ok(Some(Head { bytes, end }));
            }
            if client.read_buf(&mut bytes).await? == 0 {
                return Ok(None);
            }
        }
    }

    /// True for a request of that method in whose path or query `part` stands.
    pub(crate) fn asks(&self, method: &str, part: &str) -> bool {
        let text = String::from_utf8_lossy(&self.bytes[..self.end]).into_owned();
        let first = text.lines().next().unwrap_or_default();
        first.split_whitespace().next() == Some(method) && first.contains(part)
    }

    /// Puts `text` behind the first `part` of its path or query, where there is one.
    pub(crate) fn insert_after(&mut self, part: &str, text: &str) {
        let line = self.bytes.iter().position(|byte| *byte == b'\r').unwrap_or(self.end);
        let found = String::from_utf8_lossy(&self.bytes[..line]).find(part);
        if let Some(at) = found.map(|at| at + part.len()) {
            self.bytes.splice(at..at, text.bytes());
            self.end += text.len();
        }
    }

    /// Passes the request on to the engine, and what it answers back.
    pub(crate) async fn forward(self, mut client: UnixStream) -> std::io::Result<()> {
        let (head, rest) = self.bytes.split_at(self.end);
        let mut engine = UnixStream::connect("/var/run/docker.sock").await?;
        engine.write_all(head).await?;
        // A stream that is attached says itself what becomes of its connection.
        if !String::from_utf8_lossy(head)
            .to_ascii_lowercase()
            .contains("\nconnection:")
        {
            engine.write_all(b"\r\nConnection: close").await?;
        }
        engine.write_all(rest).await?;
        copy_bidirectional(&mut client, &mut engine).await.map(drop)
    }
}
