//! A Marathon that says what a scenario wants, and servers in the place of its tasks: in this process, which the cluster
//! reaches as it reaches the machine.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::response::sse::{Event, Sse};
use axum::routing::get;
use futures_util::stream;
use harness::await_until::{Probe, Wait, changes};
use harness::component::haproxy;
use harness::error::Context as _;
use harness::{Cluster, Error, Kind, Result, deadlines};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::sync::{broadcast, mpsc, watch};
use tokio::task::JoinHandle;

use crate::fixtures::listen;

/// What the fake does.
#[derive(Debug)]
struct Shared {
    answer: Mutex<(StatusCode, String)>,
    news: broadcast::Sender<()>,
    /// How often it was asked for its apps.
    asked: watch::Sender<u64>,
    /// How often somebody listened to its events.
    listened: watch::Sender<u64>,
}

/// The fake Marathon. It ends with the scenario.
#[derive(Debug)]
pub(super) struct FakeMarathon {
    address: SocketAddr,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

impl Drop for FakeMarathon {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl FakeMarathon {
    /// One that runs nothing.
    pub(super) async fn start() -> Result<Self> {
        let shared = Arc::new(Shared {
            answer: Mutex::new((StatusCode::OK, json!({ "apps": [] }).to_string())),
            news: broadcast::Sender::new(64),
            asked: watch::Sender::new(0),
            listened: watch::Sender::new(0),
        });
        let app = Router::new()
            .route("/v2/apps", get(apps))
            .route("/v2/events", get(events))
            .with_state(Arc::clone(&shared));
        let (listener, address) = listen().await?;
        // The future never ends by itself, and there is nobody to tell of its end.
        let server = tokio::spawn(async move { drop(axum::serve(listener, app).await) });
        Ok(FakeMarathon {
            address,
            shared,
            server,
        })
    }

    /// A cluster whose HAProxy follows it, with `settings` of the bridge.
    pub(super) async fn followed(&self, settings: &[(&str, &str)]) -> Result<Cluster> {
        let marathon = self.address.to_string();
        let own = Cluster::builder()
            .slaves(0)
            .haproxy()
            .env(haproxy::NAME, "BRIDGE_MARATHON", &marathon);
        let builder = settings
            .iter()
            .fold(own, |builder, (name, value)| builder.env(haproxy::NAME, name, value));
        builder.boot().await
    }

    /// `host:port`.
    pub(super) fn address(&self) -> String {
        self.address.to_string()
    }

    /// From now on it answers so. It tells nobody.
    pub(super) fn says(&self, status: StatusCode, body: impl Into<String>) {
        let mut answer = self.shared.answer.lock().unwrap_or_else(PoisonError::into_inner);
        *answer = (status, body.into());
    }

    /// From now on these run. It tells nobody.
    pub(super) fn runs(&self, apps: &[Value]) {
        self.says(StatusCode::OK, json!({ "apps": apps }).to_string());
    }

    /// Tells who listens that something has changed.
    pub(super) fn tells(&self) {
        // Nobody may be listening.
        let _ = self.shared.news.send(());
    }

    /// Waits until somebody has asked for its apps after this call, and has the answer: the second question from now
    /// on comes after the answer to the first.
    pub(super) async fn await_questions(&self) -> Result<()> {
        let before = *self.shared.asked.borrow();
        let asked = self.shared.asked.subscribe();
        Wait::that("the bridge asks for apps", deadlines::HTTP_REQUEST)
            .woken_by(changes(asked.clone()))
            .until(async || match *asked.borrow() - before {
                0 | 1 => Probe::NotYet("not twice yet".to_owned()),
                _ => Probe::Ready(()),
            })
            .await
    }

    /// How often somebody has listened to its events.
    pub(super) fn listeners(&self) -> u64 {
        *self.shared.listened.borrow()
    }
}

async fn apps(State(shared): State<Arc<Shared>>) -> impl IntoResponse {
    let answer = shared.answer.lock().unwrap_or_else(PoisonError::into_inner).clone();
    shared.asked.send_modify(|count| *count += 1);
    answer
}

async fn events(State(shared): State<Arc<Shared>>) -> impl IntoResponse {
    shared.listened.send_modify(|count| *count += 1);
    let events = stream::unfold(shared.news.subscribe(), |mut news| async {
        if let Err(broadcast::error::RecvError::Closed) = news.recv().await {
            return None;
        }
        let event = Event::default().event("status_update_event").data("{}");
        Some((Ok::<_, Infallible>(event), news))
    });
    Sse::new(events)
}

/// A server in the place of a task: says its name to whoever asks. It ends when it is dropped.
#[derive(Debug)]
pub(super) struct Backend {
    address: SocketAddr,
    server: JoinHandle<()>,
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Backend {
    /// One that says `name`.
    pub(super) async fn start(name: &'static str) -> Result<Self> {
        let app = Router::new().route("/", get(move || async move { name }));
        let (listener, address) = listen().await?;
        let server = tokio::spawn(async move { drop(axum::serve(listener, app).await) });
        Ok(Backend { address, server })
    }

    /// One that answers the first who asks with what is sent here, piece by piece, until this is dropped.
    pub(super) async fn slow() -> Result<(mpsc::Sender<String>, Self)> {
        let (pieces, source) = mpsc::channel::<String>(1);
        let source = Arc::new(Mutex::new(Some(source)));
        let answer = move || {
            let source = source.lock().unwrap_or_else(PoisonError::into_inner).take();
            async move {
                let pieces = stream::unfold(source, |source| async {
                    let mut source = source?;
                    let piece = source.recv().await?;
                    Some((Ok::<_, Infallible>(piece), Some(source)))
                });
                Body::from_stream(pieces)
            }
        };
        let (listener, address) = listen().await?;
        let app = Router::new().route("/", get(answer));
        let server = tokio::spawn(async move { drop(axum::serve(listener, app).await) });
        Ok((pieces, Backend { address, server }))
    }

    /// Nobody listens at its address any more when this is done.
    pub(super) async fn end(mut self) {
        self.server.abort();
        // That it was aborted is all that can be said of it.
        drop((&mut self.server).await);
    }
}

/// An application of one service port as Marathon shows it, with `backends` for its running tasks.
pub(super) fn app(id: &str, port: u16, backends: &[&Backend]) -> Value {
    let task = |backend: &&Backend| {
        json!({
            "id": format!("{}.{}", id.trim_matches('/'), backend.address.port()),
            "host": backend.address.ip(),
            "ports": [backend.address.port()],
            "state": "TASK_RUNNING",
        })
    };
    let tasks: Vec<Value> = backends.iter().map(task).collect();
    json!({ "id": id, "ports": [port], "healthChecks": [], "tasks": tasks })
}

/// An answer that is read piece by piece, on a connection that nothing else uses.
#[derive(Debug)]
pub(super) struct Pieces(BufReader<TcpStream>);

impl Pieces {
    /// Asks the server at that port, and reads the head of its answer.
    pub(super) async fn ask(host: Ipv4Addr, port: u16) -> Result<Self> {
        bounded(async {
            let mut stream = TcpStream::connect((host, port)).await?;
            // Without chunks: the end of the answer is the end of the connection.
            stream.write_all(b"GET / HTTP/1.0\r\n\r\n").await?;
            let mut reader = BufReader::new(stream);
            let mut line = String::new();
            while reader.read_line(&mut line).await? > 2 {
                line.clear();
            }
            Ok(Pieces(reader))
        })
        .await
    }

    /// Reads `piece`.
    pub(super) async fn expect(&mut self, piece: &str) -> Result<()> {
        let mut read = vec![0; piece.len()];
        bounded(async { self.0.read_exact(&mut read).await }).await?;
        match String::from_utf8_lossy(&read) {
            read if read == piece => Ok(()),
            read => Err(Error::new(
                Kind::Answer,
                format!("{piece:?} was sent, and {read:?} came"),
            )),
        }
    }

    /// Reads what is left, to the end.
    pub(super) async fn rest(mut self) -> Result<String> {
        let mut text = String::new();
        bounded(async { self.0.read_to_string(&mut text).await }).await?;
        Ok(text)
    }
}

async fn bounded<T>(reading: impl Future<Output = std::io::Result<T>>) -> Result<T> {
    let failed = || "the answer under way is lost".to_owned();
    let read = tokio::time::timeout(deadlines::HTTP_REQUEST.limit(), reading).await;
    read.context(Kind::Answer, failed)?.context(Kind::Answer, failed)
}
