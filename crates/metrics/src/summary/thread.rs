//! What this thread has of each series.

use std::cell::RefCell;

use super::series::Series;
use super::strand::Strand;
use crate::sync::{self, Arc, Mutex};

thread_local! {
    static OWN: RefCell<Vec<Option<Own>>> = const { RefCell::new(Vec::new()) };
}

/// What it has of one.
struct Own {
    series: u64,
    strand: Arc<Strand>,
}

/// Which places of `OWN` are taken, in all threads.
static PLACES: Mutex<Places> = Mutex::new(Places { end: 0, free: Vec::new() });

struct Places {
    end: u32,
    free: Vec<u32>,
}

/// Takes one value.
#[inline]
pub(super) fn observe(series: &Series, value: f64) {
    if cfg!(feature = "noop") {
        return;
    }
    let (place, id) = series.key();
    let is_done = OWN.try_with(|own| {
        let own = own.try_borrow().ok()?;
        let own = own.get(place)?.as_ref().filter(|own| own.series == id)?;
        series.observe_in(&own.strand, value);
        Some(())
    });
    if !matches!(is_done, Ok(Some(()))) {
        observe_first(series, value);
    }
}

#[cold]
#[inline(never)]
fn observe_first(series: &Series, value: f64) {
    let (place, id) = series.key();
    let is_done = OWN.try_with(|own| {
        let mut own = own.try_borrow_mut().ok()?;
        if own.len() <= place {
            own.resize_with(place + 1, || None);
        }
        let own = own[place].insert(Own { series: id, strand: series.join() });
        series.observe_in(&own.strand, value);
        Some(())
    });
    if !matches!(is_done, Ok(Some(()))) {
        series.observe_late(value);
    }
}

/// A place that no other series has.
pub(super) fn take_place() -> u32 {
    let mut places = sync::lock(&PLACES);
    places.free.pop().unwrap_or_else(|| {
        places.end += 1;
        places.end - 1
    })
}

/// Gives a place back. What threads have there is known to be of another series.
pub(super) fn give_back_place(place: u32) {
    sync::lock(&PLACES).free.push(place);
}

impl Drop for Own {
    fn drop(&mut self) {
        self.strand.leave();
    }
}
