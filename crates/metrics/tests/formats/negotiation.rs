//! Headers of any kind: no panic, an answer that is one of a few, and the right one where it is
//! plain what that is.

use proptest::prelude::*;
use streamgauge_metrics::encode::{Escaping, Format, Protocol, accept};

use crate::page::formats;

const NAMES: [(&str, Protocol); 5] = [
    ("text/plain;version=0.0.4", Protocol::Text004),
    ("text/plain; version=1.0.0", Protocol::Text100),
    ("application/openmetrics-text;version=0.0.1", Protocol::OpenMetrics001),
    ("application/openmetrics-text ; version=\"1.0.0\"", Protocol::OpenMetrics100),
    ("application/vnd.google.protobuf;encoding=delimited;proto=io.prometheus.client.MetricFamily", Protocol::Protobuf),
];

/// Pieces that headers are made of, and pieces that break them.
fn piece() -> impl Strategy<Value = String> {
    let known = [
        "text/plain",
        "text/*",
        "*/*",
        "application/*",
        "application/openmetrics-text",
        "version=",
        "0.0.4",
        "1.0.0",
        "application/vnd.google.protobuf",
        "proto=io.prometheus.client.MetricFamily",
        "encoding=delimited",
        "escaping=",
        "allow-utf-8",
        "values",
        "q=",
        "0.5",
        "1",
        "0",
        ";",
        ",",
        "=",
        "\"",
        "\\",
        " ",
        "\t",
    ];
    prop_oneof![
        8 => proptest::sample::select(known.to_vec()).prop_map(str::to_owned),
        1 => any::<String>(),
    ]
}

fn header() -> impl Strategy<Value = String> {
    proptest::collection::vec(piece(), 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(4_000) })]

    #[test]
    fn any_header_gets_one_of_the_formats(header in header()) {
        prop_assert!(formats().contains(&Format::negotiate(&header)));
        for one in accept::read(&header) {
            prop_assert!(one.weight <= 1000 && !one.name.is_empty() && header.contains(one.name));
        }
    }

    #[test]
    fn of_protocols_that_are_named_the_one_with_the_highest_weight_is_taken(
        weights in proptest::collection::vec(1_u16..1000, NAMES.len()).prop_shuffle(),
        order in Just([0, 1, 2, 3, 4]).prop_shuffle(),
        named in 1..=NAMES.len(),
        escaping in proptest::sample::select(Escaping::ALL.to_vec()),
    ) {
        let chosen = &order[..named];
        let of = |i: &usize| format!("{};escaping={};q=0.{:03}", NAMES[*i].0, escaping.as_str(), weights[*i]);
        let header = chosen.iter().map(of).collect::<Vec<_>>().join(", ") + ",*/*;q=0.0001";
        // Of several with the highest weight the first.
        let best = chosen.iter().rev().max_by_key(|i| weights[**i]).unwrap();
        prop_assert_eq!(Format::negotiate(&header), Format::new(NAMES[*best].1, escaping), "{}", header);
    }

    #[test]
    fn an_escaped_name_is_plain_and_a_plain_name_is_left_alone(name in ".{1,12}") {
        for escaping in [Escaping::Underscores, Escaping::Dots, Escaping::Values] {
            let escaped = escaping.escape(&name);
            let is_plain = |name: &str| {
                let letters = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
                letters && !name.as_bytes()[0].is_ascii_digit()
            };
            prop_assert!(is_plain(&escaped), "{}", escaped);
            prop_assert_eq!(is_plain(&name), *escaped == *name, "{}", escaped);
        }
    }
}
