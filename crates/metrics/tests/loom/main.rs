//! What threads may do to cells, and what readers may see of it, in every order that counts.
//!
//! [loom](https://docs.rs/loom) runs each model in all executions that differ, up to a number of
//! preemptions, and lets every load return whatever the memory model allows. What is run is what
//! ships: the sources are taken from `src` by their paths and find another [`sync`] door here.
//!
//! A model that passes proves nothing by itself. loom 0.7.3 remembers only the last access of an
//! atomic: an owner that loads its cell before it stores hides the loads of readers from it, and a
//! model like ours passed after *one* execution with every ordering broken. So an owner reads what
//! it stored last where loom does not look ([`sync::Cell::own`]), each model has a least number of
//! executions, and `breaks.rs` weakens every ordering in turn and names the model that sees it.
//!
//! Not here: the table of chunks and the thread-locals, which are the standard library's.

#![cfg(not(feature = "noop"))]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a model that cannot run is a fault")]

mod breaks;
#[allow(dead_code, unreachable_pub, reason = "what ships is more than what is modelled")]
#[path = "../../src/cardinality.rs"]
mod cardinality;
#[allow(dead_code, unreachable_pub, reason = "what ships is more than what is modelled")]
#[allow(clippy::trivially_copy_pass_by_ref, reason = "things are small here")]
mod cell;
mod check;
#[allow(clippy::unused_self, reason = "a stand-in has the signature of what it stands for")]
mod clock;
mod counted;
#[allow(dead_code, reason = "what ships is more than what is modelled")]
#[allow(clippy::unused_self, clippy::unnecessary_wraps, reason = "a stand-in has the signature of what it stands for")]
mod exemplar;
#[allow(dead_code, reason = "what ships is more than what is modelled")]
#[allow(clippy::unused_self, clippy::unnecessary_wraps, reason = "a stand-in has the signature of what it stands for")]
mod firewall;
#[allow(clippy::unused_self, reason = "a stand-in has the signature of what it stands for")]
mod histogram;
#[allow(dead_code, unreachable_pub, reason = "what ships is more than what is modelled")]
#[path = "../../src/idle.rs"]
mod idle;
mod label;
#[allow(dead_code, unreachable_pub, reason = "what ships is more than what is modelled")]
#[allow(clippy::default_constructed_unit_structs, reason = "a stand-in has nothing in it")]
#[path = "../../src/metric.rs"]
mod metric;
mod models;
#[allow(dead_code, reason = "what ships is more than what is modelled")]
mod native;
#[allow(dead_code, unreachable_pub, reason = "what ships is more than what is modelled")]
#[allow(clippy::default_constructed_unit_structs, reason = "a stand-in has nothing in it")]
#[path = "../../src/plan.rs"]
mod plan;
mod records;
#[path = "../../src/shown.rs"]
mod shown;
#[allow(dead_code, unreachable_pub, reason = "what ships is more than what is modelled")]
#[path = "../../src/slot.rs"]
mod slot;
#[allow(dead_code, unreachable_pub, reason = "what ships is more than what is modelled")]
#[allow(clippy::unused_self, reason = "a stand-in has the signature of what it stands for")]
mod summary;
#[allow(dead_code, reason = "what ships is more than what is modelled")]
mod sync;
#[allow(dead_code, unreachable_pub, reason = "what ships is more than what is modelled")]
#[path = "../../src/table.rs"]
mod table;
