//! Paths that lead out of the server, to files or to other hosts (CVE-2021-43798, CVE-2021-29622).

use streamgauge_export::{Health, Identity, Limits, Routes};
use streamgauge_metrics::Registry;

use crate::wire::Wire;
use crate::{alone, serve};

const NOWHERE: [&str; 22] = [
    "/../../../../etc/passwd",
    "/static/../../etc/passwd",
    "/metrics/../../etc/passwd",
    "/metrics/..",
    "/metrics/",
    "/metrics;x=1",
    "/metrics%00.html",
    "/metrics%2f..%2f..%2fetc%2fpasswd",
    "/%2e%2e/%2e%2e/etc/passwd",
    "/..%5c..%5cwindows%5cwin.ini",
    "/..%252f..%252fetc/passwd",
    "/%c0%ae%c0%ae/etc/passwd",
    "/..;/manager/html",
    "/.env",
    "/.git/config",
    "/%00",
    "//evil.example",
    "///evil.example/%2e%2e",
    "/%5cevil.example",
    "//evil.example/metrics/..",
    "/%0d%0alocation:%20http://evil.example",
    "/https:/evil.example",
];

#[test]
fn no_path_leads_to_a_file_or_to_another_host() {
    let _alone = alone();
    let landing = Some(Identity { name: "demo".to_owned(), version: "1".to_owned() });
    let routes = Routes { landing, ..Routes::new(Registry::new(), Health::default()) };
    let running = serve(routes, Limits::default());
    let mut wire = Wire::open(running.local_addr());
    let mut get = |path: &str| {
        wire.send(format!("GET {path} HTTP/1.1\r\nhost: evil.example\r\n\r\n").as_bytes());
        wire.reply(false).unwrap()
    };
    for path in NOWHERE {
        let reply = get(path);
        assert_eq!((reply.status, reply.text().as_str()), (404, "there is nothing here\n"), "{path}");
        assert_eq!(reply.header("location"), None, "{path}");
    }
    for path in ["/?next=//evil.example", "/?url=http://evil.example", "/health?/../x", "http://evil.example/ready"] {
        let reply = get(path);
        assert_eq!((reply.status, reply.header("location")), (200, None), "{path}");
        let told: String = reply.headers.iter().map(|(_, value)| value.as_str()).collect();
        assert!(!told.contains("evil") && !reply.text().contains("evil"), "{path}");
    }
}
