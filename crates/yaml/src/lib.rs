//! YAML as it was written: a tree of text whose pieces know where they stand, and faults that say so.
//!
//! ```text
//!   text ──► parse ──► Node: place, tree of texts ──► whoever knows the keys ──► values
//!              └───────────────► Faults ◄───────────────┘
//!                  everything that is wrong, in the order of the file
//! ```
//!
//! Scalars stay text, since only the reader of a key knows its type. What could stand for any amount of text, or for
//! something that is not written there (anchors, aliases, tags), is refused. No message of this crate repeats a value: it may be
//! a secret.
//!
//! ```
//! use streamgauge_yaml::{Fault, Faults, Tree, parse};
//!
//! let mut faults = Faults::new("door.yaml");
//! let node = parse("door:\n  colour: green\n", &mut faults).expect("it is YAML");
//! let Tree::Map(entries) = &node.tree else { panic!("it is a mapping") };
//! let door = &entries[0];
//! faults.push(Fault::new(&door.place, &door.key, "unknown key").suggest(&door.key, ["doors"]));
//! assert_eq!(faults.settle(Some(())).unwrap_err().to_string(), "door.yaml:1:1: door: unknown key (did you mean \"doors\"?)");
//! ```

mod fault;
mod node;

pub use fault::{Fault, Faults, Place};
pub use node::{Entry, Node, Tree, child, escape_of, is_null, parse, parse_as};
