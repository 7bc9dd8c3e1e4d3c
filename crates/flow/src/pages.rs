//! What has changed since it was saved, by pages: small enough that little is written for nothing, large enough that there are
//! few of them.

/// Places of a page.
pub(crate) const PAGE: usize = 16;

/// Which pages were touched.
#[derive(Clone, Debug, Default)]
pub(crate) struct Touched(Vec<u64>); // a bit for each page

impl Touched {
    /// The page of this place has changed. A bit is all it costs: it is done for events.
    #[inline]
    pub(crate) fn touch(&mut self, place: usize) {
        let page = place / PAGE;
        let (word, bit) = (page / 64, 1 << (page % 64));
        match self.0.get_mut(word) {
            Some(word) => *word |= bit,
            None => self.begin(word, bit),
        }
    }

    #[cold]
    fn begin(&mut self, word: usize, bit: u64) {
        self.0.resize(word, 0);
        self.0.push(bit);
    }

    /// Whether nothing was touched.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    /// The pages that were touched, in ascending order; from now on none is.
    pub(crate) fn take(&mut self) -> Vec<usize> {
        let mut pages = Vec::new();
        for (at, word) in self.0.iter_mut().enumerate() {
            let mut left = std::mem::take(word);
            while left != 0 {
                pages.push(at * 64 + left.trailing_zeros() as usize);
                left &= left - 1;
            }
        }
        pages
    }
}

/// The places of a page, of so many that there are.
pub(crate) fn places(page: usize, count: usize) -> std::ops::Range<usize> {
    let start = page.saturating_mul(PAGE);
    start.min(count)..start.saturating_add(PAGE).min(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_told_once_and_in_order() {
        let mut touched = Touched::default();
        assert!(touched.is_empty());
        for place in [2000, 0, 15, 16, 31, 2000] {
            touched.touch(place);
        }
        assert!(!touched.is_empty());
        assert_eq!(touched.take(), [0, 1, 125]);
        assert!(touched.is_empty() && touched.take().is_empty());
        assert_eq!((places(1, 20), places(1, 40), places(2, 20)), (16..20, 16..32, 20..20));
    }
}
