//! Headers that ask for anything at all get one of our formats.

use std::collections::BTreeSet;

use streamgauge_metrics::Registry;
use streamgauge_metrics::encode::{Escaping, Format, Protocol};

use crate::seeded::Seeded;
use crate::wire::Wire;
use crate::{alone, serve_registry};

const CASES: usize = 4000;
const PIECES: [&str; 27] = [
    "text/plain;version=1.0.0;escaping=dots",
    "application/openmetrics-text;version=1.0.0;escaping=values",
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited",
    "text/plain",
    "application/openmetrics-text",
    "application/vnd.google.protobuf",
    "proto=io.prometheus.client.MetricFamily",
    "encoding=delimited",
    "version=0.0.4",
    "version=1.0.0",
    "version=\"1.0.0",
    "escaping=dots",
    "escaping=allow-utf-8",
    "escaping=",
    "*/*",
    "gzip",
    "zstd",
    "identity",
    "q=0",
    "q=1.0001",
    "q=-1",
    "q=NaN",
    ";",
    ",",
    "=",
    "\"",
    " ",
];

/// Pieces that mean something, and any bytes that a header may hold.
fn value(random: &mut Seeded) -> Vec<u8> {
    let allowed: Vec<u8> = (0x20..=0xff).filter(|byte| *byte != 0x7f).chain([b'\t']).collect();
    let mut value = Vec::new();
    for _ in 0..random.below(12) {
        value.extend(random.of(&PIECES).as_bytes());
        value.extend(random.of(&[";", ",", "", " "]).as_bytes());
        if random.below(4) == 0 {
            value.extend(random.bytes(&allowed, 20));
        }
    }
    value
}

#[test]
fn whatever_is_asked_for_one_of_our_formats_is_given() {
    let _alone = alone();
    let running = serve_registry(&Registry::new());
    let ours: BTreeSet<String> = Protocol::ALL
        .into_iter()
        .flat_map(|protocol| Escaping::ALL.map(|to| Format::new(protocol, to).content_type().to_owned()))
        .collect();
    let (mut random, mut wire, mut given) = (Seeded(7), Wire::open(running.local_addr()), BTreeSet::new());
    for case in 0..CASES {
        let mut request = b"GET /metrics?name[]=metrics_registry_total_series HTTP/1.1\r\nhost: x\r\n".to_vec();
        for name in ["accept", "accept-encoding", "accept", "x-prometheus-scrape-timeout-seconds"] {
            request.extend([format!("{name}: ").as_bytes(), &value(&mut random), b"\r\n"].concat());
        }
        request.extend(b"\r\n");
        wire.send(&request);
        let reply = wire.reply(false).unwrap_or_else(|| panic!("no answer to case {case}"));
        assert_eq!(reply.status, 200, "case {case}");
        let content_type = reply.header("content-type").unwrap();
        assert!(ours.contains(content_type), "case {case}: {content_type}");
        assert!([None, Some("gzip"), Some("zstd")].contains(&reply.header("content-encoding")), "case {case}");
        given.insert(content_type.to_owned());
    }
    assert!(given.len() >= 6, "{given:?}");
}
