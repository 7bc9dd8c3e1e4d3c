//! A library that measures itself, and an application that says where that goes:
//! `cargo run -p streamgauge-metrics --example library_author`.

use streamgauge_metrics::{RegisterError, Registry};

use self::cache::Cache;

/// Stands for a crate of its own. It knows its names, and neither the prefix nor the labels of the application.
pub(crate) mod cache {
    use std::collections::HashMap;

    use streamgauge_metrics::{Counter, Metrics, RegisterError, Registry, record};

    #[derive(Clone, Default, Metrics)]
    #[metrics(group, prefix = "cache")]
    struct Lookups {
        /// Look-ups in a cache.
        lookups_total: Counter,
        /// Look-ups that found something.
        hits_total: Counter,
    }

    /// The default is one that counts for nobody.
    #[derive(Default)]
    pub(crate) struct Cache {
        entries: HashMap<String, u32>,
        lookups: Lookups,
    }

    impl Cache {
        /// A cache that is measured in this registry, or in a scope of it.
        pub(crate) fn measured(registry: &Registry) -> Result<Self, RegisterError> {
            Ok(Self { lookups: Lookups::register(registry)?, ..Self::default() })
        }

        pub(crate) fn put(&mut self, key: &str, value: u32) {
            self.entries.insert(key.to_owned(), value);
        }

        pub(crate) fn get(&self, key: &str) -> Option<u32> {
            let found = self.entries.get(key).copied();
            // Together, so that no scrape sees more hits than look-ups.
            let Lookups { lookups_total, hits_total } = &self.lookups;
            record((lookups_total.adding(1), hits_total.adding(u64::from(found.is_some()))));
            found
        }
    }
}

fn main() -> Result<(), RegisterError> {
    let registry = Registry::new();
    shop(&registry)?;
    print!("{}", registry.render_prometheus());
    Ok(())
}

/// The application: it has two caches, which only its labels tell apart.
pub(crate) fn shop(registry: &Registry) -> Result<(), RegisterError> {
    let cache = |name| Cache::measured(&registry.scoped("shop", &[("cache", name)])?);
    let (mut prices, mut stock) = (cache("prices")?, cache("stock")?);
    prices.put("tea", 450);
    stock.put("tea", 12);
    for item in ["tea", "coffee", "tea"] {
        // What has no price is not asked for.
        if prices.get(item).is_some() {
            stock.get(item);
        }
    }
    Ok(())
}
