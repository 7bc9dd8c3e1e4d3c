//! An axum application that answers scrapes by itself, on its own port and runtime:
//! `cargo run -p streamgauge-export --example axum_router`, then open <http://127.0.0.1:3000/hello/you>
//! and <http://127.0.0.1:3000/metrics>.

use std::error::Error;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::routing::get;
use streamgauge_export::{Collectors, Router, cardinality_route, process, runtime, scrape_route, watch_cardinality};
use streamgauge_metrics::{Counter, Metrics, Registry};
use tokio::net::TcpListener;
use tokio::runtime::Handle;

#[derive(Clone, Metrics)]
#[metrics(prefix = "hello")]
struct HelloMetrics {
    /// Greetings given.
    greetings_total: Counter,
}

fn main() -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:3000").await?;
        println!("http://{}", listener.local_addr()?);
        serve(listener).await
    })
}

/// Serves the application; whoever is greeted is no label, since anyone can make up names.
pub(crate) async fn serve(listener: TcpListener) -> Result<(), Box<dyn Error>> {
    let registry = Registry::new();
    process::install(&registry)?;
    runtime::install(&registry, "app", &Handle::current())?;
    tokio::spawn(watch_cardinality(registry.clone()));
    let app: Router = Router::new()
        .route("/hello/{name}", get(hello))
        .with_state(HelloMetrics::register(&registry)?)
        .route("/api/cardinality", cardinality_route(registry.clone()))
        .route("/metrics", scrape_route(registry, Collectors::default(), Duration::from_secs(10))?);
    Ok(axum::serve(listener, app).await?)
}

async fn hello(State(metrics): State<HelloMetrics>, Path(name): Path<String>) -> String {
    metrics.greetings_total.inc();
    format!("hello, {name}\n")
}
