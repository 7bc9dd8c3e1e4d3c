//! What to read beside the reference: a page for each question, whose examples are tested with the documentation.
//!
//! Their links to each other are to files; here, where the first definition of a link counts, to modules.

/// [cardinality]: crate::guides::cardinality
#[doc = include_str!("../guides/naming-and-labels.md")]
pub mod naming_and_labels {}

#[doc = include_str!("../guides/cardinality.md")]
pub mod cardinality {}

#[doc = include_str!("../guides/testing.md")]
pub mod testing {}

#[doc = include_str!("../guides/what-a-scrape-promises.md")]
pub mod what_a_scrape_promises {}
