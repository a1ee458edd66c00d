//! A proxy in front of the engine that holds some requests back until it is told to let them through: for what a process
//! leaves under way when it ends.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;

use crate::refusing::Head;

#[derive(Clone, Copy, Default)]
struct State {
    held: usize,
    open: bool,
    passed: usize,
}

/// Ends with the test's runtime.
pub(crate) struct Gate {
    socket: PathBuf,
    state: watch::Sender<State>,
}

impl Gate {
    /// Holds requests of that method in whose path or query `part` stands; everything else reaches the engine.
    pub(crate) fn closed_to(folder: &Path, method: &'static str, part: &'static str) -> Self {
        let socket = folder.join("gate.sock");
        let listener = UnixListener::bind(&socket).expect("the folder is ours");
        let state = watch::Sender::new(State::default());
        let told = state.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(serve(client, told.clone(), method, part));
            }
        });
        Gate { socket, state }
    }

    /// For `DOCKER_HOST`.
    pub(crate) fn address(&self) -> String {
        format!("unix://{}", self.socket.display())
    }

    /// Waits until a request is held.
    pub(crate) async fn holds_one(&self) {
        self.holds_one_within(crate::child::PATIENCE).await;
    }

    /// As [`Gate::holds_one`], of what has much to do before.
    pub(crate) async fn holds_one_within(&self, limit: Duration) {
        self.until(limit, |state| state.held > 0).await;
    }

    /// Lets everything through, now and later.
    pub(crate) fn open(&self) {
        self.state.send_modify(|state| state.open = true);
    }

    /// Waits until the engine has answered a request that was held.
    pub(crate) async fn one_passed(&self) {
        self.until(crate::child::PATIENCE, |state| state.passed > 0).await;
    }

    async fn until(&self, limit: Duration, what: impl FnMut(&State) -> bool) {
        let mut state = self.state.subscribe();
        let waited = tokio::time::timeout(limit, state.wait_for(what)).await;
        drop(waited.expect("in time").expect("the sender is there"));
    }
}

async fn serve(
    mut client: UnixStream,
    state: watch::Sender<State>,
    method: &'static str,
    part: &'static str,
) -> std::io::Result<()> {
    let Some(head) = Head::read(&mut client).await? else {
        return Ok(());
    };
    if !head.asks(method, part) {
        return head.forward(client).await;
    }
    state.send_modify(|state| state.held += 1);
    let opened = state.subscribe().wait_for(|state| state.open).await.map(drop);
    opened.map_err(std::io::Error::other)?;
    // Whoever asked may be gone: the engine does it all the same.
    let passed = head.forward(client).await;
    state.send_modify(|state| state.passed += 1);
    passed
}
