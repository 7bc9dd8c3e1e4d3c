//! What other engines are known to get wrong about time, windows and identity. The numbers are those of a list of such traps;
//! the rule that is tested is the one this pipeline follows where others differ.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod harness;

mod numbers;
mod time;
mod windows;
