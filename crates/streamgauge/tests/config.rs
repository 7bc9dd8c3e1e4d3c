//! The configuration as a user meets it: through the binary, with whole messages and exit codes.

#[path = "config/available.rs"]
mod available;
#[path = "config/bench.rs"]
mod bench;
#[path = "config/commands.rs"]
mod commands;
#[path = "config/effective.rs"]
mod effective;
#[path = "config/faults.rs"]
mod faults;
#[path = "config/files.rs"]
mod files;
#[path = "config/sources.rs"]
mod sources;
