//! How a body is packed, as `Accept-Encoding` asks for.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

/// How a body is packed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Coding {
    #[default]
    Identity,
    Gzip,
    Zstd,
}

/// More codings than any reader sends; those behind are not looked at.
const MOST_CODINGS: usize = 32;
/// The fastest levels: a page of metrics shrinks to a tenth with them, too.
const ZSTD_LEVEL: i32 = 1;

impl Coding {
    /// What an `Accept-Encoding` header asks for: of what we know the one with the highest `q`, of several zstd before gzip.
    ///
    /// Source: RFC 9110, section 12.5.3.
    pub(crate) fn negotiate(accept: &str) -> Self {
        let mut best = (0, Coding::Identity);
        for coding in [Coding::Zstd, Coding::Gzip] {
            let quality = quality(accept, coding.name());
            if quality > best.0 {
                best = (quality, coding);
            }
        }
        // Whoever likes it better as it is says so.
        let plain = quality(accept, "identity");
        if named(accept, "identity") && plain > best.0 { Coding::Identity } else { best.1 }
    }

    /// For `Content-Encoding`, if that is to be there.
    pub(crate) fn header(self) -> Option<&'static str> {
        (self != Coding::Identity).then(|| self.name())
    }

    /// Packs a body.
    pub(crate) fn encode(self, body: Vec<u8>) -> Vec<u8> {
        let packed = match self {
            Coding::Identity => return body,
            Coding::Gzip => {
                let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 8), Compression::fast());
                encoder.write_all(&body).and_then(|()| encoder.finish())
            }
            Coding::Zstd => zstd::bulk::compress(&body, ZSTD_LEVEL),
        };
        // Writing into memory does not fail.
        packed.unwrap_or_default()
    }

    fn name(self) -> &'static str {
        match self {
            Coding::Identity => "identity",
            Coding::Gzip => "gzip",
            Coding::Zstd => "zstd",
        }
    }
}

fn named(accept: &str, name: &str) -> bool {
    codings(accept).any(|(own, _)| own.eq_ignore_ascii_case(name))
}

/// How much a coding is wanted, in thousandths: by name, else as whatever `*` says.
fn quality(accept: &str, name: &str) -> u16 {
    let of = |name: &str| codings(accept).find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, quality)| quality);
    of(name).or_else(|| of("*")).unwrap_or(0)
}

fn codings(accept: &str) -> impl Iterator<Item = (&str, u16)> {
    accept.split(',').take(MOST_CODINGS).filter_map(|coding| {
        let (name, parameters) = coding.split_once(';').unwrap_or((coding, "q=1"));
        let (key, value) = parameters.trim().split_once('=')?;
        let quality: f32 = value.trim().parse().ok().filter(|quality| (0.0..=1.0).contains(quality))?;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is from 0 to 1000")]
        let thousandths = (quality * 1000.0) as u16;
        key.trim().eq_ignore_ascii_case("q").then_some((name.trim(), thousandths))
    })
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::Coding;

    #[test]
    fn the_coding_that_is_wanted_most_is_chosen() {
        let cases = [
            ("", Coding::Identity),
            ("gzip", Coding::Gzip),
            ("gzip, deflate, br, zstd", Coding::Zstd),
            ("zstd;q=0.5, gzip;q=0.9", Coding::Gzip),
            ("gzip;q=0", Coding::Identity),
            ("*", Coding::Zstd),
            ("*;q=0.5, zstd;q=0", Coding::Gzip),
            ("identity, gzip;q=0.5", Coding::Identity),
            ("gzip;q=1.5", Coding::Identity),
            ("GZIP ; Q=1", Coding::Gzip),
            ("br", Coding::Identity),
        ];
        for (accept, want) in cases {
            assert_eq!(Coding::negotiate(accept), want, "{accept:?}");
        }
    }

    #[test]
    fn what_is_packed_comes_out_again() {
        let body = b"metric 1\n".repeat(5_000);
        let mut gzip = Vec::new();
        flate2::read::GzDecoder::new(&*Coding::Gzip.encode(body.clone())).read_to_end(&mut gzip).unwrap();
        assert!(gzip == body);
        assert!(zstd::decode_all(&*Coding::Zstd.encode(body.clone())).unwrap() == body);
        assert!(Coding::Identity.encode(body.clone()) == body);
    }
}
