use super::Family;
use crate::Counter;

/// The number was a difference of lengths, and so what others added meanwhile was missing from it.
#[test]
#[cfg(not(feature = "noop"))]
fn what_is_removed_is_counted_whatever_others_add_meanwhile() {
    let sent: Family<Counter> = Family::with_labels(["topic"]);
    let mut removed = 0;
    std::thread::scope(|scope| {
        let adds = scope.spawn(|| {
            for topic in 0..900 {
                sent.get_or_create(&[("topic", topic.to_string().as_str())]).inc();
            }
        });
        while !adds.is_finished() {
            removed += sent.remove_matching(&[]);
        }
    });
    removed += sent.remove_matching(&[]);
    assert_eq!(removed, 900);
}
