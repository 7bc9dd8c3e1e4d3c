//! What a scrape gets for what it asks for, over real sockets.

use std::io::Read;
use std::sync::mpsc;
use std::time::Duration;

use crate::client::{Answer, ask, ask_with};
use streamgauge_export::{Health, Routes, Running, Server};
use streamgauge_metrics::{Counter, Desc, Gauge, Registry};

const PROTO: &str = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited";

fn start(registry: &Registry) -> Running {
    let bound = Server::bind("127.0.0.1", 0).unwrap();
    bound.start(Routes::new(registry.clone(), Health::default())).unwrap()
}

fn jobs() -> (Running, Registry) {
    let registry = Registry::new();
    let jobs: Counter = registry.register(Desc::of::<Counter>("jobs_total", "Jobs done.")).unwrap();
    jobs.inc_by(7);
    (start(&registry), registry)
}

fn scrape(running: &Running, headers: &str) -> Answer {
    ask_with(running.local_addr(), "GET", "/metrics", headers)
}

/// The value of a series in the text format; absent is 0.
fn value(running: &Running, series: &str) -> f64 {
    let page = scrape(running, "").body;
    let found = page.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    found.map_or(0.0, |value| value.parse().unwrap())
}

#[test]
fn trap_23_each_format_comes_with_its_own_content_type() {
    let (running, _registry) = jobs();
    for (accept, expected, start) in [
        ("text/plain;version=0.0.4", "text/plain; version=0.0.4; charset=utf-8", "# HELP jobs_total Jobs done.\n"),
        (
            "text/plain;version=1.0.0;escaping=dots",
            "text/plain; version=1.0.0; charset=utf-8; escaping=dots",
            "# HELP jobs_total Jobs done.\n",
        ),
        (
            "application/openmetrics-text;version=0.0.1",
            "application/openmetrics-text; version=0.0.1; charset=utf-8",
            "# TYPE jobs counter\n",
        ),
        (
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8",
            "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8",
            "# TYPE jobs counter\n",
        ),
        (
            PROTO,
            "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited; escaping=underscores",
            "C\n\njobs_total\u{12}\nJobs done.",
        ),
    ] {
        let answer = scrape(&running, &format!("accept: {accept}\r\n"));
        assert_eq!((answer.status, answer.header("content-type")), (200, Some(expected)), "{accept}");
        assert_eq!(answer.header("vary"), Some("accept, accept-encoding"));
        assert_eq!(answer.header("content-length"), Some(answer.bytes.len().to_string().as_str()));
        // The length of the message is the one byte that depends on the rest.
        let body = if accept == PROTO { &answer.body[1..] } else { &answer.body };
        let start = if accept == PROTO { &start[1..] } else { start };
        assert!(body.starts_with(start), "{body}");
    }
}

#[test]
fn trap_24_nothing_of_what_was_asked_for_is_in_the_answer() {
    let (running, _registry) = jobs();
    let evil = "accept: text/plain;version=1.0.0;escaping=evil, evil/evil;q=0.9\r\naccept-encoding: evil\r\n";
    let answer = scrape(&running, evil);
    assert_eq!(answer.header("content-type"), Some("text/plain; version=1.0.0; charset=utf-8; escaping=underscores"));
    assert_eq!(answer.header("content-encoding"), None);
    let answer = ask(running.local_addr(), "GET", &format!("/metrics?name[]={}", "evil".repeat(100)));
    assert_eq!((answer.status, answer.body.contains("evil")), (400, false));
}

#[test]
fn trap_40_a_page_says_how_it_is_compressed_if_it_is() {
    let (running, _registry) = jobs();
    let jobs = "\njobs_total 7\n";
    assert_eq!(scrape(&running, "").header("content-encoding"), None);
    let zstd = scrape(&running, "accept-encoding: gzip, zstd\r\n");
    assert_eq!(zstd.header("content-encoding"), Some("zstd"));
    assert!(String::from_utf8(zstd::decode_all(&zstd.bytes[..]).unwrap()).unwrap().contains(jobs));
    let gzip = scrape(&running, "accept-encoding: gzip\r\n");
    assert_eq!(gzip.header("content-encoding"), Some("gzip"));
    let mut page = String::new();
    flate2::read::GzDecoder::new(&gzip.bytes[..]).read_to_string(&mut page).unwrap();
    assert!(page.contains(jobs));
    for answer in [zstd, gzip] {
        assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
        assert_eq!(answer.header("content-length"), Some(answer.bytes.len().to_string().as_str()));
    }
}

#[test]
fn trap_41_names_choose_families_and_too_many_of_them_are_refused() {
    let (running, _registry) = jobs();
    let addr = running.local_addr();
    let page = ask(addr, "GET", "/metrics?name[]=jobs_total&name%5B%5D=metrics_scrape_requests_in_flight").body;
    let families: Vec<_> = page.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
    assert_eq!(families, ["jobs_total counter", "metrics_scrape_requests_in_flight gauge"]);
    let answer = ask(addr, "GET", "/metrics?name[]=no_such_metric");
    assert_eq!((answer.status, answer.body.as_str()), (200, ""));
    let many: Vec<_> = (0..300).map(|i| format!("name[]={i}")).collect();
    let answer = ask(addr, "GET", &format!("/metrics?{}", many.join("&")));
    assert_eq!((answer.status, answer.body.as_str()), (400, "name[] is there too often or too long\n"));
}

#[test]
fn a_family_that_cannot_be_told_costs_itself_and_is_counted() {
    let registry = Registry::new();
    for name in ["a.b", "a_b"] {
        let level: Gauge = registry.register(Desc::of::<Gauge>(name, "Level.").with_utf8_names()).unwrap();
        level.set(if name == "a_b" { 1.0 } else { 2.0 });
    }
    let running = start(&registry);
    let page = scrape(&running, "").body;
    assert!(page.contains("\na_b 1\n") && !page.contains("a_b 2"), "{page}");
    let both = scrape(&running, "accept: text/plain;version=1.0.0;escaping=allow-utf-8\r\n").body;
    assert!(both.contains("\na_b 1\n") && both.contains("\n{\"a.b\"} 2\n"), "{both}");
    assert!(value(&running, "metrics_scrape_dropped_families_total{reason=\"name_taken\"}") >= 1.0);
}

#[test]
fn scrapes_count_themselves() {
    let (running, _registry) = jobs();
    scrape(&running, "");
    let strict = scrape(&running, "accept: application/openmetrics-text;version=1.0.0\r\n");
    ask(running.local_addr(), "GET", &format!("/metrics?name[]={}", "x".repeat(300)));
    let of = |format: &str, code: u16| {
        value(&running, &format!("metrics_scrape_requests_total{{format=\"{format}\",code=\"{code}\"}}"))
    };
    assert!(of("PrometheusText0.0.4", 200) >= 1.0);
    assert!((of("OpenMetricsText1.0.0", 200) - 1.0).abs() < 0.1);
    assert!((of("PrometheusText0.0.4", 400) - 1.0).abs() < 0.1);
    assert!((value(&running, "metrics_scrape_errors_total{cause=\"query\"}") - 1.0).abs() < 0.1);
    assert!((value(&running, "metrics_scrape_requests_in_flight") - 1.0).abs() < 0.1, "this one");
    let bytes = strict.bytes.len() as f64;
    for (series, expected) in [("duration_ms_count", 1.0), ("render_duration_ms_count", 1.0), ("body_bytes", bytes)] {
        let found = value(&running, &format!("metrics_scrape_{series}{{format=\"OpenMetricsText1.0.0\"}}"));
        assert!((found - expected).abs() < 0.1, "{series}: {found}");
    }
}

#[test]
fn a_scrape_that_comes_too_late_for_its_client_is_a_503_and_no_half_page() {
    let registry = Registry::new();
    let (go, wait) = mpsc::channel::<()>();
    let wait = std::sync::Mutex::new(wait);
    registry.on_scrape(move || {
        let _ = wait.lock().unwrap().recv_timeout(Duration::from_secs(20));
    });
    let running = start(&registry);
    let answer = scrape(&running, "x-prometheus-scrape-timeout-seconds: 0.05\r\n");
    assert_eq!((answer.status, answer.body.as_str()), (503, "the metrics could not be gathered in time\n"));
    assert_eq!(answer.header("retry-after"), Some("1"));
    drop(go);
    assert_eq!(scrape(&running, "x-prometheus-scrape-timeout-seconds: 20\r\n").status, 200);
    assert!((value(&running, "metrics_scrape_errors_total{cause=\"deadline\"}") - 1.0).abs() < 0.1);
}
