//! A state in a folder that dies, is torn, is damaged, or has no room: never read wrong.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod damage;
mod faults;
mod fuse;
mod machine;
mod model;
mod opening;
mod paused;
mod platter;
mod room;
mod rows;
mod torn;
