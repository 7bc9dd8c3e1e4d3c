//! The traps of exposition formats, by their numbers: names, labels and the identity of series.
//! Those of threads and lives are in `torn.rs` and `lives.rs`.

use std::collections::BTreeSet;
use std::hash::Hasher;

use streamgauge_metrics::{
    Bounds, Counter, Desc, Family, FloatCounter, Gauge, Histogram, Info, LabelSet, Metrics, RegisterError, Registry,
    StateSet, UpDownCounter, record,
};

#[derive(Clone, Debug, PartialEq, Eq, Hash, LabelSet)]
struct Two {
    one: String,
    two: String,
}

#[derive(Clone, PartialEq, Eq, Hash, LabelSet)]
struct Version {
    version: String,
}

/// The lines of a page that are samples, and no two of one series.
fn samples(registry: &Registry) -> Vec<String> {
    let page = registry.render_prometheus();
    let lines: Vec<_> = page.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect();
    let series: BTreeSet<_> = lines.iter().map(|line| identity(line)).collect();
    assert_eq!(series.len(), lines.len(), "a series is there twice:\n{page}");
    lines
}

/// Name and labels, whatever the order of the labels. For values without commas.
fn identity(line: &str) -> (String, BTreeSet<String>) {
    let series = line.rsplit_once(' ').map_or(line, |(series, _)| series);
    let (name, labels) = series.split_once('{').unwrap_or((series, ""));
    let labels = labels.trim_end_matches('}').split(',').filter(|label| !label.is_empty()).map(str::to_owned);
    (name.to_owned(), labels.collect())
}

fn register<T: streamgauge_metrics::Declared>(registry: &Registry, name: &'static str) -> Result<T, RegisterError> {
    registry.register(Desc::of::<T>(name, "Help."))
}

#[test]
fn trap_8_a_name_that_only_ends_like_a_suffix_is_written_as_it_is() {
    let registry = Registry::new();
    for name in ["discount", "checksum", "wastebucket"] {
        register::<Histogram>(&registry, name).unwrap();
        let page = samples(&registry);
        for ending in ["_count 0", "_sum 0"] {
            assert!(page.contains(&format!("{name}{ending}")), "{name}{ending}");
        }
    }
    assert!(register::<Counter>(&registry, "subtotal").is_err(), "a counter ends with `_total`, not with `total`");
    register::<Counter>(&registry, "subtotal_total").unwrap();
    let unit = Desc::of::<Gauge>("wait_milliseconds", "Help.").with_unit("seconds");
    assert!(registry.register::<Gauge>(unit).is_err(), "milliseconds are no seconds");
}

#[test]
fn trap_10_families_whose_samples_would_meet_are_refused_in_either_order() {
    fn gauge(registry: &Registry, name: &'static str) -> Result<(), RegisterError> {
        register::<Gauge>(registry, name).map(drop)
    }
    fn histogram(registry: &Registry, name: &'static str) -> Result<(), RegisterError> {
        register::<Histogram>(registry, name).map(drop)
    }
    fn counter(registry: &Registry, name: &'static str) -> Result<(), RegisterError> {
        register::<Counter>(registry, name).map(drop)
    }
    fn info(registry: &Registry, name: &'static str) -> Result<(), RegisterError> {
        register::<Info<Version>>(registry, name).map(drop)
    }
    fn states(registry: &Registry, name: &'static str) -> Result<(), RegisterError> {
        register::<StateSet<bool>>(registry, name).map(drop)
    }
    type Register = fn(&Registry, &'static str) -> Result<(), RegisterError>;
    let meet: &[(Register, &'static str, Register, &'static str)] = &[
        (histogram, "x", gauge, "x_count"),
        (histogram, "x", gauge, "x_sum"),
        (histogram, "x", counter, "x_count_total"),
        (histogram, "x", histogram, "x_count"),
        (histogram, "x", counter, "x_total"),
        (histogram, "x", info, "x_info"),
        (histogram, "x", states, "x_sum"),
        (counter, "x_total", gauge, "x"),
        (info, "x_info", gauge, "x"),
        (info, "x_info", counter, "x_total"),
        (gauge, "x", states, "x"),
    ];
    for (one, its_name, other, others_name) in meet {
        let registry = Registry::new();
        one(&registry, its_name).unwrap();
        assert!(other(&registry, others_name).is_err(), "{its_name} and {others_name}");
        let registry = Registry::new();
        other(&registry, others_name).unwrap();
        assert!(one(&registry, its_name).is_err(), "{others_name} and {its_name}");
    }
}

#[test]
fn trap_10_what_was_taken_out_leaves_its_names_free() {
    let registry = Registry::new();
    register::<Histogram>(&registry, "x").unwrap();
    assert!(register::<Gauge>(&registry, "x_count").is_err());
    assert!(registry.unregister("x"));
    register::<Gauge>(&registry, "x_count").unwrap();
    assert!(register::<Histogram>(&registry, "x").is_err());
    register::<Gauge>(&registry, "x").unwrap();
}

#[test]
fn trap_11_no_name_is_bent_into_another_one() {
    let registry = Registry::new();
    register::<Gauge>(&registry, "a_b").unwrap();
    for name in ["a.b", "a-b", "a b", "a:b", "ä"] {
        assert!(matches!(register::<Gauge>(&registry, name), Err(RegisterError::Invalid(_))), "{name}");
    }
    let labels = ["a.b", "a-b", "a b"].map(|name| Desc::of::<Family<Gauge>>("g", "Help.").with_labels([name, "a_b"]));
    for desc in labels {
        assert!(matches!(registry.register::<Family<Gauge>>(desc), Err(RegisterError::Invalid(_))));
    }
    for name in ["a.b", ""] {
        assert!(matches!(registry.scoped("", &[(name, "x")]), Err(RegisterError::ConstantLabel { .. })), "{name:?}");
    }
}

/// Two parts of a program gave their constant labels in another order. The texts differed, so both
/// were registered, and every scrape had the same series twice.
#[test]
fn trap_12_constant_labels_in_another_order_are_the_same_series() {
    let registry = Registry::new();
    let one = registry.scoped("", &[("zone", "a"), ("region", "eu")]).unwrap();
    let two = registry.scoped("", &[("region", "eu")]).unwrap().scoped("", &[("zone", "a")]).unwrap();
    register::<Counter>(&one, "jobs_total").unwrap().inc();
    register::<Counter>(&two, "jobs_total").unwrap().inc();
    let page = samples(&registry);
    assert!(page.contains(&"jobs_total{region=\"eu\",zone=\"a\"} 2".to_owned()), "{page:#?}");
}

/// A metric that two parts of a program register under their own constant labels is two tables
/// with one name. What the registry tells of itself had each name twice then.
#[test]
fn trap_12_the_registry_tells_of_a_metric_in_two_scopes_once() {
    let registry = Registry::new();
    for region in ["eu", "us"] {
        let scope = registry.scoped("store", &[("region", region)]).unwrap();
        let desc = Desc::of::<Family<FloatCounter>>("spent_total", "Spent.").with_labels(["by"]);
        let spent: Family<FloatCounter> = scope.register(desc).unwrap();
        spent.get_or_create(&[("by", "me")]).inc_by(-1.0);
        spent.get_or_create(&[("by", "you")]).inc_by(-1.0);
    }
    let page = samples(&registry);
    let refused = "metrics_registry_refused_total{metric=\"store_spent_total\",reason=\"negative\"} 4";
    for line in ["metrics_registry_metric_series{metric=\"store_spent_total\"} 4", refused] {
        assert!(page.contains(&line.to_owned()), "{line}: {page:#?}");
    }
}

#[test]
fn trap_12_pairs_in_any_order_and_a_typed_set_with_one_text_are_one_series() {
    let registry = Registry::new();
    let desc = Desc::of::<Family<Counter>>("sent_total", "Sent.").with_labels(["a", "b"]);
    let sent: Family<Counter> = registry.register(desc).unwrap();
    sent.get_or_create(&[("a", "1"), ("b", "2")]).inc();
    sent.get_or_create(&[("b", "2"), ("a", "1")]).inc();
    assert_eq!(sent.len(), 1);
    assert!(samples(&registry).contains(&"sent_total{a=\"1\",b=\"2\"} 2".to_owned()));
}

#[test]
fn trap_13_no_label_name_is_there_twice() {
    let registry = Registry::new();
    let twice = Desc::of::<Family<Gauge>>("g", "Help.").with_labels(["a", "a"]);
    assert!(matches!(registry.register::<Family<Gauge>>(twice), Err(RegisterError::Invalid(_))));
    let scoped = registry.scoped("", &[("one", "x")]).unwrap();
    assert!(matches!(register::<Family<Gauge, Two>>(&scoped, "g"), Err(RegisterError::ConstantLabel { .. })));
    assert!(matches!(scoped.scoped("", &[("one", "y")]), Err(RegisterError::ConstantLabel { .. })));
    assert!(matches!(registry.scoped("", &[("a", "x"), ("a", "x")]), Err(RegisterError::ConstantLabel { .. })));
}

/// The label of a state set has the name of the metric, which nobody compared with the constant
/// labels: the line had one label name twice and the whole scrape was refused.
#[test]
fn trap_13_a_state_set_does_not_share_its_label_with_a_constant_one() {
    let scoped = Registry::new().scoped("", &[("breaker", "main")]).unwrap();
    let refused = register::<StateSet<bool>>(&scoped, "breaker");
    assert!(matches!(refused, Err(RegisterError::ConstantLabel { .. })));
}

#[test]
fn trap_14_reserved_label_names_are_refused_wherever_they_come_from() {
    let registry = Registry::new();
    for name in ["le", "quantile", "__name__", "__x"] {
        let desc = Desc::of::<Family<Histogram>>("h", "Help.").with_labels([name]);
        assert!(matches!(registry.register::<Family<Histogram>>(desc), Err(RegisterError::Invalid(_))), "{name}");
        assert!(matches!(registry.scoped("", &[(name, "x")]), Err(RegisterError::ConstantLabel { .. })), "{name}");
        assert!(std::panic::catch_unwind(|| Family::<Counter>::with_labels([name])).is_err(), "{name}");
    }
}

/// The name of a state set is the name of its label, too. `le` and `__up` went through.
#[test]
fn trap_14_a_state_set_is_not_named_like_a_reserved_label() {
    for name in ["le", "quantile", "__up"] {
        let refused = register::<StateSet<bool>>(&Registry::new(), name);
        assert!(matches!(refused, Err(RegisterError::Invalid(_))), "{name}");
    }
}

/// One instrument under a declaration with labels is a series without the labels it declares.
#[test]
fn a_declaration_with_labels_is_for_families_only() {
    let registry = Registry::new();
    let desc = Desc::of::<Counter>("jobs_total", "Jobs.").with_labels(["queue"]);
    let refused = registry.register::<Counter>(desc.clone());
    assert!(matches!(refused, Err(RegisterError::OtherType { .. })));
    assert!(registry.register::<Family<Counter>>(desc).is_ok());
}

#[test]
#[cfg(not(feature = "noop"))]
fn trap_28_what_would_move_a_counter_back_or_around_is_refused_and_counted() {
    let registry = Registry::new();
    let spent: FloatCounter = register(&registry, "spent_total").unwrap();
    spent.inc_by(2.5);
    for step in [-1.0, -0.1, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        spent.inc_by(step);
        streamgauge_metrics::record(spent.adding(step));
    }
    let full: Counter = register(&registry, "full_total").unwrap();
    full.inc_by(u64::MAX);
    full.inc();
    let size: Histogram = register(&registry, "size").unwrap();
    size.observe(f64::NAN);
    let refused = |metric, reason| format!("metrics_registry_refused_total{{metric=\"{metric}\",reason=\"{reason}\"}}");
    let page = samples(&registry);
    for line in [
        "spent_total 2.5".to_owned(),
        "full_total 18446744073709551615".to_owned(),
        format!("{} 6", refused("spent_total", "negative")),
        format!("{} 2", refused("spent_total", "not_a_number")),
        format!("{} 2", refused("spent_total", "not_finite")),
        format!("{} 1", refused("full_total", "too_large")),
        format!("{} 1", refused("size", "not_a_number")),
    ] {
        assert!(page.contains(&line), "{line}: {page:#?}");
    }
}

/// A counter that is read from a callback is checked like any other; what was refused there was
/// counted in a counter that no scrape ever showed.
#[test]
fn trap_28_a_callback_that_gives_a_counter_no_count_is_left_out_and_counted() {
    let registry = Registry::new();
    let bad = [("negative", -1.0), ("not_finite", f64::INFINITY), ("not_a_number", f64::NAN)];
    for (reason, value) in bad {
        registry.register_fn(Desc::of::<Counter>(format!("{reason}_total"), "Help."), move || value).unwrap();
    }
    registry.register_fn(Desc::of::<Gauge>("level", "Help."), || f64::NAN).unwrap();
    registry.snapshot();
    let page = samples(&registry);
    assert!(page.contains(&"level NaN".to_owned()));
    for (reason, _) in bad {
        assert!(!page.iter().any(|line| line.starts_with(&format!("{reason}_total"))));
        let line = format!("metrics_registry_refused_total{{metric=\"{reason}_total\",reason=\"{reason}\"}} 2");
        assert!(page.contains(&line), "{line}: {page:#?}");
    }
}

#[test]
#[cfg(not(feature = "noop"))]
fn trap_29_whole_numbers_are_exact_on_the_page_however_large() {
    let registry = Registry::new();
    let counter: Counter = register(&registry, "a_total").unwrap();
    let histogram: Histogram = register(&registry, "h").unwrap();
    let many = (1 << 53) + 1;
    counter.inc_by(many);
    histogram.observe_n(1.0, many);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            counter.inc_by(many);
            histogram.observe_n(1.0, many);
        });
    });
    let page = samples(&registry);
    for line in ["a_total 18014398509481986", "h_count 18014398509481986", "h_bucket{le=\"1\"} 18014398509481986"] {
        assert!(page.contains(&line.to_owned()), "{line}: {page:#?}");
    }
}

/// Both are 0 to FNV-1a, and to whoever keys series by that hash.
const FNV: [&str; 2] = ["77kepQFQ8Kl", "!0IC=VloaY"];

fn fnv_1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[test]
#[cfg(not(feature = "noop"))]
fn trap_42_values_with_one_hash_or_one_joined_text_are_series_of_their_own() {
    assert_eq!(FNV.map(|text| fnv_1a(text.as_bytes())), [0, 0]);
    let pairs = [(FNV[0], ""), (FNV[1], ""), ("", FNV[0]), ("ab", "c"), ("a", "bc"), ("abc", ""), ("c", "ab")];
    let typed: Family<Counter, Two> = Family::default();
    let sliced: Family<Counter> = Family::with_labels(["one", "two"]);
    let set = |(one, two): (&str, &str)| Two { one: one.to_owned(), two: two.to_owned() };
    // Three times, so that the short cut is taken as well.
    for _ in 0..3 {
        for (i, pair) in (1..).zip(pairs) {
            typed.get_or_create(&set(pair)).inc_by(i);
            sliced.get_or_create(&[("one", pair.0), ("two", pair.1)]).inc_by(i);
            sliced.get_or_create(&[("two", pair.1), ("one", pair.0)]).inc_by(i);
        }
    }
    assert_eq!((typed.len(), sliced.len()), (pairs.len(), pairs.len()));
    for (i, pair) in (1..).zip(pairs) {
        assert_eq!(typed.get_or_create(&set(pair)).get(), 3 * i, "{pair:?}");
        assert_eq!(sliced.get_or_create(&[("one", pair.0), ("two", pair.1)]).get(), 6 * i, "{pair:?}");
    }
}

/// A label set whose hash says nothing.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Colliding(u32);

impl LabelSet for Colliding {
    const LABELS: &'static [streamgauge_metrics::Label] = &[streamgauge_metrics::Label::new("n")];

    fn values(&self) -> Vec<std::borrow::Cow<'_, str>> {
        vec![self.0.to_string().into()]
    }

    fn hash_quickly(&self, hasher: &mut impl Hasher) {
        hasher.write_u8(0);
    }
}

#[test]
#[cfg(not(feature = "noop"))]
fn trap_42_equal_hashes_still_compare() {
    let family: Family<UpDownCounter, Colliding> = Family::default();
    for round in 1..=3 {
        for n in 0..100 {
            family.get_or_create(&Colliding(n)).add(i64::from(n));
            assert_eq!(family.get_or_create(&Colliding(n)).get(), round * i64::from(n));
        }
    }
    assert_eq!(family.len(), 100);
}

#[test]
#[cfg(not(feature = "noop"))]
fn trap_42_one_text_at_two_places_is_one_series() {
    #[derive(Clone, PartialEq, Eq, Hash, LabelSet)]
    struct Fixed {
        topic: &'static str,
    }
    let there: &'static str = "orders";
    let elsewhere: &'static str = String::from("orders").leak();
    assert!(!std::ptr::eq(there, elsewhere));
    let family: Family<Counter, Fixed> = Family::default();
    for topic in [there, elsewhere, there, elsewhere] {
        family.get_or_create(&Fixed { topic }).inc();
    }
    assert_eq!((family.len(), family.get_or_create(&Fixed { topic: there }).get()), (1, 4));
    let named: Family<Counter> = Family::with_labels(["topic"]);
    let name: &'static str = String::from("topic").leak();
    named.get_or_create(&[("topic", "orders")]).inc();
    named.get_or_create(&[(name, "orders")]).inc();
    assert_eq!(named.get_or_create(&[("topic", elsewhere)]).get(), 2);
}

#[derive(Clone, Metrics)]
#[metrics(group)]
struct Things {
    /// How many.
    things_total: Counter,
    /// How large.
    #[metrics(buckets = [1.0, 10.0])]
    size: Histogram,
}

/// A family of histograms in no registry knew of no bounds when it took cells, and so took one for
/// the sum and none for the buckets: it counted in the cells of whatever came next.
#[test]
#[cfg(not(feature = "noop"))]
fn a_family_of_histograms_in_no_registry_has_cells_for_its_buckets() {
    let (typed, named) = (Family::<Histogram, Two>::default(), Family::<Histogram>::with_labels(["one"]));
    let groups: Family<Things, Two> = Family::default();
    let of = |n: u32| Two { one: n.to_string(), two: String::new() };
    for n in 0..20 {
        for value in [0.5, 2.0, 1e9] {
            typed.get_or_create(&of(n)).observe(value);
            named.get_or_create(&[("one", n.to_string().as_str())]).observe(value);
            let found = groups.get_or_create(&of(n));
            record((found.things_total.adding(1), found.size.observing(value)));
        }
    }
    for n in 0..20 {
        let found = groups.get_or_create(&of(n));
        assert_eq!((found.things_total.get(), found.size.get().buckets()), (3, &[1, 1, 1][..]));
        let by_name = named.handle(&[("one", n.to_string().as_str())]);
        for one in [typed.handle(&of(n)), by_name, found.size.clone()] {
            assert_eq!((one.get().count(), one.get().sum().to_bits()), (3, 1_000_000_002.5_f64.to_bits()));
            assert_eq!(one.get().buckets().len(), one.bounds().as_slice().len() + 1);
        }
    }
}

#[test]
fn a_list_of_bounds_is_refused_unless_it_increases() {
    for wrong in [&[][..], &[1.0, 1.0], &[2.0, 1.0], &[f64::NAN], &[f64::INFINITY]] {
        assert!(Bounds::new(wrong).is_err(), "{wrong:?}");
    }
}
