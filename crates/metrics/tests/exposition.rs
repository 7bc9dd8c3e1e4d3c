//! The text format, read back by a strict reader that shares no code with the writer.

// The lint lets tests unwrap, but not the functions they share.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::{BTreeMap, BTreeSet};

use streamgauge_metrics::{Buckets, Counter, Desc, Family, Gauge, Histogram, LabelSet, Registry};

#[derive(Clone, PartialEq, Eq, Hash, LabelSet)]
struct Labels {
    topic: String,
    partition: u32,
}

fn labels(topic: &str, partition: u32) -> Labels {
    Labels { topic: topic.to_owned(), partition }
}

/// A sample line: name, labels as pairs, value as text.
type Sample = (String, Vec<(String, String)>, String);

fn parse_sample(line: &str) -> Sample {
    let end = line.find(['{', ' ']).expect("a sample has a value");
    let (name, mut rest) = line.split_at(end);
    let mut pairs = Vec::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        while !rest.starts_with('}') {
            rest = rest.strip_prefix(',').unwrap_or(rest);
            let (key, after) = rest.split_once("=\"").expect("a label has a value");
            let (value, after) = parse_quoted(after);
            pairs.push((key.to_owned(), value));
            rest = after;
        }
        rest = &rest[1..];
    }
    let value = rest.strip_prefix(' ').expect("one space before the value");
    assert!(!value.contains(' '), "no timestamp: {line}");
    (name.to_owned(), pairs, value.to_owned())
}

fn parse_quoted(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (value, &text[at + 1..]),
            '\\' => value.push(match characters.next().expect("an escape ends").1 {
                'n' => '\n',
                '\\' => '\\',
                '"' => '"',
                other => panic!("unknown escape \\{other}"),
            }),
            other => value.push(other),
        }
    }
    panic!("a label value never ends: {text}")
}

/// Reads a page and checks its form; gives back the samples.
fn parse(page: &str) -> Vec<Sample> {
    assert!(page.ends_with('\n') && !page.contains("\n\n"));
    let mut samples = Vec::new();
    let mut families = Vec::new();
    let mut lines = page.lines().peekable();
    while let Some(line) = lines.next() {
        let (name, help) = line
            .strip_prefix("# HELP ")
            .and_then(|rest| rest.split_once(' '))
            .unwrap_or_else(|| panic!("a family starts with HELP: {line}"));
        assert!(!help.is_empty());
        let kind = lines.next().unwrap();
        assert!(kind.starts_with(&format!("# TYPE {name} ")), "{kind}");
        families.push(name.to_owned());
        while let Some(line) = lines.next_if(|line| !line.starts_with('#')) {
            let sample = parse_sample(line);
            assert!(sample.0.starts_with(name), "{line} is not of {name}");
            samples.push(sample);
        }
    }
    assert!(families.is_sorted());
    let distinct: BTreeSet<_> = families.iter().collect();
    assert_eq!(distinct.len(), families.len(), "a family appears once");
    let series: BTreeSet<_> = samples.iter().map(|(n, l, _)| (n, l)).collect();
    assert_eq!(series.len(), samples.len(), "a series appears once");
    samples
}

#[test]
fn a_page_looks_exactly_like_this() {
    let registry = Registry::new();
    let help = "Tricky \"help\" with \\ and\na line feed.";
    let desc = Desc::of::<Family<Counter, Labels>>("z_total", help);
    let counter: Family<Counter, Labels> = registry.register(desc).unwrap();
    counter.get_or_create(&labels("b\\\"\n", 10)).inc_by(u64::MAX);
    counter.get_or_create(&labels("a", 9)).inc();
    let bounds = Buckets::Custom(vec![0.5, 1.0, 1_048_576.0].into());
    let desc = Desc::of::<Histogram>("h_bytes", "Sizes.").with_buckets(bounds);
    let histogram: Histogram = registry.register(desc).unwrap();
    for value in [0.25, 1.0, 2e6] {
        histogram.observe(value);
    }
    let _: Gauge = registry.register(Desc::of::<Gauge>("a", "Level.")).unwrap();
    let page = registry.render_prometheus();
    let (own, mine): (Vec<_>, Vec<_>) = page.split_inclusive('\n').partition(|line| line.contains("metrics_registry_"));
    assert_eq!(own.len(), 26);
    assert_eq!(
        mine.concat(),
        concat!(
            "# HELP a Level.\n",
            "# TYPE a gauge\n",
            "a 0\n",
            "# HELP h_bytes Sizes.\n",
            "# TYPE h_bytes histogram\n",
            "h_bytes_bucket{le=\"0.5\"} 1\n",
            "h_bytes_bucket{le=\"1\"} 2\n",
            "h_bytes_bucket{le=\"1.048576e+06\"} 2\n",
            "h_bytes_bucket{le=\"+Inf\"} 3\n",
            "h_bytes_sum 2.00000125e+06\n",
            "h_bytes_count 3\n",
            "# HELP z_total Tricky \"help\" with \\\\ and\\na line feed.\n",
            "# TYPE z_total counter\n",
            "z_total{topic=\"a\",partition=\"9\"} 1\n",
            "z_total{topic=\"b\\\\\\\"\\n\",partition=\"10\"} 18446744073709551615\n",
        )
    );
}

#[test]
fn hostile_label_values_come_back_as_they_went_in() {
    let registry = Registry::new();
    let desc = Desc::of::<Family<Counter, Labels>>("z_total", "Z.");
    let counter: Family<Counter, Labels> = registry.register(desc).unwrap();
    let hostile = [
        "",
        "\\",
        "\\\\",
        "\\n",
        "\n",
        "\"",
        "\\\"",
        "a\\\nb",
        "} 1\nevil 2",
        ",x=\"y",
        "\u{0}",
        "\r\n",
        "<img src=x onerror=alert(1)>",
        "日本",
        "\u{1b}]0;",
        "\u{feff}",
    ];
    for topic in hostile {
        counter.get_or_create(&labels(topic, 0)).inc();
    }
    let page = registry.render_prometheus();
    let read: BTreeSet<_> = parse(&page)
        .into_iter()
        .filter(|(name, _, _)| name == "z_total")
        .map(|(_, pairs, _)| pairs[0].1.clone())
        .collect();
    assert_eq!(read, hostile.iter().map(|&text| text.to_owned()).collect());
}

#[test]
fn histograms_agree_with_themselves_while_threads_observe() {
    let registry = Registry::new();
    let desc = Desc::of::<Family<Histogram, Labels>>("h_ms", "H.");
    let family: Family<Histogram, Labels> = registry.register(desc).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..3 {
            let family = &family;
            scope.spawn(move || {
                let own = family.get_or_create(&labels("t", thread % 2));
                (0..20_000).for_each(|i| own.observe(f64::from(i % 300)));
            });
        }
        for _ in 0..50 {
            check_histograms(&parse(&registry.render_prometheus()));
        }
    });
    let samples = parse(&registry.render_prometheus());
    let counts = samples.iter().filter(|(name, ..)| name == "h_ms_count");
    let total: u64 = counts.map(|(.., value)| value.parse::<u64>().unwrap()).sum();
    assert_eq!(total, 60_000);
}

/// Buckets never fall, and the last one is the count.
fn check_histograms(samples: &[Sample]) {
    let mut last: BTreeMap<String, u64> = BTreeMap::new();
    for (name, pairs, value) in samples {
        let key = pairs.iter().find(|(key, _)| key == "partition");
        let key = key.map(|(_, partition)| partition.clone()).unwrap_or_default();
        if name == "h_ms_bucket" {
            let value: u64 = value.parse().unwrap();
            let before = last.insert(key, value);
            assert!(before.is_none_or(|before| before <= value));
        } else if name == "h_ms_count" {
            assert_eq!(last.get(&key).copied(), Some(value.parse().unwrap()));
        }
    }
}

#[test]
fn two_pages_of_the_same_values_are_the_same_page() {
    let registry = Registry::new();
    let desc = Desc::of::<Family<Gauge, Labels>>("g", "G.");
    let family: Family<Gauge, Labels> = registry.register(desc).unwrap();
    for i in (0..100).rev() {
        family.get_or_create(&labels("t", i)).set(f64::from(i));
    }
    assert_eq!(registry.render_prometheus(), registry.render_prometheus());
}

#[test]
fn the_reader_of_these_tests_does_refuse_bad_pages() {
    for bad in [
        "a 1\n",
        "# HELP a A.\n# TYPE a gauge\na 1",
        "# HELP a A.\n# TYPE a gauge\na 1\na 1\n",
        "# HELP b B.\n# TYPE b gauge\n# HELP a A.\n# TYPE a gauge\n",
        "# HELP a A.\n# TYPE a gauge\na{x=\"\\t\"} 1\n",
    ] {
        assert!(std::panic::catch_unwind(|| parse(bad)).is_err(), "{bad}");
    }
}
