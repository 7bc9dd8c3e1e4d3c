//! What is in force after the files have changed.

use std::fs;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use streamgauge_metrics::Registry;

use super::authority::Client;
use super::{Folder, awaited, example, scrape, value};

const SUCCESSES: &str = "metrics_web_config_reloads_total{result=\"success\"}";
const FAILURES: &str = "metrics_web_config_reloads_total{result=\"failure\"}";
const GOOD: &str = "metrics_web_config_last_reload_successful";
const TOKEN: &str = "bearer_token_file: token\n";

fn bearer(token: &str) -> String {
    format!("authorization: Bearer {token}\r\n")
}

fn is(left: f64, right: f64) -> bool {
    (left - right).abs() < 0.5
}

#[test]
fn a_token_that_was_rotated_is_the_only_one_from_then_on() {
    let folder = Folder::new();
    let registry = Registry::new();
    let running = folder.serve_with(TOKEN, registry.clone());
    assert_eq!(scrape(running.local_addr(), &bearer("s3cr3t-t0ken")).status, 200);
    // As long as the one before, and within the same tick of many a file system's clock.
    folder.put("token", "n3xt-0ne-t0ken");
    awaited("the new token", || scrape(running.local_addr(), &bearer("n3xt-0ne-t0ken")).status == 200);
    assert_eq!(scrape(running.local_addr(), &bearer("s3cr3t-t0ken")).status, 401);
    assert!(is(value(&registry, SUCCESSES), 1.0) && is(value(&registry, GOOD), 1.0));
}

#[test]
fn a_file_that_is_replaced_by_another_one_is_noticed() {
    let folder = Folder::new();
    let running = folder.serve(TOKEN);
    folder.put("token.new", "other");
    fs::rename(folder.path("token.new"), folder.path("token")).unwrap();
    awaited("the new token", || scrape(running.local_addr(), &bearer("other")).status == 200);
}

#[test]
fn a_change_that_cannot_be_used_is_counted_once_and_changes_nothing() {
    let folder = Folder::new();
    let registry = Registry::new();
    let running = folder.serve_with(TOKEN, registry.clone());
    let bad = [
        ("web.yml", "bearer_token_file: token\nunknown: 1\n"),
        ("web.yml", "}"),
        ("web.yml", "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n"),
    ];
    for (at, (name, text)) in bad.into_iter().enumerate() {
        folder.put(name, text);
        awaited("the failure", || is(value(&registry, FAILURES), at as f64 + 1.0));
        assert!(is(value(&registry, GOOD), 0.0));
        assert_eq!(scrape(running.local_addr(), &bearer("s3cr3t-t0ken")).status, 200);
        assert_eq!(scrape(running.local_addr(), "").status, 401);
    }
    fs::remove_file(folder.path("token")).unwrap();
    folder.put("web.yml", TOKEN);
    awaited("the failure", || is(value(&registry, FAILURES), 4.0));
    assert_eq!(scrape(running.local_addr(), &bearer("s3cr3t-t0ken")).status, 200);
    folder.put("token", "back");
    awaited("the token is back", || scrape(running.local_addr(), &bearer("back")).status == 200);
    assert!(is(value(&registry, FAILURES), 4.0) && is(value(&registry, GOOD), 1.0));
}

#[test]
fn whoever_is_struck_off_the_list_stays_out() {
    let folder = Folder::new();
    let hash = bcrypt::hash("b", 4).unwrap();
    let running = folder.serve(&format!("basic_auth_users:\n  a: {hash}\n  c: {hash}\n"));
    let (a, c) = ("authorization: Basic YTpi\r\n", "authorization: Basic Yzpi\r\n");
    assert_eq!([scrape(running.local_addr(), a).status, scrape(running.local_addr(), c).status], [200, 200]);
    folder.put("web.yml", &format!("basic_auth_users:\n  c: {hash}\n"));
    awaited("a is gone", || scrape(running.local_addr(), a).status == 401);
    assert_eq!(scrape(running.local_addr(), c).status, 200);
}

#[test]
fn a_key_is_rotated_under_load_and_every_handshake_has_the_old_or_the_new_one() {
    let folder = Folder::new();
    let issued: Vec<_> = (0..5).map(|_| folder.servers.issue(&["localhost"])).collect();
    let shown: Vec<_> =
        issued.iter().map(|one| CertificateDer::from_pem_slice(one.certificate.as_bytes()).unwrap().to_vec()).collect();
    folder.put_server(&issued[0]);
    let running = folder.serve(&example("tls"));
    let (addr, client) = (running.local_addr(), Client::of(&folder.servers));
    let (stop, handshakes) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let (answer, certificate) = client.exchange(addr, "").unwrap();
                    assert!(answer.status == 200 && shown.contains(&certificate));
                    handshakes.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        for (next, certificate) in issued.iter().zip(&shown).skip(1) {
            // In between, the certificate does not go with the key.
            folder.put("server.crt", &next.certificate);
            let before = handshakes.load(Ordering::Relaxed);
            awaited("handshakes in between", || handshakes.load(Ordering::Relaxed) > before + 20);
            folder.put("server.key", &next.key);
            awaited("the new certificate", || client.exchange(addr, "").unwrap().1 == *certificate);
        }
        stop.store(true, Ordering::Relaxed);
    });
}
