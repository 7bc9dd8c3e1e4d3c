//! Whether two texts are the same, for the short ones that are compared event by event.

/// The same as `==`. Texts of up to 32 bytes, as most names and keys are, are compared without a call: by their first and their
/// last bytes, which overlap where the text is shorter than both.
#[inline]
pub(crate) fn same(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    match a.len() {
        8..=16 => ends::<8>(a) == ends::<8>(b),
        17..=32 => ends::<16>(a) == ends::<16>(b),
        4..=7 => ends::<4>(a) == ends::<4>(b),
        0..=3 => a.iter().eq(b),
        _ => a == b,
    }
}

#[inline]
fn ends<const N: usize>(text: &[u8]) -> (Option<&[u8; N]>, Option<&[u8; N]>) {
    (text.first_chunk(), text.last_chunk())
}

#[cfg(test)]
mod tests {
    use super::same;

    #[test]
    fn texts_of_every_length_are_told_apart_by_any_byte_and_by_their_length() {
        for length in 0..80_u8 {
            let text: Vec<u8> = (0..length).collect();
            assert!(same(&text, &text.clone()));
            for at in 0..text.len() {
                let mut other = text.clone();
                other[at] ^= 0x80;
                assert!(!same(&text, &other), "{length} bytes, changed at {at}");
            }
            assert!(!same(&text, &[&text[..], &[0]].concat()));
        }
    }
}
