//! What the file system has to say: inputs that are there and can be read, headers that fit.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use streamgauge_flow::{Format, Mapping};

use super::super::{Input, Pattern, is_compressed};

/// A header is looked for in this many bytes.
const HEADER_BYTES: u64 = 64 * 1024;

/// What an entry of `paths` stands for: standard input, a file, or all files of a glob. A file that is `followed` may still
/// have to come.
pub(super) fn inputs(text: &str, followed: bool) -> Result<Vec<Input>, String> {
    if text == "-" {
        return Ok(vec![Input::Stdin]);
    }
    let pattern = Pattern::new(text);
    let mut files = pattern.files()?;
    if followed {
        files.retain(|file| !is_compressed(file));
    } else if files.is_empty() && !pattern.is_path() {
        return Err(format!("\"{text}\" matches no file; expected at least one"));
    }
    // What is wrong with the one path is told by opening it.
    if pattern.is_path() && (!followed || Path::new(text).is_dir()) {
        files = vec![text.into()];
    }
    for file in &files {
        readable(file)?;
    }
    Ok(files.into_iter().map(Input::File).collect())
}

fn readable(path: &Path) -> Result<(), String> {
    let shown = path.display();
    if path.is_dir() {
        return Err(format!(
            "\"{shown}\" is a folder; expected a file, or a glob such as {}",
            path.join("*").display()
        ));
    }
    // Opening a pipe would wait for its writer, so only what is stored is opened.
    let opened = std::fs::metadata(path).and_then(|m| if m.is_file() { File::open(path).map(drop) } else { Ok(()) });
    opened.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            format!("\"{shown}\" does not exist; expected a file, seen from the working directory")
        }
        _ => format!("\"{shown}\" cannot be read: {error}; expected a readable file"),
    })
}

/// The extensions that matter, in lower case: of the format, and of the compression around it.
pub(super) fn extensions(path: &str) -> (Option<String>, Option<String>) {
    let extension = |p: &Path| p.extension().map(|e| e.to_string_lossy().to_lowercase());
    let path = Path::new(path);
    match extension(path) {
        Some(outer) if outer == "gz" || outer == "zst" => (extension(&path.with_extension("")), Some(outer)),
        inner => (inner, None),
    }
}

/// The format that a name tells, of a file or of a glob.
pub(super) fn format_of(name: &OsStr) -> Option<Format> {
    match extensions(&name.to_string_lossy()).0.as_deref() {
        Some("ndjson" | "jsonl" | "json") => Some(Format::Ndjson),
        Some("csv") => Some(Format::Csv),
        _ => None,
    }
}

/// Checks that a CSV file has the mapped columns. An empty file has no events, so it needs no header; the header of a file
/// that is `followed` may still be in writing.
pub(super) fn check_header(path: &Path, mapping: &Mapping, followed: bool) -> Result<(), String> {
    if !path.is_file() {
        return Ok(());
    }
    let head = head(path).map_err(|e| format!("cannot be read: {e}; expected a readable file"))?;
    match record(&head) {
        [] => Ok(()),
        header if followed && head.ends_with(header) => Ok(()),
        header => streamgauge_flow::check_csv_header(header, mapping).map_err(|e| e.0),
    }
}

fn head(path: &Path) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    let reader: Box<dyn Read> = match extensions(&path.to_string_lossy()).1.as_deref() {
        Some("gz") => Box::new(MultiGzDecoder::new(file)),
        Some("zst") => Box::new(zstd::Decoder::new(file)?),
        _ => Box::new(file),
    };
    let mut head = Vec::new();
    reader.take(HEADER_BYTES).read_to_end(&mut head)?;
    Ok(head)
}

/// The first record that is not an empty line: a line end inside quotes does not end it.
fn record(bytes: &[u8]) -> &[u8] {
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    let start = bytes.iter().position(|b| !matches!(b, b'\n' | b'\r')).unwrap_or(bytes.len());
    let bytes = &bytes[start..];
    let mut quoted = false;
    let end = bytes.iter().position(|&b| {
        quoted ^= b == b'"';
        b == b'\n' && !quoted
    });
    &bytes[..end.unwrap_or(bytes.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_ends_with_its_line_unless_that_is_quoted() {
        assert_eq!(record(b"a,b\r\n1,2\n"), b"a,b\r");
        assert_eq!(record(b"\"a\nb\",c\n1,2\n"), b"\"a\nb\",c");
        assert_eq!(record("\u{feff}\n\na".as_bytes()), b"a");
        assert_eq!(record(b"\n"), b"");
    }

    #[test]
    fn a_name_tells_the_format_also_before_a_compression() {
        let format = |name: &str| format_of(OsStr::new(name));
        assert_eq!(format("a.csv"), Some(Format::Csv));
        assert_eq!(format("a.b/c.CSV.gz"), Some(Format::Csv));
        assert_eq!(format("a.jsonl.zst"), Some(Format::Ndjson));
        assert_eq!(format("a.gz"), None);
        assert_eq!(format("csv"), None);
    }
}
