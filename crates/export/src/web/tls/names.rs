//! Suites and curves by the names that Go gives them.

use rustls::crypto::ring::kx_group::{SECP256R1, SECP384R1, X25519};
use rustls::crypto::ring::{ALL_CIPHER_SUITES, default_provider};
use rustls::crypto::{CryptoProvider, SupportedKxGroup};
use rustls::version::TLS13;
use rustls::{CipherSuite, SupportedCipherSuite};
use streamgauge_yaml::Faults;

use super::super::section::Section;

/// P-521 has no name here: nothing we have speaks it.
const CURVES: &[(&str, &dyn SupportedKxGroup)] =
    &[("CurveP256", SECP256R1), ("CurveP384", SECP384R1), ("X25519", X25519)];

/// What the section allows, in its order; what it does not speak of is as rustls has it.
pub(super) fn provider(section: &Section, faults: &mut Faults) -> CryptoProvider {
    let mut provider = default_provider();
    if let Some(suites) = list(section, "cipher_suites", &suites(), faults) {
        provider.cipher_suites = with_latest(suites);
    }
    if let Some(curves) = list(section, "curve_preferences", CURVES, faults) {
        provider.kx_groups = curves;
    }
    provider
}

/// What a list names, if it names anything.
fn list<T: Copy>(section: &Section, key: &str, words: &[(&str, T)], faults: &mut Faults) -> Option<Vec<T>> {
    let texts = section.texts(key, faults)?;
    let found: Vec<_> = texts.iter().filter_map(|text| text.choose(words, faults)).collect();
    (!found.is_empty()).then_some(found)
}

/// The list is about TLS 1.2, as it is in Go, unless it names suites of TLS 1.3, too.
fn with_latest(mut suites: Vec<SupportedCipherSuite>) -> Vec<SupportedCipherSuite> {
    let is_latest = |suite: &SupportedCipherSuite| suite.version() == &TLS13;
    if !suites.iter().any(is_latest) {
        suites.splice(0..0, ALL_CIPHER_SUITES.iter().copied().filter(is_latest));
    }
    suites
}

fn suites() -> Vec<(&'static str, SupportedCipherSuite)> {
    ALL_CIPHER_SUITES.iter().filter_map(|suite| Some((name(suite.suite())?, *suite))).collect()
}

fn name(suite: CipherSuite) -> Option<&'static str> {
    Some(match suite {
        CipherSuite::TLS13_AES_128_GCM_SHA256 => "TLS_AES_128_GCM_SHA256",
        CipherSuite::TLS13_AES_256_GCM_SHA384 => "TLS_AES_256_GCM_SHA384",
        CipherSuite::TLS13_CHACHA20_POLY1305_SHA256 => "TLS_CHACHA20_POLY1305_SHA256",
        suite => return suite.as_str(),
    })
}

#[cfg(test)]
mod tests {
    use super::suites;

    #[test]
    fn each_suite_has_the_name_that_go_gives_it() {
        let mut names: Vec<_> = suites().into_iter().map(|(name, _)| name).collect();
        names.sort_unstable();
        assert_eq!(
            names,
            [
                "TLS_AES_128_GCM_SHA256",
                "TLS_AES_256_GCM_SHA384",
                "TLS_CHACHA20_POLY1305_SHA256",
                "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
                "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
                "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
                "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
                "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
                "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
            ]
        );
    }
}
