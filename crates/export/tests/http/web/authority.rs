//! Certificates made for one test, and a client that speaks TLS.

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, SanType, date_time_ymd};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned, SupportedProtocolVersion};

use crate::client::{Answer, connect};

pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: rcgen::Certificate,
}

/// A certificate and its key, as PEM.
pub(crate) struct Issued {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Self { issuer: Issuer::new(params, key), certificate }
    }

    pub(crate) fn pem(&self) -> String {
        self.certificate.pem()
    }

    pub(crate) fn issue(&self, names: &[&str]) -> Issued {
        self.issue_with(names, |_| {})
    }

    /// For the years from the first to the last.
    pub(crate) fn issue_for(&self, names: &[&str], from: i32, to: i32) -> Issued {
        self.issue_with(names, |params| {
            params.not_before = date_time_ymd(from, 1, 1);
            params.not_after = date_time_ymd(to, 1, 1);
        })
    }

    pub(crate) fn issue_with(&self, names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Issued {
        let names: Vec<_> = names.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(names).unwrap();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Issued { certificate: certificate.pem(), key: key.serialize_pem() }
    }
}

pub(crate) fn email(name: &str) -> SanType {
    SanType::Rfc822Name(name.try_into().unwrap())
}

pub(crate) fn uri(name: &str) -> SanType {
    SanType::URI(name.try_into().unwrap())
}

/// A client that trusts one authority.
#[derive(Clone)]
pub(crate) struct Client(Arc<ClientConfig>);

impl Client {
    pub(crate) fn of(trusted: &Authority) -> Self {
        Self::new(trusted, None, &[&rustls::version::TLS12, &rustls::version::TLS13], ring::default_provider())
    }

    pub(crate) fn with(trusted: &Authority, shown: &Issued) -> Self {
        let versions = [&rustls::version::TLS12, &rustls::version::TLS13];
        Self::new(trusted, Some(shown), &versions, ring::default_provider())
    }

    pub(crate) fn new(
        trusted: &Authority,
        shown: Option<&Issued>,
        versions: &[&'static SupportedProtocolVersion],
        provider: CryptoProvider,
    ) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(trusted.certificate.der().clone()).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(provider));
        let builder = builder.with_protocol_versions(versions).unwrap().with_root_certificates(roots);
        Self(Arc::new(match shown {
            None => builder.with_no_client_auth(),
            Some(shown) => {
                let chain = vec![CertificateDer::from_pem_slice(shown.certificate.as_bytes()).unwrap()];
                let key = PrivateKeyDer::from_pem_slice(shown.key.as_bytes()).unwrap();
                builder.with_client_auth_cert(chain, key).unwrap()
            }
        }))
    }

    pub(crate) fn scrape(&self, addr: SocketAddr, headers: &str) -> io::Result<Answer> {
        self.exchange(addr, headers).map(|(answer, _)| answer)
    }

    /// What was answered, and the certificate that was shown.
    pub(crate) fn exchange(&self, addr: SocketAddr, headers: &str) -> io::Result<(Answer, Vec<u8>)> {
        let name = "localhost".try_into().unwrap();
        let session = ClientConnection::new(Arc::clone(&self.0), name).map_err(io::Error::other)?;
        let mut stream = StreamOwned::new(session, connect(addr));
        let head = format!("GET /metrics HTTP/1.1\r\nhost: x\r\n{headers}connection: close\r\n\r\n");
        stream.write_all(head.as_bytes())?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        let shown = stream.conn.peer_certificates().map(|chain| chain[0].to_vec()).unwrap_or_default();
        Ok((Answer::read(&answer), shown))
    }
}
