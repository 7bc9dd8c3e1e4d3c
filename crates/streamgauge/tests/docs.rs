//! Generated documents are committed, and derived anew by these tests: `UPDATE_DOCS=1 cargo test -p streamgauge --test docs`.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::process::Command;

fn is_fresh(document: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(document);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap();
    assert!(committed == text, "docs/{document} is stale: UPDATE_DOCS=1 cargo test -p streamgauge --test docs");
}

#[test]
fn the_page_of_the_configuration_says_what_the_reader_knows() {
    is_fresh("CONFIG.md", &streamgauge::config::reference());
}

#[test]
fn the_page_of_the_metrics_lists_what_the_binary_can_export() {
    let program = Command::new(env!("CARGO_BIN_EXE_streamgauge")).args(["catalogue", "--format", "markdown"]).output();
    let table = String::from_utf8(program.unwrap().stdout).unwrap();
    is_fresh(
        "METRICS.md",
        &format!("# Metrics\n\nWhat `/metrics` can show, as `streamgauge catalogue` lists it.\n\n{table}"),
    );
}
