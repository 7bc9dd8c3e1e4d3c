//! Which sample names are spoken for.
//!
//! A family owns more names than its own: a histogram `x` writes `x_bucket`, `x_count` and
//! `x_sum`, and a counter `x_total` is called `x` by `OpenMetrics`. Two families whose names meet
//! would be one garbled family to whoever reads the scrape.

use std::collections::HashMap;
use std::panic::Location;

use super::RegisterError;
use crate::desc::{Desc, sample_names};

/// Sample name → the family that owns it.
#[derive(Default)]
pub(super) struct Claims {
    owners: HashMap<String, Owner>,
}

#[derive(Clone)]
struct Owner {
    name: String,
    /// Where it was registered.
    at: Place,
}

type Place = &'static Location<'static>;

impl Claims {
    /// Takes all names of a metric, or none.
    pub(super) fn claim(&mut self, desc: &Desc, at: Place) -> Result<(), RegisterError> {
        let names = sample_names(desc.kind(), desc.name());
        for name in &names {
            if let Some(owner) = self.owners.get(name) {
                return Err(RegisterError::Clash {
                    existing: owner.name.clone(),
                    at: owner.at,
                    refused: desc.name().to_owned(),
                    refused_at: at,
                    sample: name.clone(),
                });
            }
        }
        let owner = Owner { name: desc.name().to_owned(), at };
        self.owners.extend(names.into_iter().map(|name| (name, owner.clone())));
        Ok(())
    }

    /// Gives all names of a metric back.
    pub(super) fn release(&mut self, desc: &Desc) {
        self.owners.retain(|_, owner| owner.name != desc.name());
    }
}

#[cfg(test)]
mod tests {
    use std::panic::Location;

    use super::Claims;
    use crate::{Counter, Desc, Gauge, Histogram};

    fn clash(first: &Desc, second: &Desc) -> bool {
        let both_ways = |a, b| {
            let mut claims = Claims::default();
            claims.claim(a, Location::caller()).unwrap();
            claims.claim(b, Location::caller()).is_err()
        };
        assert_eq!(both_ways(first, second), both_ways(second, first));
        both_ways(first, second)
    }

    #[test]
    fn a_family_that_would_write_the_samples_of_another_is_refused_in_either_order() {
        let histogram = Desc::of::<Histogram>("x", "h");
        for name in ["x", "x_count", "x_sum", "x_info"] {
            assert!(clash(&histogram, &Desc::of::<Gauge>(name, "h")), "{name}");
        }
        let counter = Desc::of::<Counter>("x_total", "h");
        assert!(clash(&counter, &Desc::of::<Gauge>("x", "h")));
        assert!(clash(&counter, &histogram));
        let count_of_counts = Desc::of::<Counter>("x_count_total", "h");
        assert!(clash(&histogram, &count_of_counts));
        let info = Desc::of::<Gauge>("x_info", "h");
        assert!(clash(&info, &Desc::of::<Gauge>("x", "h")));
    }

    #[test]
    fn names_that_only_look_alike_do_not_clash() {
        let histogram = Desc::of::<Histogram>("dis", "h");
        assert!(!clash(&histogram, &Desc::of::<Gauge>("discount", "h")));
        let counter = Desc::of::<Counter>("sub_total", "h");
        assert!(!clash(&counter, &Desc::of::<Gauge>("subtotal", "h")));
        let gauge = Desc::of::<Gauge>("queue", "h");
        assert!(!clash(&gauge, &Desc::of::<Gauge>("queue_count", "h")));
    }
}
