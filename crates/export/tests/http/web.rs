//! A web configuration at work: who is let in, and how, over real sockets.

mod authority;
mod credentials;
mod files;
mod handshakes;
mod mutations;
mod reload;

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::thread::sleep;
use std::time::{Duration, Instant};

use streamgauge_export::{Health, Routes, Running, Server, check_web_config};
use streamgauge_metrics::Registry;
use tempfile::TempDir;

use crate::client::{Answer, ask_with};
use authority::Authority;

/// A folder with what the examples name, and the authorities behind it.
struct Folder {
    folder: TempDir,
    servers: Authority,
    clients: Authority,
}

impl Folder {
    fn new() -> Self {
        let (servers, clients) = (Authority::new("servers"), Authority::new("clients"));
        let folder = Self { folder: tempfile::tempdir().unwrap(), servers, clients };
        folder.put_server(&folder.servers.issue(&["localhost"]));
        folder.put("client-ca.crt", &folder.clients.pem());
        folder.put("token", "s3cr3t-t0ken\n");
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn put(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn put_server(&self, issued: &authority::Issued) {
        self.put("server.crt", &issued.certificate);
        self.put("server.key", &issued.key);
    }

    /// Judges a configuration that stands in this folder.
    fn judge(&self, text: &str) -> Result<(), String> {
        self.put("web.yml", text);
        check_web_config(&self.path("web.yml")).map_err(|faults| faults.to_string())
    }

    fn serve(&self, text: &str) -> Running {
        self.serve_with(text, Registry::new())
    }

    fn serve_with(&self, text: &str, registry: Registry) -> Running {
        self.put("web.yml", text);
        let bound = Server::bind("127.0.0.1", 0).unwrap().with_web_config(&self.path("web.yml")).unwrap();
        bound.start(Routes::new(registry, Health::default())).unwrap()
    }
}

/// An example as it ships.
fn example(name: &str) -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/web");
    fs::read_to_string(format!("{path}/{name}.yml")).unwrap()
}

fn scrape(addr: SocketAddr, headers: &str) -> Answer {
    ask_with(addr, "GET", "/metrics", headers)
}

/// Asks until it is so.
fn awaited(what: &str, is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(20), "never came: {what}");
        sleep(Duration::from_millis(10));
    }
}

/// The value of a series on the page of a registry.
fn value(registry: &Registry, series: &str) -> f64 {
    let page = registry.render_prometheus();
    let found = page.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    found.unwrap_or_else(|| panic!("no {series} in {page}")).parse().unwrap()
}
