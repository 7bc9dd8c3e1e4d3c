//! One input as a stream of plain bytes.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;
use std::rc::Rc;

use flate2::bufread::MultiGzDecoder;

use crate::config::Input;

const BUFFER: usize = 64 * 1024;
/// Frames that were packed with a long window still open: 2 GiB, the most that the format's own tool allows.
const LONGEST_WINDOW_LOG: u32 = 31;

/// An open input.
pub(crate) struct Reader {
    bytes: Box<dyn Read>,
    stored: Rc<Cell<u64>>,
}

/// Counts what passes.
struct Counted<R> {
    inner: R,
    count: Rc<Cell<u64>>,
}

impl Reader {
    /// Opens an input; its name tells how it is packed.
    pub(crate) fn open(input: &Input) -> io::Result<Self> {
        let stored = Rc::new(Cell::new(0));
        let count = Rc::clone(&stored);
        let bytes: Box<dyn Read> = match input {
            Input::Stdin => Box::new(Counted { inner: io::stdin(), count }),
            Input::File(path) => unpacked(path, Counted { inner: File::open(path)?, count })?,
        };
        Ok(Reader { bytes, stored })
    }

    /// Reads some bytes; 0 at the end.
    pub(crate) fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.bytes.read(into) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }

    /// How many bytes have been taken from the input as it is stored.
    pub(crate) fn stored(&self) -> u64 {
        self.stored.get()
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(into)?;
        self.count.set(self.count.get() + count as u64);
        Ok(count)
    }
}

fn unpacked(path: &Path, file: Counted<File>) -> io::Result<Box<dyn Read>> {
    let is = |ending: &str| path.extension().is_some_and(|e| e.eq_ignore_ascii_case(ending));
    Ok(if is("gz") {
        Box::new(MultiGzDecoder::new(BufReader::with_capacity(BUFFER, file)))
    } else if is("zst") {
        let mut decoder = zstd::Decoder::with_buffer(BufReader::with_capacity(BUFFER, file))?;
        decoder.window_log_max(LONGEST_WINDOW_LOG)?;
        Box::new(decoder)
    } else {
        Box::new(file)
    })
}
