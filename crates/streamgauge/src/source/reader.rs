//! One input as a stream of plain bytes.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use std::rc::Rc;

use flate2::bufread::MultiGzDecoder;

use super::place::head_of;
use crate::config::Input;

const BUFFER: usize = 64 * 1024;
/// Frames that were packed with a long window still open: 2 GiB, the most that the format's own tool allows.
const LONGEST_WINDOW_LOG: u32 = 31;

/// An open input.
pub(crate) struct Reader {
    bytes: Box<dyn Read>,
    stored: Rc<Cell<u64>>,
    plain: Option<u64>, // the size of a plain file when it was opened
    head: Vec<u8>,      // of a file, as it is stored
}

/// Counts what passes.
struct Counted<R> {
    inner: R,
    count: Rc<Cell<u64>>,
}

impl Reader {
    /// Opens an input, of a file at the byte `offset` of what is packed in it; its name tells how that is packed.
    pub(crate) fn open(input: &Input, offset: u64) -> io::Result<Self> {
        let stored = Rc::new(Cell::new(0));
        let count = Rc::clone(&stored);
        let Input::File(path) = input else {
            let bytes = Box::new(Counted { inner: io::stdin(), count });
            return Ok(Reader { bytes, stored, plain: None, head: Vec::new() });
        };
        let mut file = File::open(path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            let bytes = unpacked(path, Counted { inner: file, count })?;
            return Ok(Reader { bytes, stored, plain: None, head: Vec::new() });
        }
        let head = head_of(&file)?;
        let plain = !is(path, "gz") && !is(path, "zst");
        if plain {
            file.seek(SeekFrom::Start(offset))?;
            count.set(offset);
        }
        let bytes = unpacked(path, Counted { inner: file, count })?;
        let mut reader = Reader { bytes, stored, plain: plain.then_some(metadata.len()), head };
        if !plain {
            reader.skip(offset)?;
        }
        Ok(reader)
    }

    /// The first bytes of a file, as they are stored.
    pub(crate) fn head(&self) -> &[u8] {
        &self.head
    }

    /// What is packed cannot be entered in the middle.
    fn skip(&mut self, bytes: u64) -> io::Result<()> {
        let skipped = io::copy(&mut self.bytes.by_ref().take(bytes), &mut io::sink())?;
        if skipped < bytes {
            let what = format!("it has {skipped} bytes now, and {bytes} of it had been read");
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, what));
        }
        Ok(())
    }

    /// At the end: makes sure that the file was not cut short while it was read. What is packed notices by itself.
    pub(crate) fn check_end(&self) -> io::Result<()> {
        match self.plain {
            Some(size) if self.stored() < size => {
                let what = format!("it was truncated while it was read: it had {size} bytes when it was opened");
                Err(io::Error::new(io::ErrorKind::UnexpectedEof, what))
            }
            _ => Ok(()),
        }
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

fn is(path: &Path, ending: &str) -> bool {
    path.extension().is_some_and(|e| e.eq_ignore_ascii_case(ending))
}

fn unpacked(path: &Path, file: Counted<File>) -> io::Result<Box<dyn Read>> {
    Ok(if is(path, "gz") {
        Box::new(MultiGzDecoder::new(BufReader::with_capacity(BUFFER, file)))
    } else if is(path, "zst") {
        let mut decoder = zstd::Decoder::with_buffer(BufReader::with_capacity(BUFFER, file))?;
        decoder.window_log_max(LONGEST_WINDOW_LOG)?;
        Box::new(decoder)
    } else {
        Box::new(file)
    })
}
