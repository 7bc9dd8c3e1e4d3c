//! Snapshots as bytes on the wire. An encoder writes what is declared and edits nothing.

pub mod text;
