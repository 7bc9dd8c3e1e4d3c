//! How connections are encrypted: certificate and key, versions, suites and curves, and what clients must show.

use std::path::Path;
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::NoServerSessionStorage;
use rustls::version::{TLS12, TLS13};
use rustls::{ConfigBuilder, ServerConfig, SupportedProtocolVersion, WantsVerifier};
use streamgauge_yaml::{Faults, child};

use super::files::{Files, LARGEST};
use super::section::{Section, Text};

mod clients;
mod names;

const PATH: &str = "tls_server_config";
const KEYS: &[&str] = &[
    "cert",
    "cert_file",
    "key",
    "key_file",
    "client_ca",
    "client_ca_file",
    "client_auth_type",
    "client_allowed_sans",
    "min_version",
    "max_version",
    "cipher_suites",
    "curve_preferences",
    "prefer_server_cipher_suites",
];
const VERSIONS: &[(&str, &SupportedProtocolVersion)] = &[("TLS12", &TLS12), ("TLS13", &TLS13)];

/// PEM, given in the file or by the name of another one.
struct Pem<'a> {
    bytes: Vec<u8>,
    said: Text<'a>,
}

/// Reads the section; without one, or where it says nothing, there is no TLS.
pub(super) fn read(root: &Section, files: &mut Files, faults: &mut Faults) -> Option<Arc<ServerConfig>> {
    let section = root.section(PATH, KEYS, faults);
    if section.is_blank() {
        return None;
    }
    let cert = needed(&section, "cert", files, faults);
    let key = needed(&section, "key", files, faults);
    let versions = versions(&section, faults);
    let provider = Arc::new(names::provider(&section, faults));
    let clients = clients::read(&section, files, &provider, faults);
    let own_order = section.flag("prefer_server_cipher_suites", faults).unwrap_or(true);
    let builder = builder(&section, provider, &versions?, faults)?;
    let chain = chain(cert.as_ref()?, faults);
    let key = private_key(key.as_ref()?, faults);
    let certified = builder.with_client_cert_verifier(clients?).with_single_cert(chain?, key?);
    let mut config = match certified {
        Ok(config) => config,
        Err(error) => {
            faults.push(cert?.said.fault(format!("does not go with the key: {error}")));
            return None;
        }
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.ignore_client_order = own_order;
    // Nothing is resumed: a session would outlive the certificate that opened it, and the rules of its time.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Some(Arc::new(config))
}

fn builder(
    section: &Section,
    provider: Arc<CryptoProvider>,
    versions: &[&'static SupportedProtocolVersion],
    faults: &mut Faults,
) -> Option<ConfigBuilder<ServerConfig, WantsVerifier>> {
    let builder = ServerConfig::builder_with_provider(provider).with_protocol_versions(versions);
    let refuse = |_| faults.push(section.fault("cipher_suites", "has no suite of a version that is spoken"));
    builder.map_err(refuse).ok()
}

/// TLS 1.0 and 1.1 have no name here: they have been broken, and are not spoken.
fn versions(section: &Section, faults: &mut Faults) -> Option<Vec<&'static SupportedProtocolVersion>> {
    let at =
        |wanted: &SupportedProtocolVersion| VERSIONS.iter().position(|(_, version)| version.version == wanted.version);
    let min = section.choice("min_version", VERSIONS, faults).and_then(at).unwrap_or(0);
    let max = section.choice("max_version", VERSIONS, faults).and_then(at).unwrap_or(VERSIONS.len() - 1);
    let spoken: Vec<_> = VERSIONS.get(min..=max).unwrap_or_default().iter().map(|(_, version)| *version).collect();
    if spoken.is_empty() {
        faults.push(section.fault("min_version", "is above max_version; expected a version that both allow"));
        return None;
    }
    Some(spoken)
}

/// What stands behind `key` or in the file behind `key_file`, of which one must be there.
fn needed<'a>(section: &Section<'a>, key: &str, files: &mut Files, faults: &mut Faults) -> Option<Pem<'a>> {
    let named = format!("{key}_file");
    let there = section.says(key) || section.says(&named);
    if !there {
        faults.push(section.fault(&named, format!("missing; expected a file, or {key} with PEM")));
    }
    pem(section, key, files, faults)
}

/// What stands behind `key` or in the file behind `key_file`.
fn pem<'a>(section: &Section<'a>, key: &str, files: &mut Files, faults: &mut Faults) -> Option<Pem<'a>> {
    let named = format!("{key}_file");
    match (section.text(key, faults), section.text(&named, faults)) {
        (Some(_), Some(file)) => {
            faults.push(file.fault(format!("stands beside {}; expected one of them", child(PATH, key))));
            None
        }
        (Some(said), None) => Some(Pem { bytes: said.text.as_bytes().to_vec(), said }),
        (None, Some(said)) => match files.read(Path::new(said.text), LARGEST) {
            Ok(bytes) => Some(Pem { bytes, said }),
            Err(what) => {
                faults.push(said.fault(what));
                None
            }
        },
        (None, None) => None,
    }
}

fn chain(pem: &Pem, faults: &mut Faults) -> Option<Vec<CertificateDer<'static>>> {
    let chain = CertificateDer::pem_slice_iter(&pem.bytes).collect::<Result<Vec<_>, _>>();
    let chain = chain.ok().filter(|chain| !chain.is_empty());
    if chain.is_none() {
        faults.push(pem.said.fault("holds no certificate; expected PEM with BEGIN CERTIFICATE"));
    }
    chain
}

fn private_key(pem: &Pem, faults: &mut Faults) -> Option<PrivateKeyDer<'static>> {
    let key = PrivateKeyDer::from_pem_slice(&pem.bytes).ok();
    let usable = key.as_ref().is_some_and(|key| ring::sign::any_supported_type(key).is_ok());
    if !usable {
        let what =
            "holds no key that can be used; expected PEM with an RSA, ECDSA or Ed25519 key that is not encrypted";
        faults.push(pem.said.fault(what));
    }
    key.filter(|_| usable)
}
