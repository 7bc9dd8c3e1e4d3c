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

/// [cardinality]: crate::guides::cardinality
/// [promises]: crate::guides::what_a_scrape_promises
#[doc = include_str!("../guides/coming-from-prometheus.md")]
pub mod coming_from_prometheus {}

/// [cardinality]: crate::guides::cardinality
/// [promises]: crate::guides::what_a_scrape_promises
#[doc = include_str!("../guides/coming-from-prometheus-client.md")]
pub mod coming_from_prometheus_client {}

/// [cardinality]: crate::guides::cardinality
#[doc = include_str!("../guides/coming-from-metrics.md")]
pub mod coming_from_metrics {}

/// [cardinality]: crate::guides::cardinality
#[doc = include_str!("../guides/coming-from-opentelemetry.md")]
pub mod coming_from_opentelemetry {}
