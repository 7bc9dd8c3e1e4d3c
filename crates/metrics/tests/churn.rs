//! Series that come and are let go for good, in a process of their own: what threads keep of summaries stands in places that
//! all tests of a process share.

#![cfg(not(feature = "noop"))]

use std::time::Duration;

use allocation_counter::measure;
use streamgauge_metrics::{Clock, Desc, Family, Histogram, Options, Registry, Summary};

/// Nobody takes these away but time.
#[test]
fn series_that_are_let_go_take_no_more_memory_than_those_that_are_there() {
    let clock = Clock::manual();
    let expire_after = Some(Duration::from_mins(1));
    let options = Options { expire_after, clock: clock.clone(), ..Options::default() };
    let registry = Registry::with_options(options).unwrap();
    let desc = Desc::of::<Family<Histogram>>("size_bytes", "Sizes.").with_labels(["connection"]);
    let sizes: Family<Histogram> = registry.register(desc).unwrap();
    let desc = Desc::of::<Family<Summary>>("latest", "Latest.").with_labels(["connection"]);
    let latest: Family<Summary> = registry.register(desc).unwrap();
    // Is let go and comes back all the time.
    let late = latest.get_or_create(&[("connection", "late")]);
    let mut n = 0_u32;
    let mut churn = |minutes: u32| {
        for _ in 0..minutes {
            for _ in 0..40 {
                n += 1;
                let text = n.to_string();
                // Twice, so that this thread remembers them.
                (0..2).for_each(|_| sizes.get_or_create(&[("connection", text.as_str())]).observe(1.0));
                (0..2).for_each(|_| latest.get_or_create(&[("connection", text.as_str())]).observe(1.0));
            }
            if n.is_multiple_of(160) {
                late.observe(1.0);
            }
            clock.advance(Duration::from_secs(30));
            registry.snapshot();
        }
    };
    churn(500);
    let info = measure(|| churn(500));
    println!("{info:?}");
    assert!(info.bytes_current.abs() < 300_000, "{info:?}");
}
