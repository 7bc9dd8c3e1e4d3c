//! Bytes that no state was written as.

use super::*;

/// Reading must end in a state that can be worked with and was written so, or in an error.
fn survives(function: Function, encoded: &[u8]) {
    let mut rest = encoded;
    let Ok(read) = Alone::decode(function, &mut rest) else { return };
    let taken = encoded.len() - rest.len();
    assert_eq!(bytes(&read), &encoded[..taken], "{function:?} has two ways to be written");
    assert!(!matches!(read.result(), Value::Double(double) if !double.is_finite()), "{function:?}");
    let twice = merged(read.clone(), &read);
    assert!(!matches!(twice.result(), Value::Double(double) if !double.is_finite()), "{function:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn random_bytes_are_refused_or_read_as_what_they_are(
        layout in 0_u8..4,
        random in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let encoded: Vec<u8> = std::iter::once(layout).chain(random).collect();
        for function in every_function() {
            survives(function, &encoded);
        }
    }

    #[test]
    fn a_state_that_is_cut_off_is_truncated(inputs in inputs(numbers()), cut: prop::sample::Index) {
        for function in every_function() {
            let encoded = bytes(&state(function, &inputs));
            let read = Alone::decode(function, &mut &encoded[..cut.index(encoded.len())]);
            prop_assert_eq!(read.err(), Some(DecodeError::Truncated), "{:?}", function);
        }
    }

    #[test]
    fn changed_bytes_are_refused_or_read_as_what_they_are(
        inputs in inputs(numbers()),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        near_the_front: bool,
    ) {
        for function in every_function() {
            let mut encoded = bytes(&state(function, &inputs));
            let reach = if near_the_front { encoded.len().min(30) } else { encoded.len() };
            for (at, byte) in &changes {
                encoded[at.index(reach)] = *byte;
            }
            survives(function, &encoded);
        }
    }
}

#[test]
fn a_layout_of_another_version_is_named() {
    for function in every_function() {
        assert_eq!(Alone::decode(function, &mut [9].as_slice()).err(), Some(DecodeError::UnknownLayout(9)));
    }
}

#[test]
fn what_no_state_says_is_refused() {
    let double = |double: f64| double.to_le_bytes().to_vec();
    let percentile = Function::Percentile(0, Rank::new(0.5).unwrap());
    let sketch = |counts: &[u8]| [vec![2], double(1.0), double(2.0), counts.to_vec()].concat();
    let damaged = [
        ("a sum of no numbers that is not 0", Function::Sum(0), vec![1, 0, 2, 0]),
        ("doubles in a sum of no numbers", Function::Sum(0), [vec![1, 0, 0, 1], double(0.0), double(0.0)].concat()),
        ("an extremum of a third kind", Function::Min(0), vec![1, 4]),
        ("an infinite extremum", Function::Max(0), [vec![1, 2], double(f64::INFINITY)].concat()),
        ("negative squares", Function::Stddev(0), [vec![1, 2, 1], double(0.0), double(0.0), double(-1.0)].concat()),
        (
            "one number that deviates",
            Function::Stddev(0),
            [vec![1, 1, 1], double(0.0), double(0.0), double(1.0)].concat(),
        ),
        ("numbers out of order", percentile, [vec![1, 2, 0], double(2.0), double(1.0)].concat()),
        ("half a whole number", percentile, [vec![1, 1, 1], double(0.5)].concat()),
        ("more numbers than are kept", percentile, [vec![1, 65, 0], vec![0; 65 * 8]].concat()),
        ("a sketch of too few numbers", percentile, sketch(&[2, 0, 1, 64, 1])),
        ("an empty bucket", percentile, sketch(&[2, 0, 0, 64, 70])),
        ("the same bucket twice", percentile, sketch(&[3, 0, 30, 0, 30, 64, 30])),
        ("a bucket above the largest number", percentile, sketch(&[2, 0, 60, 65, 60])),
        ("no bucket of the largest number", percentile, sketch(&[2, 0, 60, 63, 60])),
        ("the same value twice", Function::Distinct(0), [vec![1, 2], vec![7; 32]].concat()),
        ("registers of no value", Function::Distinct(0), vec![2, 0, 0x80, 0x80, 1]),
        ("a run of zeros in two pieces", Function::Distinct(0), vec![2, 0, 1, 0, 1]),
        ("a run longer than all registers", Function::Distinct(0), vec![2, 0, 0x81, 0x80, 1]),
        ("a register beyond all bits", Function::Distinct(0), vec![2, 66]),
    ];
    for (what, function, encoded) in damaged {
        let read = Alone::decode(function, &mut encoded.as_slice()).err();
        assert!(matches!(read, Some(DecodeError::Corrupt(_))), "{what}: {read:?}");
    }
    let sound = sketch(&[2, 0, 1, 64, 64]);
    assert_eq!(Alone::decode(percentile, &mut sound.as_slice()).unwrap().result(), Value::Double(2.0));
}
