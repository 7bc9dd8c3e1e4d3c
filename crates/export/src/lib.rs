//! Serves and ships what streamgauge-metrics measured: the scrape endpoint.
//!
//! ```text
//!   Registry ──► scrape.rs ──► routes.rs ──► server.rs ──► sockets
//!   one gather, one page a     /metrics      own thread, own runtime,
//!   format for all who wait    /health       limits on time and number
//!                              /ready ◄───── health.rs: who is ready, and why not
//!                              /             ▲
//!                                             └── web.rs: TLS and who may come in, from a file
//!   cardinality.rs ► who has too many series: /api/cardinality, and the log once a minute
//!   collect.rs ──► values that are fetched for a scrape, by code that may be late, fail or panic
//!   process.rs ──► metrics of the process itself, read once a scrape
//!   runtime.rs ──► metrics of a tokio runtime, read once a scrape
//!   textfile.rs ─► a file in place of an answer, for programs that end
//!   tasks.rs ────► the one door through which async tasks are spawned, so that they are counted
//! ```
//!
//! A scrape gets the [format](streamgauge_metrics::encode) it accepts, compressed if it accepts that,
//! of the metrics it names by `name[]` or of all. What scrapes cost is in [`ScrapeMetrics`].
//!
//! Hooks and callbacks of the registry run while a snapshot is taken: they must return at once. What
//! has to ask someone first is a [`Collector`]: it has a deadline, after which the page shows the
//! last good value, and the age of it is in [`CollectorMetrics`].
//!
//! The server has a thread to itself: a pipeline that keeps every worker busy is exactly when its
//! metrics are wanted. An axum application can answer scrapes by itself instead, with
//! [`scrape_route`] and [`cardinality_route`].
//!
//! ```
//! use streamgauge_export::{Health, Identity, Routes, Server, process};
//! use streamgauge_metrics::Registry;
//!
//! let registry = Registry::new();
//! let tasks = process::install(&registry)?;
//! let health = Health::default();
//! health.register("source", "not open");
//!
//! let bound = Server::bind("127.0.0.1", 0)?;
//! println!("scrape http://{}/metrics", bound.local_addr());
//! let identity = Identity { name: "demo".into(), version: "1.0".into() };
//! let running = bound.start(Routes {
//!     landing: Some(identity),
//!     tasks,
//!     ..Routes::new(registry, health.clone())
//! })?;
//!
//! health.set_ready("source");
//! running.shutdown();
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod cardinality;
mod collect;
mod health;
pub mod process;
mod routes;
pub mod runtime;
mod scrape;
mod server;
mod tasks;
pub mod textfile;
mod web;

pub use axum::Router;
pub use axum::routing::MethodRouter;
pub use cardinality::watch_cardinality;
pub use collect::{Collector, CollectorError, CollectorMetrics, Collectors};
pub use health::{Health, Readiness};
pub use routes::{Identity, Routes, cardinality_route, scrape_route};
pub use scrape::ScrapeMetrics;
pub use server::{Bound, Limits, Running, ServeError, Server};
pub use streamgauge_yaml::Faults;
pub use tasks::Tasks;
pub use web::{WebMetrics, check_web_config};
