//! Which part of the work an instruction belongs to: the file it was written in says so, also where functions have been inlined.

use std::collections::{BTreeMap, HashMap};
use std::error::Error;
use std::path::Path;
use std::rc::Rc;

use addr2line::Loader;

/// The parts, in the order in which an event meets them, each with where its code stands, that of libraries which in these jobs only it
/// calls included. The first that fits counts; what stands nowhere here (arithmetic of times, the standard library) belongs to whoever
/// calls it.
const STAGES: [(&str, &[&str]); 13] = [
    ("reading", &["streamgauge/src/source", "streamgauge/src/spares"]),
    ("framing: lines, events of a block", &["flow/src/frame", "flow/src/decode.rs", "flow/src/decode/decoded"]),
    ("decoding: JSON", &["flow/src/decode/json", "/simdutf8-"]),
    (
        "decoding: mapped times, numbers, texts",
        &["flow/src/decode/", "flow/src/timestamp", "flow/src/record", "streamgauge/src/decoders"],
    ),
    ("judging: duplicates", &["flow/src/dedup", "/siphasher-"]),
    ("judging: keys", &["flow/src/key"]),
    ("judging: windows", &["flow/src/window"]),
    ("judging: aggregates", &["flow/src/aggregate"]),
    (
        "judging: order, watermark, counts",
        &["flow/src/pipeline", "flow/src/watermark", "flow/src/telemetry", "flow/src/plan"],
    ),
    ("rows", &["flow/src/row", "streamgauge/src/sink/encode", "streamgauge/src/sink/table", "/zmij-"]),
    ("writing", &["streamgauge/src/sink"]),
    ("metrics", &["crates/metrics/src", "crates/export/src"]),
    ("worker, queues", &["streamgauge/src"]),
];

/// What the parts have cost.
pub type Sums = BTreeMap<Rc<str>, f64>;

/// What belongs to none of them: start and end, the allocator's own threads.
pub const REST: &str = "the rest";

/// Names of all parts, the rest included.
pub fn names() -> impl Iterator<Item = &'static str> {
    STAGES.iter().map(|(name, _)| *name).chain([REST])
}

/// The part that a source file is for.
#[must_use]
pub fn of_file(file: &str) -> Option<&'static str> {
    let stage = STAGES.iter().find(|(_, places)| places.iter().any(|place| file.contains(place)));
    stage.map(|(name, _)| *name)
}

/// How finely the work is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Into the parts above.
    Stages,
    /// Into source files.
    Files,
}

impl Cut {
    /// What a source file is counted as.
    fn part(self, file: &str) -> Option<Rc<str>> {
        let stage = of_file(file)?;
        Some(match self {
            Cut::Stages => stage.into(),
            Cut::Files => file.find("crates/").map_or(file, |at| &file[at..]).into(),
        })
    }
}

/// A program, whose debugging information says where an instruction comes from.
pub struct Symbols {
    loader: Loader,
    cut: Cut,
    known: HashMap<u64, Option<Rc<str>>>,
}

impl Symbols {
    /// Reads it.
    ///
    /// # Errors
    /// If it has none.
    pub fn read(program: &Path, cut: Cut) -> Result<Self, Box<dyn Error>> {
        let loader = Loader::new(program).map_err(|error| format!("{}: {error}", program.display()))?;
        Ok(Symbols { loader, cut, known: HashMap::new() })
    }

    /// The part of an instruction: that of the innermost function which has one.
    pub fn part(&mut self, address: u64) -> Option<Rc<str>> {
        if let Some(known) = self.known.get(&address) {
            return known.clone();
        }
        let mut found = None;
        if let Ok(mut frames) = self.loader.find_frames(address) {
            while let (None, Ok(Some(frame))) = (&found, frames.next()) {
                found = frame.location.and_then(|location| location.file).and_then(|file| self.cut.part(file));
            }
        }
        self.known.insert(address, found.clone());
        found
    }
}

#[cfg(test)]
mod tests {
    use super::of_file;

    #[test]
    fn a_file_belongs_to_the_first_part_that_names_it_or_its_folder() {
        assert_eq!(of_file("/somewhere/crates/flow/src/decode/json/walk.rs"), Some("decoding: JSON"));
        assert_eq!(of_file("crates/flow/src/decode/json.rs"), Some("decoding: JSON"));
        assert_eq!(of_file("crates/flow/src/decode/csv.rs"), Some("decoding: mapped times, numbers, texts"));
        assert_eq!(of_file("crates/flow/src/decode.rs"), Some("framing: lines, events of a block"));
        assert_eq!(of_file("crates/streamgauge/src/sink/encode.rs"), Some("rows"));
        assert_eq!(of_file("crates/streamgauge/src/sink/lines.rs"), Some("writing"));
        assert_eq!(of_file("crates/flow/src/time.rs"), None);
        assert_eq!(of_file("/rustc/0000/library/core/src/num/mod.rs"), None);
    }
}
