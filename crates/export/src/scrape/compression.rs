//! Pages made smaller, for clients that accept it.

use std::cmp::Reverse;
use std::io::{self, Write};

use flate2::write::GzEncoder;
use streamgauge_metrics::encode::accept::{self, Accepted};

/// The fastest of each: a page has so much in common with itself that more work saves little.
const ZSTD_LEVEL: i32 = 1;

/// What is done to a page after it was written; of those equally welcome the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Compression {
    Zstd,
    Gzip,
    #[default]
    Identity,
}

impl Compression {
    const ALL: [Self; 3] = [Self::Zstd, Self::Gzip, Self::Identity];

    /// Reads an `Accept-Encoding` header. Who refuses all there is gets the page as it is.
    pub(crate) fn negotiate(accept: &str) -> Self {
        let accepted: Vec<_> = accept::read(accept).collect();
        let weighed = Self::ALL.map(|compression| (compression, compression.weight(&accepted)));
        let welcome = weighed.into_iter().filter(|(_, weight)| *weight > 0);
        welcome.min_by_key(|(_, weight)| Reverse(*weight)).map_or(Self::Identity, |(compression, _)| compression)
    }

    fn weight(self, accepted: &[Accepted<'_>]) -> u16 {
        let of = |wanted: &dyn Fn(&str) -> bool| accepted.iter().find(|one| wanted(one.name)).map(|one| one.weight);
        let named = of(&|name| self.is_called(name)).or_else(|| of(&|name| name == "*"));
        // To send a page as it is needs no leave, but comes last.
        named.unwrap_or(u16::from(self == Self::Identity))
    }

    fn is_called(self, name: &str) -> bool {
        let own: &[&str] = match self {
            Self::Zstd => &["zstd"],
            Self::Gzip => &["gzip", "x-gzip"],
            Self::Identity => &["identity"],
        };
        own.iter().any(|own| own.eq_ignore_ascii_case(name))
    }

    /// The `Content-Encoding`, if there is one.
    pub(crate) const fn content_encoding(self) -> Option<&'static str> {
        match self {
            Self::Zstd => Some("zstd"),
            Self::Gzip => Some("gzip"),
            Self::Identity => None,
        }
    }

    pub(super) fn apply(self, page: Vec<u8>) -> io::Result<Vec<u8>> {
        match self {
            Self::Zstd => zstd::bulk::compress(&page, ZSTD_LEVEL),
            Self::Gzip => {
                let mut encoder = GzEncoder::new(Vec::with_capacity(page.len() / 8), flate2::Compression::fast());
                encoder.write_all(&page)?;
                encoder.finish()
            }
            Self::Identity => Ok(page),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::Compression;

    #[test]
    fn trap_40_an_encoding_is_chosen_by_weight_and_none_without_leave() {
        for (accept, expected) in [
            ("", Compression::Identity),
            ("gzip", Compression::Gzip),
            ("x-gzip", Compression::Gzip),
            ("GZIP", Compression::Gzip),
            ("identity", Compression::Identity),
            ("gzip, zstd", Compression::Zstd),
            ("gzip;q=1.0, zstd;q=0.9", Compression::Gzip),
            ("gzip;q=0.1, identity;q=0.5", Compression::Identity),
            ("gzip;q=0", Compression::Identity),
            ("gzip;q=0, *", Compression::Zstd),
            ("*;q=0", Compression::Identity),
            ("identity;q=0", Compression::Identity),
            ("identity;q=0, gzip;q=0.001", Compression::Gzip),
            ("deflate, br", Compression::Identity),
            ("deflate, gzip, br, zstd", Compression::Zstd),
            ("gzip;q=none", Compression::Identity),
        ] {
            assert_eq!(Compression::negotiate(accept), expected, "{accept}");
        }
    }

    #[test]
    fn what_was_compressed_comes_back() {
        let page = b"jobs_total 1\n".repeat(1000);
        let zstd = Compression::Zstd.apply(page.clone()).unwrap();
        assert!(zstd.len() < page.len() / 10);
        assert_eq!(zstd::decode_all(&zstd[..]).unwrap(), page);
        let gzip = Compression::Gzip.apply(page.clone()).unwrap();
        assert!(gzip.len() < page.len() / 10);
        let mut back = Vec::new();
        flate2::read::GzDecoder::new(&gzip[..]).read_to_end(&mut back).unwrap();
        assert_eq!(back, page);
        assert_eq!(Compression::Identity.apply(page.clone()).unwrap(), page);
    }
}
