//! What the server says on each path, over real sockets.

use std::io::{Read, Write};
use std::sync::mpsc;
use std::time::Duration;

use crate::client::{Answer, ask, connect, request};
use streamgauge_export::{Collector, Health, Identity, Router, Routes, Running, Server, process};
use streamgauge_metrics::{Counter, Desc, Family, Gauge, Registry};

fn start(routes: Routes) -> Running {
    let bound = Server::bind("127.0.0.1", 0).unwrap();
    bound.start(routes).unwrap()
}

fn plain_server() -> (Running, Registry, Health) {
    let (registry, health) = (Registry::new(), Health::default());
    let identity = Identity { name: "demo".to_owned(), version: "1.2.3".to_owned() };
    let running = start(Routes { landing: Some(identity), ..Routes::new(registry.clone(), health.clone()) });
    (running, registry, health)
}

fn get(running: &Running, path: &str) -> Answer {
    ask(running.local_addr(), "GET", path)
}

#[test]
fn metrics_are_served_with_the_exact_content_type_and_the_current_values() {
    let (running, registry, _) = plain_server();
    let jobs: Counter = registry.register(Desc::of::<Counter>("jobs_total", "Jobs done.")).unwrap();
    jobs.inc_by(7);
    let answer = get(&running, "/metrics");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    assert!(answer.body.contains("\njobs_total 7\n"), "{}", answer.body);
    // No histogram has a series before the first scrape is over.
    let lines = answer.body.lines().filter(|line| !line.starts_with('#')).count();
    assert!(answer.body.contains(&format!("\nmetrics_registry_total_series {lines}\n")), "{}", answer.body);
}

#[test]
fn the_path_of_the_metrics_can_be_chosen() {
    let running =
        start(Routes { metrics_path: "/internal/prom".to_owned(), ..Routes::new(Registry::new(), Health::default()) });
    assert_eq!(get(&running, "/internal/prom").status, 200);
    assert_eq!(get(&running, "/metrics").status, 404);
}

#[test]
fn a_path_that_cannot_be_served_is_an_error_and_not_a_panic() {
    for path in ["metrics", "", "/health", "/", "/{all}", "/*rest", "/a b"] {
        let bound = Server::bind("127.0.0.1", 0).unwrap();
        let routes = Routes { metrics_path: path.to_owned(), ..Routes::new(Registry::new(), Health::default()) };
        let error = bound.start(routes).unwrap_err().to_string();
        assert!(error.contains(&format!("`{path}`")), "{error}");
    }
}

#[test]
fn health_says_that_the_process_is_alive_whatever_is_ready() {
    let (running, _, health) = plain_server();
    health.register("source", "not open");
    let answer = get(&running, "/health");
    assert_eq!((answer.status, answer.body.as_str()), (200, r#"{"status":"ok"}"#));
    assert_eq!(answer.header("content-type"), Some("application/json"));
}

#[test]
fn ready_follows_the_components_and_gives_reasons() {
    let (running, _, health) = plain_server();
    health.register("source", "not open");
    let answer = get(&running, "/ready");
    let reasons = r#"{"ready":false,"reasons":["source not open"]}"#;
    assert_eq!((answer.status, answer.body.as_str()), (503, reasons));
    health.set_ready("source");
    let answer = get(&running, "/ready");
    assert_eq!((answer.status, answer.body.as_str()), (200, r#"{"ready":true}"#));
    health.set_not_ready("source", "lost \"t\"");
    let answer = get(&running, "/ready");
    assert_eq!(answer.status, 503);
    assert!(answer.body.contains(r#""source lost \"t\"""#));
}

#[test]
fn the_page_names_the_service_links_what_there_is_and_may_load_nothing() {
    let (running, ..) = plain_server();
    let answer = get(&running, "/");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
    for part in ["demo", "1.2.3", "href=\"/metrics\"", "href=\"/health\"", "href=\"/ready\""] {
        assert!(answer.body.contains(part), "{part}");
    }
    let policy = answer.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none';"), "{policy}");
    assert!(!answer.body.contains("http://") && !answer.body.contains("https://"));
    assert_eq!(get(&running, "/favicon.ico").status, 200);
}

#[test]
fn head_is_get_without_the_body() {
    let (running, ..) = plain_server();
    for path in ["/metrics?name[]=metrics_registry_hook_panics_total", "/health", "/ready", "/"] {
        let head = ask(running.local_addr(), "HEAD", path);
        let get = get(&running, path);
        assert_eq!(head.status, get.status, "{path}");
        assert_eq!(head.header("content-type"), get.header("content-type"));
        assert_eq!(head.header("content-length"), get.header("content-length"));
        assert!(head.body.is_empty() && !get.body.is_empty());
    }
}

#[test]
fn another_method_is_told_which_ones_there_are() {
    let (running, ..) = plain_server();
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "BREW"] {
        let answer = ask(running.local_addr(), method, "/metrics");
        assert_eq!(answer.status, 405, "{method}");
        assert_eq!(answer.header("allow"), Some("GET,HEAD"));
        assert_eq!(answer.body, "use GET or HEAD\n");
    }
}

#[test]
fn another_path_is_not_found_and_is_not_repeated_in_the_answer() {
    let (running, ..) = plain_server();
    for path in ["/nothing", "/metrics/", "/../etc/passwd", "/%2e%2e/x", "/%3Cscript%3E"] {
        let answer = get(&running, path);
        assert_eq!(answer.status, 404, "{path}");
        assert_eq!(answer.body, "there is nothing here\n");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    }
}

#[test]
fn a_caller_can_add_routes_of_its_own() {
    let running = start(Routes {
        extra: Router::new().route("/", axum::routing::get(async || "mine")),
        ..Routes::new(Registry::new(), Health::default())
    });
    assert_eq!(get(&running, "/").body, "mine");
    assert_eq!(get(&running, "/metrics").status, 200);
}

#[test]
fn a_query_does_not_change_the_path() {
    let (running, ..) = plain_server();
    assert_eq!(get(&running, "/metrics?name[]=up&x=1").status, 200);
}

#[test]
fn several_requests_fit_on_one_connection() {
    let (running, ..) = plain_server();
    let two = "GET /health HTTP/1.1\r\nhost: x\r\n\r\n\
               GET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let text = request(running.local_addr(), two.as_bytes());
    assert_eq!(text.matches("HTTP/1.1 200 OK").count(), 2, "{text}");
}

#[test]
fn the_tasks_of_the_server_are_counted() {
    let registry = Registry::new();
    let tasks = process::install(&registry).unwrap();
    let running = start(Routes { tasks, ..Routes::new(registry.clone(), Health::default()) });
    get(&running, "/metrics");
    get(&running, "/metrics");
    let page = get(&running, "/metrics").body;
    // One for each connection, and one that looks after the cardinality.
    assert!(page.contains("\nprocess_tasks_spawned_total 4\n"), "{page}");
    drop(running);
    let snapshot = registry.snapshot();
    assert_eq!(snapshot.gauge("process_active_tasks", &[]), Some(0.0));
}

#[test]
fn who_fills_the_registry_is_at_api_cardinality() {
    let registry = Registry::new();
    let desc = Desc::of::<Family<Counter>>("sent_total", "Sent.").with_labels(["topic"]);
    let sent: Family<Counter> = registry.register(desc).unwrap();
    for topic in 0..1_500 {
        sent.get_or_create(&[("topic", topic.to_string().as_str())]).inc();
    }
    let running = start(Routes::new(registry, Health::default()));
    let answer = get(&running, "/api/cardinality");
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    let report: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    let metric = &report["metrics"].as_array().unwrap().iter().find(|metric| metric["name"] == "sent_total").unwrap();
    assert_eq!((&metric["level"], &metric["refused"]), (&"full".into(), &500.into()));
    assert_eq!(metric["labels"][0]["name"], "topic");
}

#[test]
fn a_hook_that_panics_does_not_cost_the_scrape() {
    let (running, registry, _) = plain_server();
    registry.on_scrape(|| panic!("on purpose"));
    let answer = get(&running, "/metrics");
    assert_eq!(answer.status, 200);
    assert!(answer.body.contains("\nmetrics_registry_hook_panics_total 1\n"));
}

#[test]
fn a_collector_can_be_added_while_the_server_runs() {
    let registry = Registry::new();
    let depth: Gauge = registry.register(Desc::of::<Gauge>("depth", "Depth of a queue elsewhere.")).unwrap();
    let routes = Routes::new(registry, Health::default());
    let collectors = routes.collectors.clone();
    let running = start(routes);
    let page = get(&running, "/metrics").body;
    assert!(page.contains("\ndepth 0\n") && !page.contains("collector="), "{page}");
    let collect = async || {
        tokio::task::yield_now().await;
        Ok::<_, std::fmt::Error>(7.0)
    };
    let queue = Collector::new("queue", collect, move |value| depth.set(value));
    collectors.add(queue.within(Duration::from_secs(20))).unwrap();
    let page = get(&running, "/metrics").body;
    assert!(page.contains("\ndepth 7\n"), "{page}");
    assert!(page.contains("\nmetrics_collector_failures_total{collector=\"queue\",reason=\"deadline\"} 0\n"), "{page}");
}

/// Once its timer was polled when the runtime had ended, which is a panic.
#[test]
fn a_collector_that_is_under_way_does_not_hold_up_the_shutdown_nor_panic_in_it() {
    let registry = Registry::new();
    let routes = Routes::new(registry.clone(), Health::default());
    let collectors = routes.collectors.clone();
    let (enter, entered) = mpsc::channel();
    let collect = async move || {
        enter.send(()).unwrap();
        std::future::pending::<Result<(), std::fmt::Error>>().await
    };
    collectors.add(Collector::new("pending", collect, |()| {}).within(Duration::from_mins(1))).unwrap();
    let running = start(routes);
    let mut scrape = connect(running.local_addr());
    scrape.write_all(b"GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    entered.recv().unwrap();
    running.shutdown();
    let mut answer = Vec::new();
    let _ = scrape.read_to_end(&mut answer);
    assert!(answer.is_empty(), "{answer:?}");
    let failures = || {
        let labels = |reason| [("collector", "pending"), ("reason", reason)];
        let snapshot = registry.snapshot();
        ["deadline", "panic"].map(|reason| snapshot.counter("metrics_collector_failures_total", &labels(reason)))
    };
    while failures()[1].is_none() {
        std::thread::yield_now();
    }
    assert_eq!(failures(), [Some(1), Some(0)]);
}
