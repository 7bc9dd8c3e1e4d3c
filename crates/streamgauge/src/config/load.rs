//! Reading a configuration file: text, tree, values, proof.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use streamgauge_flow::Format;
use streamgauge_yaml::{self as yaml, Fault, Faults, Node, Place};

use super::prove::prove;
use super::table::ROOT;
use super::value::{Value, fill};
use super::{Config, Effective, overrides, preset, substitute};

/// A longer file is not a configuration.
const MAX_BYTES: u64 = 1 << 20;

/// A configuration that was read and proven.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// What it asks for.
    pub config: Config,
    /// How it reads with every default filled in.
    pub effective: Effective,
}

/// Reads a file, puts the values of `--set` over it and proves all of it.
///
/// # Errors
/// Everything that is wrong, in one go, each with its place.
pub fn load(path: &Path, sets: &[String]) -> Result<Loaded, Faults> {
    let mut faults = Faults::new(&path.display().to_string());
    let Some(tree) = tree(path, sets, &mut faults) else {
        return faults.settle(None);
    };
    let root = fill(ROOT, &tree, &mut faults);
    let config = prove(&root, &mut faults);
    faults.settle(config).map(|config| Loaded { effective: effective(root, &config), config })
}

/// The raw tree with presets, settings and variables in place; `None` if there is nothing to go on with.
fn tree(path: &Path, sets: &[String], faults: &mut Faults) -> Option<Node> {
    let text = text(path).map_err(|what| faults.push(Fault::new(&Place::File, "", what))).ok()?;
    let mut root = yaml::parse(&text, faults)?;
    for set in sets {
        overrides::apply(&mut root, set, faults);
    }
    substitute::substitute(&mut root, "", &|name| std::env::var(name).ok(), faults);
    preset::apply(&mut root, faults);
    Some(root)
}

fn text(path: &Path) -> Result<String, String> {
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(MAX_BYTES + 1).read_to_string(&mut text));
    match read {
        Ok(_) if text.len() as u64 > MAX_BYTES => Err("is longer than 1 MiB; expected a configuration".to_owned()),
        Ok(_) => Ok(text),
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            Err("there is no such file; `streamgauge init` writes a configuration to begin with".to_owned())
        }
        Err(e) if e.kind() == io::ErrorKind::InvalidData => {
            Err("is not valid UTF-8; expected a configuration as text".to_owned())
        }
        Err(e) => Err(format!("cannot be read: {e}; expected a readable file")),
    }
}

fn effective(mut root: Value, config: &Config) -> Effective {
    // The preset is spelled out in the values already; naming it again would say the same twice.
    root.remove("event", "preset");
    if root.at("source.file.format").is_none() {
        let format = match config.pipeline.format {
            Format::Ndjson => "ndjson",
            Format::Csv => "csv",
        };
        root.put("source.file", "paths", "format", format);
    }
    Effective { root }
}
