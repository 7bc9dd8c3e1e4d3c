//! The examples do what they say: each is taken in as a module and run.

#![cfg(not(feature = "noop"))]

use streamgauge_metrics::{Registry, assert_metrics};

#[expect(dead_code, reason = "the program around what is tested")]
#[path = "../examples/library_author.rs"]
mod library_author;

use library_author::cache::Cache;

#[test]
fn two_caches_of_one_library_are_told_apart_by_the_scopes_of_the_application() {
    let registry = Registry::new();
    library_author::shop(&registry).unwrap();
    assert_metrics!(registry, {
        r#"shop_cache_lookups_total{cache="prices"}"# => 3,
        r#"shop_cache_hits_total{cache="prices"}"# => 2,
        r#"shop_cache_lookups_total{cache="stock"}"# => 2,
        r#"shop_cache_hits_total{cache="stock"}"# => 2,
    });
}

#[test]
fn a_library_that_is_given_no_registry_works_as_well() {
    let mut cache = Cache::default();
    cache.put("tea", 450);
    assert_eq!((cache.get("tea"), cache.get("coffee")), (Some(450), None));
}
