//! Who gets past the handshake.

use std::io::{Read, Write};
use std::time::Duration;

use rustls::crypto::ring;
use rustls::version::{TLS12, TLS13};
use streamgauge_export::{Health, Limits, Routes, Server};
use streamgauge_metrics::Registry;

use super::authority::{Authority, Client, Issued, email, uri};
use super::{Folder, awaited, example, value};
use crate::client::{ask, connect};

const TLS: &str = "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n";

fn with(lines: &str) -> String {
    format!("{TLS}{lines}")
}

#[test]
fn behind_tls_a_client_that_trusts_the_authority_is_answered_and_others_refuse_to_ask() {
    let folder = Folder::new();
    let running = folder.serve(&example("tls"));
    let answer = Client::of(&folder.servers).scrape(running.local_addr(), "").unwrap();
    assert_eq!(answer.status, 200);
    assert!(Client::of(&folder.clients).scrape(running.local_addr(), "").is_err());
}

#[test]
fn certificate_and_key_can_stand_in_the_file_itself() {
    let folder = Folder::new();
    let issued = folder.servers.issue(&["localhost"]);
    let block = |text: &str| format!("    {}\n", text.trim_end().replace('\n', "\n    "));
    let running = folder.serve(&format!(
        "tls_server_config:\n  cert: |\n{}  key: |\n{}",
        block(&issued.certificate),
        block(&issued.key)
    ));
    assert_eq!(Client::of(&folder.servers).scrape(running.local_addr(), "").unwrap().status, 200);
}

#[test]
fn only_the_versions_that_are_allowed_are_spoken() {
    let folder = Folder::new();
    for (lines, allowed) in
        [("", [true, true]), ("  min_version: TLS13\n", [false, true]), ("  max_version: TLS12\n", [true, false])]
    {
        let running = folder.serve(&with(lines));
        let spoken = [&TLS12, &TLS13].map(|version| {
            let client = Client::new(&folder.servers, None, &[version], ring::default_provider());
            client.scrape(running.local_addr(), "").is_ok()
        });
        assert_eq!(spoken, allowed, "{lines}");
    }
}

#[test]
fn a_client_that_speaks_tls_1_1_at_most_is_told_that_this_is_too_old() {
    let folder = Folder::new();
    let running = folder.serve(TLS);
    // A ClientHello of 1.1 with one suite, and one scheme to sign with.
    let mut hello = vec![3, 2];
    hello.extend([7; 32]);
    hello.extend([0, 0, 2, 0xc0, 0x13, 1, 0, 0, 8, 0, 13, 0, 4, 0, 2, 4, 3]);
    let mut record = vec![22, 3, 1, 0, 4 + u8::try_from(hello.len()).unwrap(), 1, 0, 0];
    record.push(u8::try_from(hello.len()).unwrap());
    record.extend(hello);
    let mut socket = connect(running.local_addr());
    socket.write_all(&record).unwrap();
    let mut answer = Vec::new();
    let _ = socket.read_to_end(&mut answer);
    assert_eq!((answer[0], &answer[5..]), (21, &[2, 70][..]), "a fatal alert, protocol_version: {answer:?}");
}

#[test]
fn suites_and_curves_that_are_not_named_are_not_agreed_to() {
    let folder = Folder::new();
    let lines = "  max_version: TLS12\n  cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256]\n  curve_preferences: [CurveP384]\n";
    let running = folder.serve(&with(lines));
    let answered = |suites: &str, curves: &str| {
        let mut provider = ring::default_provider();
        provider.cipher_suites.retain(|suite| format!("{:?}", suite.suite()).ends_with(suites));
        provider.kx_groups.retain(|group| format!("{:?}", group.name()).ends_with(curves));
        let client = Client::new(&folder.servers, None, &[&TLS12], provider);
        client.scrape(running.local_addr(), "").is_ok()
    };
    assert!(answered("ECDSA_WITH_AES_128_GCM_SHA256", "secp384r1"));
    assert!(answered("", ""));
    assert!(!answered("ECDSA_WITH_AES_256_GCM_SHA384", "secp384r1"));
    assert!(!answered("ECDSA_WITH_AES_128_GCM_SHA256", "X25519"));
}

#[test]
fn a_certificate_of_another_time_is_served_and_refused_by_the_client() {
    let folder = Folder::new();
    for (from, to) in [(2001, 2002), (2998, 2999)] {
        folder.put_server(&folder.servers.issue_for(&["localhost"], from, to));
        let running = folder.serve(TLS);
        let refused = Client::of(&folder.servers).scrape(running.local_addr(), "").err().expect("it is refused");
        let text = refused.to_string();
        assert!(text.contains("expired") || text.contains("not valid yet"), "{text}");
    }
}

#[test]
fn only_a_certificate_of_the_authority_and_for_the_name_gets_in() {
    let folder = Folder::new();
    let registry = Registry::new();
    let running = folder.serve_with(&example("mtls"), registry.clone());
    let name = "prometheus.example.org";
    let answered = |shown: Option<&Issued>| {
        let client = match shown {
            Some(shown) => Client::with(&folder.servers, shown),
            None => Client::of(&folder.servers),
        };
        client.scrape(running.local_addr(), "").is_ok_and(|answer| answer.status == 200)
    };
    assert!(answered(Some(&folder.clients.issue(&[name]))));
    let refused = [
        None,
        Some(Authority::new("clients").issue(&[name])),
        Some(folder.clients.issue(&["grafana.example.org"])),
        Some(folder.clients.issue(&["*.example.org"])),
        Some(folder.clients.issue(&[])),
        Some(folder.clients.issue_for(&[name], 2001, 2002)),
    ];
    for (at, shown) in refused.iter().enumerate() {
        assert!(!answered(shown.as_ref()), "{at}");
    }
    awaited("every refusal is counted", || value(&registry, "metrics_web_handshakes_failed_total") >= 6.0);
}

#[test]
fn a_name_may_be_an_address_a_mailbox_or_a_uri() {
    let folder = Folder::new();
    let names = "  client_allowed_sans: [10.1.2.3, 'fd00::1', ops@example.org, 'spiffe://example.org/prometheus']\n";
    let policy = "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: client-ca.crt\n";
    let running = folder.serve(&with(&format!("{policy}{names}")));
    let shown = [
        (folder.clients.issue(&["10.1.2.3"]), true),
        (folder.clients.issue(&["10.1.2.4", "fd00::1"]), true),
        (folder.clients.issue_with(&[], |params| params.subject_alt_names.push(email("ops@example.org"))), true),
        (
            folder
                .clients
                .issue_with(&[], |params| params.subject_alt_names.push(uri("spiffe://example.org/prometheus"))),
            true,
        ),
        (
            folder.clients.issue_with(&[], |params| params.subject_alt_names.push(uri("spiffe://example.org/other"))),
            false,
        ),
        (folder.clients.issue(&["fd00::2"]), false),
    ];
    for (at, (shown, allowed)) in shown.iter().enumerate() {
        let answered = Client::with(&folder.servers, shown).scrape(running.local_addr(), "").is_ok();
        assert_eq!(answered, *allowed, "{at}");
    }
}

#[test]
fn each_policy_asks_of_clients_what_go_means_by_it() {
    let folder = Folder::new();
    let known = folder.clients.issue(&["a.example.org"]);
    let foreign = Authority::new("others").issue(&["a.example.org"]);
    let ca = "  client_ca_file: client-ca.crt\n";
    for (policy, ca, allowed) in [
        ("NoClientCert", "", [true, true, true]),
        ("RequestClientCert", "", [true, true, true]),
        ("RequireAnyClientCert", "", [false, true, true]),
        ("RequireClientCert", "", [false, true, true]),
        ("VerifyClientCertIfGiven", ca, [true, true, false]),
        ("RequireAndVerifyClientCert", ca, [false, true, false]),
    ] {
        let running = folder.serve(&with(&format!("  client_auth_type: {policy}\n{ca}")));
        for version in [&TLS12, &TLS13] {
            let answered = [None, Some(&known), Some(&foreign)].map(|shown| {
                let client = Client::new(&folder.servers, shown, &[version], ring::default_provider());
                client.scrape(running.local_addr(), "").is_ok()
            });
            assert_eq!(answered, allowed, "{policy} {version:?}");
        }
    }
}

#[test]
fn plain_http_to_a_tls_port_ends_and_so_does_the_other_way_round() {
    let folder = Folder::new();
    let running = folder.serve(TLS);
    let mut socket = connect(running.local_addr());
    socket.write_all(b"GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    let _ = socket.read_to_end(&mut answer);
    assert!(!String::from_utf8_lossy(&answer).contains("HTTP/1.1 200"));
    assert_eq!(Client::of(&folder.servers).scrape(running.local_addr(), "").unwrap().status, 200);

    let plain = folder.serve("");
    assert!(Client::of(&folder.servers).scrape(plain.local_addr(), "").is_err());
    assert_eq!(ask(plain.local_addr(), "GET", "/health").status, 200);
}

#[test]
fn a_handshake_that_never_comes_is_given_up_and_counted() {
    let folder = Folder::new();
    folder.put("web.yml", TLS);
    let registry = Registry::new();
    let limits = Limits { header_timeout: Duration::from_millis(200), ..Limits::default() };
    let bound = Server::bind("127.0.0.1", 0).unwrap().with_limits(limits);
    let bound = bound.with_web_config(&folder.path("web.yml")).unwrap();
    assert_eq!(bound.scheme(), "https");
    let routes = Routes::new(registry.clone(), Health::default());
    let running = bound.start(routes).unwrap();
    let mut silent = connect(running.local_addr());
    silent.write_all(&[22, 3, 1]).unwrap();
    let _ = silent.read_to_end(&mut Vec::new());
    awaited("it is counted", || value(&registry, "metrics_web_handshakes_failed_total") > 0.0);
}
