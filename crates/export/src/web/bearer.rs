//! A token, as Bearer authentication sends it.

use std::path::Path;

use ring::hmac;
use streamgauge_yaml::Faults;

use super::files::Files;
use super::section::Section;

pub(super) const KEY: &str = "bearer_token_file";
/// Twice what is usual fits into it, and it fits into the head of a request.
const LONGEST: u64 = 4096;

/// The token whose bearer may come in. Only a keyed hash of it is kept, and only hashes are compared: how long that takes
/// says nothing about the token.
pub(super) struct Token(hmac::Tag);

impl Token {
    pub(super) fn read(root: &Section, files: &mut Files, key: &hmac::Key, faults: &mut Faults) -> Option<Self> {
        let name = root.text(KEY, faults)?;
        let bytes = match files.read(Path::new(name.text), LONGEST) {
            Ok(bytes) => bytes,
            Err(what) => {
                faults.push(name.fault(what));
                return None;
            }
        };
        let token = bytes.trim_ascii();
        if token.is_empty() || !token.iter().all(u8::is_ascii_graphic) {
            faults.push(name.fault("the file holds no token; expected one word of printable ASCII"));
            return None;
        }
        Some(Self(hmac::sign(key, token)))
    }

    pub(super) fn is(&self, token: &[u8], key: &hmac::Key) -> bool {
        hmac::verify(key, token, self.0.as_ref()).is_ok()
    }
}
