//! JSON Pointers (RFC 6901): where in a document a field stands.

use std::fmt;
use std::str::FromStr;

/// A JSON Pointer with at least one token, so that it never means the whole document.
///
/// ```
/// use streamgauge_flow::Pointer;
/// let pointer: Pointer = "/usage/a~1b".parse().unwrap();
/// assert_eq!(pointer.tokens(), ["usage", "a/b"]);
/// assert_eq!(pointer.to_string(), "/usage/a~1b");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pointer(Vec<String>);

/// Why a text is no usable pointer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PointerError {
    /// It does not begin with a slash.
    NoSlash,
    /// A `~` is followed by neither `0` nor `1`.
    BadEscape,
}

impl Pointer {
    /// The unescaped names from the root down.
    pub fn tokens(&self) -> &[String] {
        &self.0
    }
}

impl FromStr for Pointer {
    type Err = PointerError;

    fn from_str(text: &str) -> Result<Self, PointerError> {
        let path = text.strip_prefix('/').ok_or(PointerError::NoSlash)?;
        path.split('/').map(unescape).collect::<Result<_, _>>().map(Pointer)
    }
}

fn unescape(token: &str) -> Result<String, PointerError> {
    let mut parts = token.split('~');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (escaped, rest) = match part.as_bytes().first() {
            Some(b'0') => ('~', &part[1..]),
            Some(b'1') => ('/', &part[1..]),
            _ => return Err(PointerError::BadEscape),
        };
        out.push(escaped);
        out.push_str(rest);
    }
    Ok(out)
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|t| write!(f, "/{}", t.replace('~', "~0").replace('/', "~1")))
    }
}

impl fmt::Display for PointerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PointerError::NoSlash => "a JSON Pointer begins with /",
            PointerError::BadEscape => "in a JSON Pointer ~ is written ~0 and / is written ~1",
        })
    }
}

impl std::error::Error for PointerError {}
