//! The guides to coming from another crate: what they show of it compiles, runs, and does what they say of it.

// Whatever these tests cannot read is a fault; the lint lets tests unwrap, but not the functions they share.
#![allow(clippy::unwrap_used)]

use std::path::Path;

mod metrics_rs;
mod opentelemetry;
mod prometheus;
mod prometheus_client;

/// What a guide shows that is no test of the documentation, without its indentation.
fn shown(guide: &str) -> Vec<String> {
    let blocks = guide.split("```rust,ignore\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    blocks.map(flush).collect()
}

fn flush(code: &str) -> String {
    code.lines().flat_map(|line| [line.trim(), "\n"]).collect()
}

#[test]
fn the_guides_show_what_is_tested_here() {
    let guides = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../crates/metrics/guides");
    let sources = [
        ("prometheus", include_str!("prometheus.rs")),
        ("prometheus-client", include_str!("prometheus_client.rs")),
        ("metrics", include_str!("metrics_rs.rs")),
        ("opentelemetry", include_str!("opentelemetry.rs")),
    ];
    for (rival, source) in sources {
        let guide = std::fs::read_to_string(guides.join(format!("coming-from-{rival}.md"))).unwrap();
        let (shown, tested) = (shown(&guide), flush(source));
        assert!(!shown.is_empty(), "nothing of {rival} is shown");
        for block in shown {
            assert!(tested.contains(&block), "this is not tested as it is shown:\n{block}");
        }
    }
}
