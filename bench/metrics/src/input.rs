//! What is observed, and under which labels: the same for everyone.

use std::array;
use std::hint::black_box;

/// Upper bounds in seconds, those Prometheus' own clients begin with, and 0.075, 0.75.
pub const BOUNDS: [f64; 13] = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 10.0];
/// Methods known at compile time.
pub const METHODS: [&str; 4] = ["GET", "POST", "PUT", "DELETE"];
/// Outcomes known at compile time.
pub const OUTCOMES: [&str; 4] = ["ok", "invalid", "refused", "failed"];

/// 1,024 seconds between 10⁻³ and 10², evenly spread over the logarithm.
pub fn observations() -> Box<[f64; 1024]> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    Box::new(array::from_fn(|_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let unit = (state >> 11) as f64 / (1_u64 << 53) as f64;
        10_f64.powf(unit.mul_add(5.0, -3.0))
    }))
}

/// All sixteen pairs.
pub fn pairs<A: Copy, B: Copy>(first: [A; 4], second: [B; 4]) -> [(A, B); 16] {
    array::from_fn(|i| (first[i / 4], second[i % 4]))
}

/// Sixteen pairs of method and path that no compiler has seen, each text in a place of its own.
pub fn strings() -> [(String, String); 16] {
    let paths: [String; 4] = array::from_fn(|i| path(black_box(120) + i));
    array::from_fn(|i| (black_box(METHODS[i / 4]).to_owned(), paths[i % 4].clone()))
}

/// The labels of `count` series: one method, many paths.
pub fn series(count: usize) -> Vec<(String, String)> {
    (0..count).map(|i| ("GET".to_owned(), path(i))).collect()
}

fn path(number: usize) -> String {
    format!("/api/v1/resource/{number:04}")
}
