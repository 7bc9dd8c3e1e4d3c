//! `--set dotted.path=YAML`: a value put into the tree before anything is judged.

use streamgauge_yaml::{self as yaml, Entry, Fault, Faults, Node, Place, Tree};

/// Puts one argument's value where its path says, creating the mappings on the way.
pub(crate) fn apply(root: &mut Node, argument: &str, faults: &mut Faults) {
    let place = Place::Set(argument.into());
    let Some((path, yaml)) = split(argument) else {
        return faults.push(Fault::new(&place, "", "expected dotted.path=YAML such as source.file.speed=60"));
    };
    let Some(value) = yaml::parse_as(yaml, &place, faults) else { return };
    let found = path.split('.').try_fold(root, |at, name| step(at, name, &place));
    match found {
        Ok(at) => *at = value,
        Err(what) => faults.push(Fault::new(&place, path, what)),
    }
}

fn split(argument: &str) -> Option<(&str, &str)> {
    argument.split_once('=').filter(|(path, _)| path.split('.').all(|name| !name.is_empty()))
}

fn step<'a>(node: &'a mut Node, name: &str, place: &Place) -> Result<&'a mut Node, String> {
    if matches!(node.tree, Tree::Null) {
        *node = Node { place: place.clone(), tree: Tree::Map(Vec::new()) };
    }
    match &mut node.tree {
        Tree::Map(entries) => Ok(entry(entries, name, place)),
        Tree::List(items) => {
            let count = items.len();
            let item = name.parse::<usize>().ok().and_then(|index| items.get_mut(index));
            item.ok_or_else(|| format!("the list has {count} items; expected an index below that, not \"{name}\""))
        }
        _ => Err(format!("there is no place for \"{name}\": what stands before it is a single value")),
    }
}

fn entry<'a>(entries: &'a mut Vec<Entry>, name: &str, place: &Place) -> &'a mut Node {
    let at = entries.iter().position(|e| e.key == name).unwrap_or_else(|| {
        let value = Node { place: place.clone(), tree: Tree::Null };
        entries.push(Entry { key: name.to_owned(), place: place.clone(), value });
        entries.len() - 1
    });
    &mut entries[at].value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(yaml: &str, argument: &str) -> Result<String, String> {
        let mut faults = Faults::new("f");
        let mut root = yaml::parse(yaml, &mut faults).unwrap();
        apply(&mut root, argument, &mut faults);
        faults.settle(Some(format!("{root:?}"))).map_err(|faults| faults.to_string())
    }

    #[test]
    fn a_value_replaces_what_was_there_and_makes_its_way() {
        assert!(set("a: {b: 1}", "a.b=2").unwrap().contains("Scalar(\"2\")"));
        assert!(set("", "a.b.c=[x]").unwrap().contains("Scalar(\"x\")"));
        assert!(set("a: [{b: 1}]", "a.0.b=2").unwrap().contains("Scalar(\"2\")"));
    }

    #[test]
    fn a_path_that_leads_nowhere_is_a_fault() {
        assert!(set("a: [1]", "a.1=2").unwrap_err().contains("the list has 1 items"));
        assert!(set("a: 1", "a.b=2").unwrap_err().contains("there is no place"));
        assert!(set("a: 1", "a").unwrap_err().contains("expected dotted.path=YAML"));
        assert!(set("a: 1", "a..b=1").unwrap_err().contains("expected dotted.path=YAML"));
    }
}
