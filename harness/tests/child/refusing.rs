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

/// One request for each connection: so its beginning decides about all of it.
async fn serve(mut client: UnixStream, refusal: Refusal) -> std::io::Result<()> {
    let mut head = Vec::new();
    let end = loop {
        if let Some(end) = head.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        if client.read_buf(&mut head).await? == 0 {
            return Ok(());
        }
    };
    let text = String::from_utf8_lossy(&head[..end]).into_owned();
    let first = text.lines().next().unwrap_or_default();
    let method = first.split_whitespace().next();
    if method == Some(refusal.method) && first.contains(refusal.part) {
        let body = serde_json::json!({ "message": refusal.message }).to_string();
        let length = body.len();
        let answer = format!(
            "HTTP/1.1 500 Internal Server Error\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\
             Connection: close\r\n\r\n{body}"
        );
        return client.write_all(answer.as_bytes()).await;
    }
    let mut engine = UnixStream::connect("/var/run/docker.sock").await?;
    engine.write_all(&head[..end]).await?;
    // A stream that is attached says itself what becomes of its connection.
    if !text.to_ascii_lowercase().contains("\nconnection:") {
        engine.write_all(b"\r\nConnection: close").await?;
    }
    engine.write_all(&head[end..]).await?;
    copy_bidirectional(&mut client, &mut engine).await.map(drop)
}
