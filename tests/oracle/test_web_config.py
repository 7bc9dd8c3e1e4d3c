"""The web configuration: judged as promtool judges it, and spoken by a real Prometheus."""
import subprocess

import pytest

from program import BINARY, EXPORT, ROOT
from server import scraped_by

EXAMPLES = ROOT / "examples" / "web"
HASH = "$2y$10$7EqJtq98hPqEX7fNZaFWoOl/OaAHV3bhcb1xfHyphKLaLJ4Ac02Xi"
PAIR = "cert_file: server.crt, key_file: server.key"

# What both take.
GOOD = [
    "{}",
    "tls_server_config: {}",
    f"tls_server_config: {{{PAIR}}}",
    f"tls_server_config: {{{PAIR}, min_version: TLS13, max_version: TLS13}}",
    f"tls_server_config: {{{PAIR}, cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256]}}",
    f"tls_server_config: {{{PAIR}, curve_preferences: [X25519, CurveP384]}}",
    f"tls_server_config: {{{PAIR}, prefer_server_cipher_suites: false}}",
    f"tls_server_config: {{{PAIR}, client_auth_type: RequireAnyClientCert}}",
    f"tls_server_config: {{{PAIR}, client_auth_type: RequireAndVerifyClientCert, client_ca_file: ca.crt}}",
    f"basic_auth_users: {{alice: {HASH}}}",
    "http_server_config: {http2: false, headers: {X-Frame-Options: deny, Strict-Transport-Security: max-age=1}}",
]
# What both refuse.
BAD = [
    "tls_serverconfig: {}",
    "- a",
    "tls_server_config: {cert_file: server.crt}",
    "tls_server_config: {key_file: server.key}",
    "tls_server_config: {cert_file: missing.crt, key_file: server.key}",
    "tls_server_config: {cert_file: server.crt, key_file: missing.key}",
    "tls_server_config: {cert_file: server.crt, key_file: ca.key}",
    "tls_server_config: {cert_file: server.key, key_file: server.key}",
    f"tls_server_config: {{{PAIR}, min_version: TLS99}}",
    f"tls_server_config: {{{PAIR}, cipher_suites: [TLS_MADE_UP]}}",
    f"tls_server_config: {{{PAIR}, curve_preferences: [CurveP000]}}",
    f"tls_server_config: {{{PAIR}, client_auth_type: Sometimes}}",
    f"tls_server_config: {{{PAIR}, client_ca_file: ca.crt}}",
    f"tls_server_config: {{{PAIR}, client_auth_type: RequireAndVerifyClientCert, client_ca_file: missing.crt}}",
    f"tls_server_config: {{{PAIR}, unknown: 1}}",
    "basic_auth_users: {alice: plain}",
    "http_server_config: {headers: {Server: x}}",
    "http_server_config: {headers: {X-Frame-Options: maybe}}",
    "http_server_config: {headers: {X-Content-Type-Options: sniff}}",
]
# What promtool takes and we do not honour.
STRICTER = [
    "http_server_config: {http2: true}",
    f"tls_server_config: {{{PAIR}, min_version: TLS10}}",
    f"tls_server_config: {{{PAIR}, cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA]}}",
    f"tls_server_config: {{{PAIR}, curve_preferences: [CurveP521]}}",
    f"tls_server_config: {{{PAIR}, client_auth_type: RequireAndVerifyClientCert}}",
    f"tls_server_config: {{{PAIR}, client_auth_type: RequireAnyClientCert, client_allowed_sans: [a]}}",
    "tls_server_config: {min_version: TLS13}",
]


def openssl(folder, *arguments):
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


def issue(folder, name, *names):
    """A certificate of the folder's authority, and its key."""
    (folder / f"{name}.ext").write_text(f"subjectAltName={','.join(names)}\n")
    openssl(folder, "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
            "-keyout", f"{name}.key", "-out", f"{name}.csr")
    openssl(folder, "x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
            "-extfile", f"{name}.ext", "-out", f"{name}.crt")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """What the examples name: one authority for both sides, a token."""
    folder = tmp_path_factory.mktemp("web")
    openssl(folder, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=ca",
            "-keyout", "ca.key", "-out", "ca.crt")
    issue(folder, "server", "IP:127.0.0.1")
    issue(folder, "prometheus", "DNS:prometheus.example.org")
    (folder / "client-ca.crt").write_bytes((folder / "ca.crt").read_bytes())
    (folder / "token").write_text("s3cr3t-t0ken\n")
    (folder / "password").write_text("change-me")
    for example in EXAMPLES.glob("*.yml"):
        (folder / example.name).write_bytes(example.read_bytes())
    return folder


def verdicts(promtool, folder, text):
    """Whether promtool takes the file, and whether we do."""
    (folder / "web.yml").write_text(text)
    judges = ([promtool, "check", "web-config", "web.yml"], [BINARY, "check-web-config", "web.yml"])
    return tuple(subprocess.run(judge, cwd=folder, capture_output=True).returncode == 0 for judge in judges)


@pytest.mark.parametrize("text", GOOD)
def test_what_promtool_takes_is_taken(promtool, folder, text):
    assert verdicts(promtool, folder, text) == (True, True)


@pytest.mark.parametrize("text", BAD)
def test_what_promtool_refuses_is_refused(promtool, folder, text):
    assert verdicts(promtool, folder, text) == (False, False)


@pytest.mark.parametrize("text", STRICTER)
def test_what_would_protect_nothing_is_refused_though_promtool_takes_it(promtool, folder, text):
    assert verdicts(promtool, folder, text) == (True, False)


@pytest.mark.parametrize("name", ["tls", "mtls", "basic-auth"])
def test_promtool_takes_the_examples(promtool, folder, name):
    assert verdicts(promtool, folder, (EXAMPLES / f"{name}.yml").read_text()) == (True, True)


@pytest.mark.parametrize("name, scraping", [
    ("tls", {}),
    ("mtls", {"cert_file": "prometheus.crt", "key_file": "prometheus.key"}),
    ("basic-auth", {"basic_auth": {"username": "prometheus", "password_file": "password"}}),
    ("bearer", {"authorization": {"type": "Bearer", "credentials_file": "token"}}),
])
def test_a_real_prometheus_is_let_in(prometheus, folder, tmp_path, start, name, scraping):
    here = {key: str(folder / value) for key, value in scraping.items() if isinstance(value, str)}
    outside = {key: {k: str(folder / v) if k.endswith("_file") else v for k, v in value.items()}
               for key, value in scraping.items() if isinstance(value, dict)}
    endpoint = {**EXPORT["prometheus"]["endpoint"], "web_config_file": str(folder / f"{name}.yml")}
    program = start({
        "observability": {"prometheus": {"enabled": True, "endpoint": endpoint}},
        "source": {"file": {"paths": ["-"], "format": "ndjson"}},
        "event": {"time": {"from": "/time"}},
        "windows": [{"name": "all", "size": "1m"}],
    }, stdin=subprocess.PIPE)
    assert program.url.startswith("https://")
    tls = {"ca_file": str(folder / "ca.crt"), **here}
    with scraped_by(prometheus, tmp_path, program, scheme="https", tls_config=tls, **outside) as server:
        assert server.awaited("metrics_web_config_last_reload_successful") == {"streamgauge": 1}
    program.finish()
