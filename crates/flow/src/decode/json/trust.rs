//! Whether it pays to remember gaps.

use super::gaps::Gaps;

/// Judged by how many of the last records had a gap that was not known.
///
/// Records that are always unlike those before are walked for a while without looking at what is known, which costs them less.
#[derive(Debug)]
pub(super) struct Trust {
    novelty: u32, // near 256 if every record has something new, near 0 if none has
    was_new: bool,
    walks: u32, // how many records are still to be walked
    pause: u32, // how many it is the next time
}

const NOVEL: u32 = 160;
const PAUSES: (u32, u32) = (64, 1 << 14);

impl Trust {
    pub(super) fn new() -> Self {
        Trust { novelty: 0, was_new: false, walks: 0, pause: PAUSES.0 }
    }

    /// Whether the next record is to be walked.
    #[inline(always)]
    pub(super) fn is_lost(&mut self) -> bool {
        let lost = self.walks > 0;
        self.walks -= u32::from(lost);
        lost
    }

    /// The present record has something new.
    pub(super) fn note_novelty(&mut self) {
        self.was_new = true;
    }

    /// A record has ended. If trust is lost, what is known is forgotten where there is no room to learn.
    #[inline(always)]
    pub(super) fn end_line(&mut self, gaps: &mut Gaps) {
        if self.was_new || self.novelty > 0 {
            self.weigh(gaps);
        }
    }

    #[inline(never)]
    fn weigh(&mut self, gaps: &mut Gaps) {
        self.novelty = self.novelty - self.novelty.div_ceil(16) + 16 * u32::from(self.was_new);
        self.was_new = false;
        if self.novelty > NOVEL {
            self.novelty = 0;
            self.walks = self.pause;
            self.pause = (self.pause * 2).min(PAUSES.1);
            if gaps.are_full() {
                gaps.forget();
            }
        }
    }
}
