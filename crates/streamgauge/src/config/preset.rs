//! Ready-made event mappings, laid under what is written.

use streamgauge_yaml::{self as yaml, Entry, Faults, Node, Place, Tree};

const LLM: &str = "
id: /id
type: /type
time: {from: /time, format: rfc3339}
strings:
  model: /model
  provider: /provider
  tenant: /tenant
  operation: /operation
  status: /status
  error_type: /error_type
numbers:
  input_tokens: /input_tokens
  output_tokens: /output_tokens
  duration_ms: /duration_ms
  time_to_first_token_ms: /time_to_first_token_ms
  cost_usd: /cost_usd
";

/// Fills `event` up from the preset that it names; an unknown name is left for the reader to judge.
pub(crate) fn apply(root: &mut Node, faults: &mut Faults) {
    if let Some(event) = find(root, "event")
        && let Some(Tree::Scalar(name)) = find(event, "preset").map(|n| &n.tree)
        && name == "llm"
        && let Some(preset) = yaml::parse_as(LLM, &Place::Builtin, faults)
    {
        lay_under(event, preset);
    }
}

fn find<'a>(node: &'a mut Node, name: &str) -> Option<&'a mut Node> {
    let Tree::Map(entries) = &mut node.tree else {
        return None;
    };
    entries.iter_mut().find(|e| e.key == name).map(|e| &mut e.value)
}

/// The preset's names come first, in its order; what is written keeps its own place.
fn lay_under(written: &mut Node, preset: Node) {
    let (Tree::Map(own), Tree::Map(below)) = (&mut written.tree, preset.tree) else {
        return;
    };
    let mut merged: Vec<Entry> = Vec::with_capacity(own.len() + below.len());
    for mut entry in below {
        if let Some(at) = own.iter().position(|e| e.key == entry.key) {
            let mut over = own.remove(at);
            // A mapping over a mapping adds to it, anything else replaces it.
            lay_under(&mut over.value, entry.value);
            entry = over;
        }
        merged.push(entry);
    }
    merged.append(own);
    *own = merged;
}
