//! Which files are taken, and what is said about the others.

use super::{Folder, example};

const TLS: &str = "tls_server_config: {cert_file: server.crt, key_file: server.key";
const HASH: &str = "$2y$10$7EqJtq98hPqEX7fNZaFWoOl/OaAHV3bhcb1xfHyphKLaLJ4Ac02Xi";

/// A folder with what the files below name, good and bad.
fn folder() -> Folder {
    let folder = Folder::new();
    folder.put("other.key", &folder.servers.issue(&["localhost"]).key);
    folder.put("junk.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    folder.put("empty", "");
    folder.put("two words", "a b\n");
    folder.put("long", &"x".repeat(5000));
    folder
}

#[test]
fn files_that_can_be_honoured_are_taken() {
    let folder = folder();
    for name in ["tls", "mtls", "basic-auth", "bearer"] {
        assert_eq!(folder.judge(&example(name)), Ok(()), "{name}");
    }
    let users = format!("basic_auth_users:\n  alice: {HASH}\n  böb: {HASH}\n");
    for text in [
        "",
        "# nothing\n",
        "{}",
        "tls_server_config:\nhttp_server_config:\nbasic_auth_users:\nrate_limit:\n",
        "tls_server_config: {cert_file: '', key_file: ''}",
        &format!("{TLS}}}"),
        &format!("{TLS}, min_version: TLS12, max_version: TLS12}}"),
        &format!("{TLS}, min_version: TLS13, max_version: TLS13}}"),
        &format!("{TLS}, prefer_server_cipher_suites: false}}"),
        &format!("{TLS}, cipher_suites: []}}"),
        &format!("{TLS}, cipher_suites: [TLS_AES_128_GCM_SHA256, TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256]}}"),
        &format!("{TLS}, curve_preferences: [X25519, CurveP256, CurveP384]}}"),
        &format!("{TLS}, client_auth_type: RequestClientCert}}"),
        &format!("{TLS}, client_auth_type: VerifyClientCertIfGiven, client_ca_file: client-ca.crt}}"),
        &users,
        "http_server_config: {http2: false}",
        "http_server_config: {headers: {X-Content-Type-Options: nosniff, X-Frame-Options: sameorigin}}",
        "rate_limit: {interval: 1s, burst: 20}",
        "rate_limit: {interval: 0, burst: 20}",
        "bearer_token_file: token",
    ] {
        assert_eq!(folder.judge(text), Ok(()), "{text}");
    }
}

#[test]
fn files_that_cannot_be_honoured_are_refused_with_line_and_key() {
    let folder = folder();
    let tls = |rest: &str| format!("{TLS}, {rest}}}");
    let verify = "client_auth_type: RequireAndVerifyClientCert";
    for (text, said) in [
        ("a: 1".to_owned(), "web.yml:1:1: a: unknown key; expected one of tls_server_config"),
        ("tls_config: {}".to_owned(), "unknown key"),
        ("basic_auth_user: {}".to_owned(), "(did you mean \"basic_auth_users\"?)"),
        ("- a".to_owned(), "web.yml:1:1: is no mapping"),
        ("a".to_owned(), "is no mapping"),
        ("{".to_owned(), "not readable as YAML"),
        ("rate_limit: {}\nrate_limit: {}".to_owned(), "web.yml:2:1: rate_limit: this key was given before"),
        ("rate_limit: &a {}\nhttp_server_config: *a".to_owned(), "aliases (*name) are not supported"),
        ("tls_server_config: {cert_file: server.crt}".to_owned(), "tls_server_config.key_file: missing"),
        ("tls_server_config: {key_file: server.key}".to_owned(), "tls_server_config.cert_file: missing"),
        ("tls_server_config: {min_version: TLS13}".to_owned(), "tls_server_config.cert_file: missing"),
        (tls("cert: x"), "tls_server_config.cert_file: stands beside tls_server_config.cert"),
        (tls("crt: x"), "tls_server_config.crt: unknown key"),
        (tls("cert_file: x"), "given before"),
        ("tls_server_config: {cert_file: no.crt, key_file: server.key}".to_owned(), "cert_file: there is no file "),
        ("tls_server_config: {cert_file: ., key_file: server.key}".to_owned(), "is not a regular file"),
        ("tls_server_config: {cert_file: empty, key_file: server.key}".to_owned(), "cert_file: holds no certificate"),
        (
            "tls_server_config: {cert_file: server.key, key_file: server.key}".to_owned(),
            "cert_file: holds no certificate",
        ),
        ("tls_server_config: {cert_file: server.crt, key_file: server.crt}".to_owned(), "key_file: holds no key"),
        (
            "tls_server_config: {cert_file: server.crt, key_file: other.key}".to_owned(),
            "cert_file: does not go with the key",
        ),
        (
            "tls_server_config: {cert_file: junk.pem, key_file: server.key}".to_owned(),
            "cert_file: does not go with the key",
        ),
        (tls("min_version: TLS11"), "min_version: is not offered; expected one of TLS12, TLS13"),
        (tls("min_version: TLS10"), "min_version: is not offered"),
        (tls("max_version: SSL3"), "max_version: is not offered"),
        (tls("min_version: TLS13, max_version: TLS12"), "min_version: is above max_version"),
        (tls("cipher_suites: [TLS_MADE_UP]"), "cipher_suites.0: is not offered"),
        (tls("cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA]"), "cipher_suites.0: is not offered"),
        (tls("cipher_suites: TLS_AES_128_GCM_SHA256"), "cipher_suites: is no list"),
        (
            tls("max_version: TLS12, cipher_suites: [TLS_AES_128_GCM_SHA256]"),
            "cipher_suites: has no suite of a version",
        ),
        (tls("curve_preferences: [CurveP521]"), "curve_preferences.0: is not offered"),
        (tls("prefer_server_cipher_suites: perhaps"), "prefer_server_cipher_suites: is not offered"),
        (tls("client_auth_type: Sometimes"), "client_auth_type: is not offered"),
        (tls(verify), "client_ca_file: missing"),
        (tls("client_ca_file: client-ca.crt"), "client_ca_file: is not looked at under this client_auth_type"),
        (
            tls("client_auth_type: RequireAnyClientCert, client_ca_file: client-ca.crt"),
            "client_ca_file: is not looked at",
        ),
        (
            tls(&format!("{verify}, client_ca_file: junk.pem")),
            "client_ca_file: holds a certificate that is no authority's",
        ),
        (tls(&format!("{verify}, client_ca_file: empty")), "client_ca_file: holds no certificate"),
        (
            tls(&format!("{verify}, client_ca_file: client-ca.crt, client_allowed_sans: []")),
            "client_allowed_sans: is empty",
        ),
        (tls("client_allowed_sans: [a]"), "client_allowed_sans: protects nothing"),
        (
            tls("client_auth_type: RequireAnyClientCert, client_allowed_sans: [a]"),
            "client_allowed_sans: protects nothing",
        ),
        ("http_server_config: {http2: true}".to_owned(), "http2: is not offered: HTTP/1.1"),
        ("http_server_config: {http3: true}".to_owned(), "http3: unknown key"),
        ("http_server_config: {headers: {Server: x}}".to_owned(), "headers.Server: this header cannot be set"),
        ("http_server_config: {headers: {x-frame-options: deny}}".to_owned(), "did you mean \"X-Frame-Options\"?"),
        ("http_server_config: {headers: {X-Frame-Options: maybe}}".to_owned(), "X-Frame-Options: is not offered"),
        (
            "http_server_config: {headers: {X-XSS-Protection: \"a\\nb\"}}".to_owned(),
            "characters that no header may have",
        ),
        ("basic_auth_users: {a: plain}".to_owned(), "basic_auth_users.a: is no bcrypt hash"),
        ("basic_auth_users: {a: ''}".to_owned(), "basic_auth_users.a: has no hash"),
        ("basic_auth_users: {a: [b]}".to_owned(), "basic_auth_users.a: is no single value"),
        (format!("basic_auth_users: {{a:b: {HASH}}}"), "no name with a colon"),
        (format!("basic_auth_users: {{a: {}}}", HASH.replace("$10$", "$03$")), "has a cost of 3"),
        (format!("basic_auth_users: {{a: {}}}", HASH.replace("$10$", "$31$")), "has a cost of 31"),
        (format!("basic_auth_users: {{a: {}}}", &HASH[..59]), "is no bcrypt hash"),
        ("basic_auth_users: [a]".to_owned(), "basic_auth_users: is no mapping"),
        ("rate_limit: {interval: 1s}".to_owned(), "rate_limit.burst: is 0"),
        ("rate_limit: {interval: 1s, burst: 0}".to_owned(), "rate_limit.burst: is 0"),
        ("rate_limit: {interval: 1s, burst: -1}".to_owned(), "rate_limit.burst: is no whole number"),
        ("rate_limit: {interval: soon, burst: 1}".to_owned(), "rate_limit.interval: is no duration"),
        ("rate_limit: {interval: -1s, burst: 1}".to_owned(), "rate_limit.interval: is no duration"),
        ("rate_limit: {burst: 1}".to_owned(), "rate_limit.interval: missing"),
        ("bearer_token_file: no".to_owned(), "bearer_token_file: there is no file "),
        ("bearer_token_file: empty".to_owned(), "bearer_token_file: the file holds no token"),
        ("bearer_token_file: two words".to_owned(), "bearer_token_file: the file holds no token"),
        ("bearer_token_file: long".to_owned(), "is longer than 4096 bytes"),
        ("bearer_token: abc".to_owned(), "bearer_token: unknown key"),
    ] {
        let found = folder.judge(&text).expect_err(&text);
        assert!(found.contains("web.yml") && found.contains(said), "{text}\n  said: {found}\n  expected: {said}");
    }
}

#[test]
fn all_that_is_wrong_is_told_in_one_go() {
    let folder = folder();
    let text = "rate_limit: {interval: x}\nbasic_auth_users: {a: b}\nhttp_server_config: {http2: true}\nnope: 1\n";
    let found = folder.judge(text).unwrap_err();
    assert_eq!(found.lines().count(), 4, "{found}");
}

#[test]
fn a_file_that_is_not_there_too_long_or_no_text_is_refused() {
    let folder = folder();
    let judge = |name: &str| streamgauge_export::check_web_config(&folder.path(name)).unwrap_err().to_string();
    assert!(judge("missing.yml").contains("there is no file"));
    std::fs::write(folder.path("bytes.yml"), b"\xff").unwrap();
    assert!(judge("bytes.yml").contains("not valid UTF-8"));
    folder.put("long.yml", &"#\n".repeat(1 << 20));
    assert!(judge("long.yml").contains("is longer than 1048576 bytes"));
}
