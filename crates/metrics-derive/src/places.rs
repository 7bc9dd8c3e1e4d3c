//! Where the errors of the derives point: at what is wrong, not at the derive.

use proc_macro2::{TokenStream, TokenTree};
use syn::{DeriveInput, Result};

use crate::{label_set, label_value, metrics};

type Expand = fn(&DeriveInput) -> Result<TokenStream>;

/// What the error of a derive points at, and what it says.
fn refused(expand: Expand, source: &str) -> (String, String) {
    let input = syn::parse_str(source).unwrap();
    let error = expand(&input).map(|_| ()).unwrap_err();
    (error.span().source_text().unwrap(), error.to_string())
}

/// What the constants point at that are checked once the caller's code is compiled.
fn checked(expand: Expand, source: &str) -> Vec<String> {
    let input = syn::parse_str(source).unwrap();
    let tokens: Vec<_> = expand(&input).unwrap().into_iter().collect();
    let is_check = |pair: &&[TokenTree]| pair[0].to_string() == "const" && pair[1].to_string() == "_";
    let checks = tokens.windows(2).filter(is_check);
    checks.map(|pair| pair[0].span().source_text().unwrap()).collect()
}

#[test]
fn an_error_in_a_group_of_metrics_points_at_the_field_or_at_what_is_written_there() {
    let cases = [
        ("struct M { /** Jobs. */ jobs_total: Counter, waits: Gauge }", "waits", "doc comment"),
        (
            "struct M { /** A. */ a_total: Counter, /** B. */ #[metrics(name = \"a_total\")] b_total: Counter }",
            "b_total",
            "`a_total` is there twice",
        ),
        ("struct M { /** A. */ #[metrics(bucket = LATENCY_MS)] a: Histogram }", "bucket", "expected `buckets`"),
        ("struct M { #[metrics(flatten, unit = \"ms\")] inner: Inner }", "inner", "declares its metrics itself"),
        ("#[metrics(group)] struct M { #[metrics(flatten)] inner: Inner }", "inner", "no other group"),
        ("#[metrics(prefix = \"\")] struct M { /** A. */ a: Gauge }", "\"\"", "leave an empty prefix out"),
        ("struct M(Counter);", "(Counter)", "needs named fields"),
        ("struct M<T> { /** A. */ a: T }", "<T>", "no type parameters"),
        ("enum M { A }", "M", "is for structs"),
    ];
    for (source, place, says) in cases {
        let (at, message) = refused(metrics::expand, source);
        assert_eq!(at, place, "{source}");
        assert!(message.contains(says), "{message}");
    }
}

#[test]
fn an_error_in_a_label_set_points_at_the_field_or_at_what_is_written_there() {
    let cases = [
        ("struct L { topic: String, #[label(\"topic\")] other: String }", "\"topic\"", "there twice"),
        ("struct L { #[label(\"a\", bounded)] a: String }", "bounded", "expected a text, `unbounded`"),
        ("struct L(String);", "(String)", "needs named fields"),
    ];
    for (source, place, says) in cases {
        let (at, message) = refused(label_set::expand, source);
        assert_eq!(at, place, "{source}");
        assert!(message.contains(says), "{message}");
    }
}

#[test]
fn an_error_in_a_label_value_points_at_the_variant_or_at_what_is_written_there() {
    let cases = [
        ("enum V { Ok, Io(u32) }", "Io(u32)", "no fixed text"),
        ("enum V { Io, #[label(\"io\")] Disk }", "\"io\"", "two variants"),
        ("enum V { Io, IO }", "IO", "two variants"),
        ("enum V { #[label(unbounded)] Io }", "#[label(unbounded)] Io", "for the label"),
        ("enum V {}", "V", "no values"),
        ("struct V { a: u32 }", "V", "is for enums"),
    ];
    for (source, place, says) in cases {
        let (at, message) = refused(label_value::expand, source);
        assert_eq!(at, place, "{source}");
        assert!(message.contains(says), "{message}");
    }
}

/// The rules for names are the library's; its constants fail where the derive puts them.
#[test]
fn what_is_checked_while_the_callers_code_compiles_points_there_too() {
    let declared = "struct M { /** A. */ #[metrics(buckets = [2.0, 1.0])] a: Histogram, \
                    /** B. */ #[metrics(labels = [\"ok\", \"le\"])] b: Family<Counter>, \
                    /** C. */ #[metrics(quantiles = [0.5])] c: Summary }";
    // Name, buckets and bounds of the first; name, buckets and both labels of the second; name, buckets and
    // quantiles of the third.
    let places = ["a", "a", "a", "b", "b", "\"ok\"", "\"le\"", "c", "c", "c"];
    assert_eq!(checked(metrics::expand, declared), places);
    let labels = "struct L { le: String, #[label(\"__name\")] other: String }";
    assert_eq!(checked(label_set::expand, labels), ["le", "\"__name\""]);
}
