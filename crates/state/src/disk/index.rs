//! Where in the file each row is. Values stay there: whoever runs has them in another form already.

use std::collections::BTreeMap;

use streamgauge_flow::state::{Change, Changes, Size};

/// What a row takes in `Changes` besides name, number and value: its kind, and two lengths.
const OVERHEAD: u64 = 1 + 2 + 8;

/// The rows of the promoted epoch.
#[derive(Debug, Default)]
pub(crate) struct Index {
    tables: BTreeMap<Box<[u8]>, BTreeMap<u64, Spot>>,
    live: u64,
    rows: u64,
}

/// Where a value stands, and what tells it from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spot {
    pub(crate) at: u64,
    pub(crate) length: u64,
    pub(crate) checksum: u32,
}

/// Changes of an index, for when their epoch is promoted.
#[derive(Debug, Default)]
pub(crate) struct Edits(Vec<Edit>);

#[derive(Debug)]
enum Edit {
    Put(Box<[u8]>, u64, Spot),
    Delete(Box<[u8]>, u64),
    Drop(Box<[u8]>),
}

impl Edits {
    /// What changes that stand at the byte `at` of a file do. None if the bytes are no changes; then it says where.
    pub(crate) fn read(bytes: &[u8], at: u64) -> Result<Self, u64> {
        let mut edits = Vec::new();
        let mut changes = Changes::read(bytes);
        while let Some(change) = changes.next() {
            let change = change.map_err(|wrong| at + wrong.at as u64)?;
            let end = at + changes.read_so_far() as u64;
            edits.push(match change {
                Change::Put { table, row, value } => {
                    // The value is what the change ends with.
                    let length = value.len() as u64;
                    let spot = Spot { at: end - length, length, checksum: crc32fast::hash(value) };
                    Edit::Put(table.into(), row, spot)
                }
                Change::Delete { table, row } => Edit::Delete(table.into(), row),
                Change::Drop { table } => Edit::Drop(table.into()),
            });
        }
        Ok(Edits(edits))
    }
}

impl Index {
    pub(crate) fn apply(&mut self, edits: Edits) {
        for edit in edits.0 {
            match edit {
                Edit::Put(table, row, spot) => self.put(table, row, spot),
                Edit::Delete(table, row) => self.delete(&table, row),
                Edit::Drop(table) => self.drop_table(&table),
            }
        }
    }

    /// The rows in ascending order of table, then row.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u8], u64, Spot)> {
        self.tables.iter().flat_map(|(table, rows)| rows.iter().map(|(row, spot)| (&**table, *row, *spot)))
    }

    /// How much a reader would be handed; where it is stored is for others to say.
    pub(crate) fn size(&self) -> Size {
        Size { live: self.live, stored: 0, rows: self.rows, tables: self.tables.len() as u64 }
    }

    /// How many bytes a file takes that holds these rows and nothing else, but for the heads of its frames.
    pub(crate) fn packed(&self) -> u64 {
        self.live + self.rows * OVERHEAD
    }

    fn put(&mut self, table: Box<[u8]>, row: u64, spot: Spot) {
        self.live += weight(&table, spot);
        let name = table.len();
        let before = self.tables.entry(table).or_default().insert(row, spot);
        match before {
            Some(before) => self.live -= (name + size_of::<u64>()) as u64 + before.length,
            None => self.rows += 1,
        }
    }

    fn delete(&mut self, table: &[u8], row: u64) {
        let Some(rows) = self.tables.get_mut(table) else { return };
        if let Some(spot) = rows.remove(&row) {
            self.live -= weight(table, spot);
            self.rows -= 1;
        }
        if rows.is_empty() {
            self.tables.remove(table);
        }
    }

    fn drop_table(&mut self, table: &[u8]) {
        let Some(rows) = self.tables.remove(table) else { return };
        self.rows -= rows.len() as u64;
        self.live -= rows.values().map(|spot| weight(table, *spot)).sum::<u64>();
    }
}

fn weight(table: &[u8], spot: Spot) -> u64 {
    (table.len() + size_of::<u64>()) as u64 + spot.length
}
