//! What clients must show: nothing, a certificate, one of an authority, one for a name.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore, SignatureScheme};
use streamgauge_yaml::Faults;
use x509_cert::Certificate;
use x509_cert::der::Decode;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

use super::super::files::Files;
use super::super::section::Section;
use super::{Pem, chain, pem};

/// By the names that Go gives them.
const POLICIES: &[(&str, Policy)] = &[
    ("NoClientCert", Policy::None),
    ("RequestClientCert", Policy::Unchecked { mandatory: false }),
    ("RequireAnyClientCert", Policy::Unchecked { mandatory: true }),
    ("RequireClientCert", Policy::Unchecked { mandatory: true }),
    ("VerifyClientCertIfGiven", Policy::Verified { mandatory: false }),
    ("RequireAndVerifyClientCert", Policy::Verified { mandatory: true }),
];

#[derive(Clone, Copy)]
enum Policy {
    None,
    /// A certificate of whomever; only that the client has its key is checked.
    Unchecked {
        mandatory: bool,
    },
    /// A certificate that an authority has signed.
    Verified {
        mandatory: bool,
    },
}

type Verifier = Arc<dyn ClientCertVerifier>;

pub(super) fn read(
    section: &Section,
    files: &mut Files,
    provider: &Arc<CryptoProvider>,
    faults: &mut Faults,
) -> Option<Verifier> {
    let policy = section.choice("client_auth_type", POLICIES, faults).unwrap_or(Policy::None);
    let authorities = pem(section, "client_ca", files, faults);
    let names = names(section, policy, faults);
    match (policy, authorities) {
        (Policy::Verified { mandatory }, Some(pem)) => {
            let verifier = verifier(&pem, mandatory, provider, faults)?;
            Some(match names {
                Some(names) => Arc::new(Named { verifier, names }),
                None => verifier,
            })
        }
        (Policy::Verified { .. }, None) => {
            if !section.says("client_ca_file") && !section.says("client_ca") {
                let what = "missing; expected the authority that has signed the certificates of clients";
                faults.push(section.fault("client_ca_file", what));
            }
            None
        }
        (_, Some(pem)) => {
            let what = "is not looked at under this client_auth_type; expected RequireAndVerifyClientCert with it";
            faults.push(pem.said.fault(what));
            None
        }
        (Policy::Unchecked { mandatory }, None) => {
            Some(Arc::new(Unchecked { mandatory, algorithms: provider.signature_verification_algorithms }))
        }
        (Policy::None, None) => Some(WebPkiClientVerifier::no_client_auth()),
    }
}

/// Names that clients are held to. Where a certificate is not verified they would protect nothing: anyone can write any
/// name into a certificate.
fn names(section: &Section, policy: Policy, faults: &mut Faults) -> Option<Vec<String>> {
    let names = section.texts("client_allowed_sans", faults)?;
    if !matches!(policy, Policy::Verified { mandatory: true }) {
        let what = "protects nothing under this client_auth_type; expected RequireAndVerifyClientCert with it";
        faults.push(section.fault("client_allowed_sans", what));
    } else if names.is_empty() {
        faults.push(section.fault("client_allowed_sans", "is empty, so that nobody could connect; expected names"));
    }
    Some(names.iter().map(|name| name.text.to_owned()).collect())
}

fn verifier(pem: &Pem, mandatory: bool, provider: &Arc<CryptoProvider>, faults: &mut Faults) -> Option<Verifier> {
    let mut roots = RootCertStore::empty();
    for authority in chain(pem, faults)? {
        if let Err(error) = roots.add(authority) {
            faults.push(pem.said.fault(format!("holds a certificate that is no authority's: {error}")));
            return None;
        }
    }
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
    let builder = if mandatory { builder } else { builder.allow_unauthenticated() };
    builder.build().map_err(|error| faults.push(pem.said.fault(format!("is refused: {error}")))).ok()
}

/// Holds verified certificates to their names.
#[derive(Debug)]
struct Named {
    verifier: Verifier,
    names: Vec<String>,
}

/// Looks at nothing but that the client has the key of its certificate.
#[derive(Debug)]
struct Unchecked {
    mandatory: bool,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ClientCertVerifier for Named {
    fn client_auth_mandatory(&self) -> bool {
        self.verifier.client_auth_mandatory()
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.verifier.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        own: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verified = self.verifier.verify_client_cert(own, between, now)?;
        if alternative_names(own).iter().any(|name| self.names.contains(name)) {
            return Ok(verified);
        }
        Err(CertificateError::ApplicationVerificationFailure.into())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        own: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls12_signature(message, own, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        own: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls13_signature(message, own, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.supported_verify_schemes()
    }
}

impl ClientCertVerifier for Unchecked {
    fn client_auth_mandatory(&self) -> bool {
        self.mandatory
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _own: &CertificateDer<'_>,
        _between: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        own: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, own, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        own: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, own, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// The names in a certificate, as texts; none if it cannot be read.
fn alternative_names(certificate: &CertificateDer) -> Vec<String> {
    let certificate = Certificate::from_der(certificate).ok();
    let names = certificate.and_then(|it| it.tbs_certificate().get_extension::<SubjectAltName>().ok().flatten());
    names.map(|(_, names)| names.0.iter().filter_map(text).collect()).unwrap_or_default()
}

fn text(name: &GeneralName) -> Option<String> {
    match name {
        GeneralName::DnsName(name) | GeneralName::Rfc822Name(name) | GeneralName::UniformResourceIdentifier(name) => {
            Some(name.as_str().to_owned())
        }
        GeneralName::IpAddress(octets) => address(octets.as_bytes()).map(|address| address.to_string()),
        _ => None,
    }
}

fn address(octets: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(octets).map(|octets| Ipv4Addr::from(octets).into());
    v4.or_else(|_| <[u8; 16]>::try_from(octets).map(|octets| Ipv6Addr::from(octets).into())).ok()
}
