//! A proxy in front of the engine through which nothing is seen of ours but what one run made: as if its clusters were
//! the only ones on the engine.

use std::path::{Path, PathBuf};

use tokio::net::{UnixListener, UnixStream};

use crate::refusing::Head;

/// Ends with the test's runtime.
pub(crate) struct View {
    socket: PathBuf,
}

impl View {
    /// Every list that is asked for by labels is of what has `label` too, as in `name=value`. Images are nobody's.
    pub(crate) fn of(folder: &Path, label: &str) -> Self {
        let socket = folder.join("view.sock");
        let listener = UnixListener::bind(&socket).expect("the folder is ours");
        // As it stands in a query.
        let label = format!("%22{}%22%2C", label.replace('=', "%3D"));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(serve(client, label.clone()));
            }
        });
        View { socket }
    }

    /// For `DOCKER_HOST`.
    pub(crate) fn address(&self) -> String {
        format!("unix://{}", self.socket.display())
    }
}

async fn serve(mut client: UnixStream, label: String) -> std::io::Result<()> {
    let Some(mut head) = Head::read(&mut client).await? else {
        return Ok(());
    };
    if !head.asks("GET", "/images/") {
        head.insert_after("%22label%22%3A%5B", &label);
    }
    head.forward(client).await
}
