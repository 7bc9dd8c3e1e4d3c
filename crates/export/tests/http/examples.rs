//! The examples do what they say: each is taken in as a module and run.

#[expect(dead_code, reason = "the program around what is tested")]
#[path = "../../examples/axum_router.rs"]
mod axum_router;
#[expect(dead_code, reason = "the program around what is tested")]
#[path = "../../examples/batch_job.rs"]
mod batch_job;
#[expect(dead_code, reason = "the program around what is tested")]
#[path = "../../examples/plain_service.rs"]
mod plain_service;

use tokio::net::TcpListener;

use crate::client::{ask, ask_with};

#[test]
fn a_plain_service_has_a_whole_endpoint() {
    let (running, health, metrics) = plain_service::start(0).unwrap();
    for job in 0..10 {
        plain_service::work(&metrics, job);
    }
    let get = |path| ask(running.local_addr(), "GET", path);
    let page = get("/metrics").body;
    for line in [
        "worker_jobs_total{outcome=\"done\",queue=\"orders\"} 9",
        "worker_jobs_total{outcome=\"timed_out\",queue=\"say \\\"hi\\\" \\\\ bye\\nnow\"} 1",
        "worker_queue_depth 2",
        "worker_job_duration_ms_count 10",
    ] {
        assert!(page.lines().any(|found| found == line), "{line}: {page}");
    }
    assert!(page.contains("\nprocess_memory_bytes "));
    assert_eq!(get("/ready").status, 503);
    health.set_ready("queue");
    assert_eq!((get("/ready").status, get("/health").status, get("/").status), (200, 200, 200));
}

#[test]
fn an_axum_application_answers_scrapes_among_its_own_routes() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let addr = listener.local_addr().unwrap();
    runtime.spawn(async move { axum_router::serve(listener).await.unwrap() });
    assert_eq!(ask(addr, "GET", "/hello/you").body, "hello, you\n");
    let answer = ask_with(addr, "GET", "/metrics", "accept: application/openmetrics-text;version=1.0.0\r\n");
    assert_eq!((answer.status, answer.header("x-content-type-options")), (200, Some("nosniff")));
    let media_type = answer.header("content-type").unwrap();
    assert!(media_type.starts_with("application/openmetrics-text; version=1.0.0"), "{media_type}");
    assert!(answer.body.contains("\nhello_greetings_total 1\n"), "{}", answer.body);
    assert!(answer.body.contains("\ntokio_workers{runtime=\"app\"} 1.0\n"), "{}", answer.body);
    assert!(answer.body.ends_with("# EOF\n"));
    assert_eq!(ask(addr, "POST", "/metrics").body, "use GET or HEAD\n");
    let report = ask(addr, "GET", "/api/cardinality");
    assert_eq!((report.status, report.header("content-type")), (200, Some("application/json")));
    assert!(report.body.contains("\"level\":\"fine\""), "{}", report.body);
    assert_eq!(ask(addr, "GET", "/elsewhere").status, 404);
}

#[test]
fn a_batch_job_leaves_its_metrics_in_a_file() {
    let folder = std::env::temp_dir().join(format!("batch-job-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("backup.prom");
    batch_job::run(&path).unwrap();
    let page = std::fs::read_to_string(&path).unwrap();
    assert!(page.contains("\nbackup_files_total 42\n"), "{page}");
    let names: Vec<_> = page.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
    assert_eq!(
        names,
        ["backup_duration_seconds gauge", "backup_files_total counter", "backup_last_success_timestamp_seconds gauge"]
    );
    std::fs::remove_dir_all(folder).unwrap();
}
