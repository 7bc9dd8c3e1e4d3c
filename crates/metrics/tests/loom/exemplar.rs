//! As much of exemplars as a series needs: there are none.

use crate::cardinality::Refusal;
use crate::cell::Range;

#[derive(Clone, Copy)]
pub(crate) struct Exemplar<'a>(&'a str);

#[derive(Default)]
pub(crate) struct Exemplars;

pub(crate) type ByCell = Vec<(usize, u32, String)>;

impl Exemplars {
    pub(crate) const fn offer(&self, _: u32, _: f64, _: Exemplar<'_>) -> Result<(), Refusal> {
        Ok(())
    }

    pub(crate) const fn are_none(&self) -> bool {
        true
    }

    pub(crate) const fn tell(&self, _: u32, _: u32) -> Vec<(u32, String)> {
        Vec::new()
    }

    pub(crate) const fn forget(&self, _: Range) {}
}
