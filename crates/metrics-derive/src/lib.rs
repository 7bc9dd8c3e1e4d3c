//! The derives of streamgauge-metrics: `Metrics`, `LabelSet` and `LabelValue`.
//!
//! Use them through `streamgauge_metrics`, which exports them beside the traits of the same
//! names; the traits' documentation has the attributes and examples.
//!
//! ```text
//! a struct with fields ── derive(Metrics) ────► one metric per field: name, help, buckets
//! a struct with fields ── derive(LabelSet) ───► one label per field
//! an enum              ── derive(LabelValue) ─► one text per variant
//! ```
//!
//! The rules for names live in `streamgauge_metrics::desc` as `const` functions. The derives do
//! not repeat them: they write constants that apply them to each field while the caller's code
//! compiles, so a name that the registry would refuse is an error at the field that has it.

use proc_macro::TokenStream;
use syn::{DeriveInput, Error, parse_macro_input};

mod label_set;
mod label_value;
mod metrics;
#[cfg(test)]
mod places;
mod syntax;

/// Makes a struct a group of metrics; see the trait `streamgauge_metrics::Metrics`.
#[proc_macro_derive(Metrics, attributes(metrics))]
pub fn metrics(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    finish(metrics::expand(&input))
}

/// Makes a struct a label set; see the trait `streamgauge_metrics::LabelSet`.
#[proc_macro_derive(LabelSet, attributes(label))]
pub fn label_set(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    finish(label_set::expand(&input))
}

/// Makes an enum a label value; see the trait `streamgauge_metrics::LabelValue`.
#[proc_macro_derive(LabelValue, attributes(label))]
pub fn label_value(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    finish(label_value::expand(&input))
}

fn finish(expanded: syn::Result<proc_macro2::TokenStream>) -> TokenStream {
    expanded.unwrap_or_else(Error::into_compile_error).into()
}
