//! The mapped JSON Pointers as a tree, so that one walk over a document finds them all.

use crate::pointer::Pointer;

/// Which node of the tree a value in the document stands at.
pub(super) type NodeId = u16;

/// A tree of names; its root is the document.
#[derive(Debug)]
pub(super) struct Paths {
    nodes: Vec<Node>,
}

/// A place in the document that is mapped, or leads to one that is.
#[derive(Debug, Default)]
pub(super) struct Node {
    /// The slot of the pointer that ends here.
    pub slot: Option<usize>,
    /// The slots below, which a repeated value here takes back.
    pub below: Vec<usize>,
    children: Vec<Child>,        // ordered by the length of the name
    first_of_length: Vec<usize>, // for each length: the first child with a name that long or longer
}

#[derive(Debug)]
struct Child {
    name: Box<[u8]>,
    node: NodeId,
}

impl Paths {
    pub(super) const ROOT: NodeId = 0;

    /// The tree of distinct pointers; the slot of each is its index.
    pub(super) fn new(pointers: &[Pointer]) -> Self {
        let mut paths = Paths { nodes: vec![Node::default()] };
        for (slot, pointer) in pointers.iter().enumerate() {
            let mut at = Self::ROOT;
            for token in pointer.tokens() {
                paths.nodes[usize::from(at)].below.push(slot);
                at = paths.child_or_new(at, token.as_bytes());
            }
            paths.nodes[usize::from(at)].slot = Some(slot);
        }
        paths.nodes.iter_mut().for_each(Node::index);
        paths
    }

    pub(super) fn node(&self, id: NodeId) -> &Node {
        &self.nodes[usize::from(id)]
    }

    fn child_or_new(&mut self, at: NodeId, name: &[u8]) -> NodeId {
        let known = self.node(at).children.iter().find(|c| *c.name == *name);
        if let Some(child) = known {
            return child.node;
        }
        // A mapping names at most a few dozen places: configuration files are bounded far below 65,536 tokens.
        let node = NodeId::try_from(self.nodes.len()).unwrap_or(NodeId::MAX);
        self.nodes.push(Node::default());
        self.nodes[usize::from(at)].children.push(Child { name: name.into(), node });
        node
    }
}

impl Node {
    /// The child of this name. Names are told apart by length first: most names in a document are not mapped.
    #[inline]
    pub(super) fn child(&self, name: &[u8]) -> Option<NodeId> {
        let first = *self.first_of_length.get(name.len())?;
        self.children[first..]
            .iter()
            .take_while(|c| c.name.len() == name.len())
            .find(|c| same(&c.name, name))
            .map(|c| c.node)
    }

    /// An index that no child has, nor any larger one.
    pub(super) fn beyond_indexes(&self) -> usize {
        let longest = u32::try_from(self.first_of_length.len()).unwrap_or(u32::MAX);
        10_usize.saturating_pow(longest.saturating_sub(1))
    }

    pub(super) fn is_leaf(&self) -> bool {
        self.children.is_empty()
    }

    fn index(&mut self) {
        self.children.sort_by_key(|c| c.name.len());
        let longest = self.children.last().map_or(0, |c| c.name.len());
        let first = |length| self.children.partition_point(|c| c.name.len() < length);
        self.first_of_length = (0..=longest).map(first).collect();
    }
}

/// Whether two names of one length are the same. Names are short: two overlapping words are compared without a call.
#[inline]
fn same(a: &[u8], b: &[u8]) -> bool {
    match a.len() {
        4..8 => a.first_chunk::<4>() == b.first_chunk::<4>() && a.last_chunk::<4>() == b.last_chunk::<4>(),
        8..=16 => a.first_chunk::<8>() == b.first_chunk::<8>() && a.last_chunk::<8>() == b.last_chunk::<8>(),
        _ => a == b,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_every_length_are_told_apart_at_every_byte() {
        for length in 0..40 {
            let name: Vec<u8> = (0..length).collect();
            assert!(same(&name, &name.clone()));
            for at in 0..name.len() {
                let mut other = name.clone();
                other[at] ^= 0x80;
                assert!(!same(&name, &other), "length {length}, byte {at}");
            }
        }
    }
}
