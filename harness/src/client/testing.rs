//! In-process HTTP servers for the tests of the clients.

use axum::Router;
use tokio::net::TcpListener;

/// Serves `router` on a free port until the runtime ends; returns the base address.
pub(crate) async fn serve(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}
