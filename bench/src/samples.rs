//! Where time goes, by parts of the work: perf asks a thousand times a second and more where the program is. Other than a count of
//! instructions, this has in it what is waited for, and what the kernel does for the program.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::contender::ONE_CORE;
use crate::instructions;
use crate::stages::{REST, Sums, Symbols};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// How often is asked, in a second of CPU time. No divisor of anything.
const RATE: u32 = 4_999;
/// What the kernel does, told by functions that it passes through on the way.
const KERNEL: [(&str, &[&str]); 4] = [
    ("the kernel: page faults", &["exc_page_fault"]),
    ("the kernel: reading", &["vfs_read", "ksys_read", "ksys_pread64"]),
    ("the kernel: writing", &["vfs_write", "ksys_write", "fsync"]),
    ("the kernel: waking and sleeping", &["futex", "schedule", "epoll", "nanosleep"]),
];
const KERNEL_ELSE: &str = "the kernel: the rest";
const LIBRARIES: &str = "the C library: copies, comparisons, memory";

/// All parts that are not of the program, in their order.
pub fn names() -> impl Iterator<Item = &'static str> {
    [LIBRARIES].into_iter().chain(KERNEL.iter().map(|(name, _)| *name)).chain([KERNEL_ELSE])
}

/// Whether perf can be asked on this machine.
#[must_use]
pub fn are_there(folder: &Path) -> bool {
    record(&["true".to_owned()], &folder.join("perf.data")).is_ok()
}

/// Nanoseconds of CPU time by part, of a command that runs `program` on one core.
///
/// # Errors
/// If perf fails, or says something that is not understood.
pub fn nanos(command: &[String], program: &Path, folder: &Path, symbols: &mut Symbols) -> Outcome<Sums> {
    let data = folder.join("perf.data");
    record(command, &data)?;
    let fields = ["script", "--show-mmap-events", "-F", "ip,sym,dso", "-i"];
    let told = Command::new("perf").args(fields).arg(&data).output()?;
    let name = program.canonicalize()?.to_string_lossy().into_owned();
    let mut image = Image::read(program)?;
    let mut sums = Sums::new();
    for sample in String::from_utf8_lossy(&told.stdout).split("\n\n") {
        image.mapped(sample, &name)?;
        let frames: Vec<Frame<'_>> = sample.lines().filter_map(Frame::read).collect();
        let Some(first) = frames.first() else { continue };
        let part = if first.file == name {
            symbols.part(image.address(first.address)).unwrap_or_else(|| REST.into())
        } else {
            beyond(first, &frames).into()
        };
        *sums.entry(part).or_default() += 1e9 / f64::from(RATE);
    }
    if sums.is_empty() {
        return Err(format!("perf tells no samples: {}", String::from_utf8_lossy(&told.stderr)).into());
    }
    Ok(sums)
}

/// What is done outside the program.
fn beyond(first: &Frame<'_>, frames: &[Frame<'_>]) -> &'static str {
    if !first.file.starts_with("[kernel") {
        return LIBRARIES;
    }
    let passes = |through: &[&str]| frames.iter().any(|frame| through.iter().any(|name| frame.function.contains(name)));
    KERNEL.iter().find(|(_, through)| passes(through)).map_or(KERNEL_ELSE, |(name, _)| name)
}

/// A line of a sample: where the program was, or where it was called from.
struct Frame<'a> {
    address: u64,
    function: &'a str,
    file: &'a str,
}

impl<'a> Frame<'a> {
    /// Such as `    5721f3 some::function (/usr/bin/program)`; None: the line is about something else.
    fn read(line: &'a str) -> Option<Self> {
        let (address, rest) = line.strip_prefix(['\t', ' '])?.trim_start().split_once(' ')?;
        let (function, file) = rest.strip_suffix(')')?.rsplit_once(" (")?;
        Some(Frame { address: u64::from_str_radix(address, 16).ok()?, function, file })
    }
}

/// Where the code of a program stands in its file and in memory. perf tells places in the one or in the other, as its version likes;
/// debugging information knows neither, but where the linker wanted it to be.
struct Image {
    /// Of each piece: its place in the file, where the linker wanted it, its length.
    pieces: Vec<(u64, u64, u64)>,
    /// Where the code is in memory, its length, its place in the file.
    mapped: Option<(u64, u64, u64)>,
}

impl Image {
    /// Reads the headers of an ELF file of 64 bits and little endian.
    fn read(program: &Path) -> Outcome<Self> {
        const PIECE: u64 = 1; // PT_LOAD
        let bytes = fs::read(program)?;
        let number = |at: usize, length: usize| {
            let bytes = bytes.get(at..at + length).ok_or("the program's file ends too early")?;
            Ok::<u64, Box<dyn Error>>(bytes.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
        };
        if !bytes.starts_with(b"\x7fELF\x02\x01") {
            return Err("the program is no ELF file of 64 bits".into());
        }
        let (table, size, count) = (number(32, 8)? as usize, number(54, 2)? as usize, number(56, 2)? as usize);
        let mut pieces = Vec::new();
        for header in (0..count).map(|piece| table + piece * size) {
            if number(header, 4)? == PIECE {
                pieces.push((number(header + 8, 8)?, number(header + 16, 8)?, number(header + 32, 8)?));
            }
        }
        Ok(Image { pieces, mapped: None })
    }

    /// Takes note where in memory the program is, if that is told.
    fn mapped(&mut self, text: &str, program: &str) -> Outcome<()> {
        let Some(line) = text.lines().find(|line| line.starts_with("PERF_RECORD_MMAP") && line.ends_with(program))
        else {
            return Ok(());
        };
        // PERF_RECORD_MMAP2 1/1: [0x5630760ab000(0x5d1000) @ 0x154000 fe:00 7292793 2180276150]: r-xp /usr/bin/program
        let words =
            line.split_once("[0x").map(|(_, rest)| rest.split(['(', ')', ' ', '@']).filter(|word| !word.is_empty()));
        let mut numbers =
            words.into_iter().flatten().map(|word| u64::from_str_radix(word.trim_start_matches("0x"), 16));
        let mut next = || Ok::<u64, Box<dyn Error>>(numbers.next().ok_or_else(|| format!("perf says {line}"))??);
        self.mapped = Some((next()?, next()?, next()?));
        Ok(())
    }

    fn address(&self, told: u64) -> u64 {
        let in_file = match self.mapped {
            Some((start, length, offset)) if (start..start + length).contains(&told) => told - start + offset,
            _ => told,
        };
        let piece = self.pieces.iter().find(|(offset, _, length)| (*offset..offset + length).contains(&in_file));
        piece.map_or(in_file, |(offset, wanted, _)| in_file - offset + wanted)
    }
}

fn record(command: &[String], data: &Path) -> Outcome<()> {
    let [taskset, arguments @ ..] = ONE_CORE;
    let mut recording = Command::new(taskset);
    recording
        .args(arguments)
        .args(["perf", "record", "-q", "-g", "-e", "cpu-clock", "-F", &RATE.to_string(), "-o"])
        .arg(data);
    instructions::run(recording.arg("--").args(command))
}

#[cfg(test)]
mod tests {
    use super::{Frame, Image, KERNEL_ELSE, LIBRARIES, beyond};

    #[test]
    fn a_place_in_the_file_and_one_in_memory_are_the_same_place_of_the_program() {
        let mut image = Image { pieces: vec![(0, 0, 0x1548b0), (0x1548c0, 0x1558c0, 0x5cf8f0)], mapped: None };
        let told = "PERF_RECORD_MMAP2 1/1: [0x5630760ab000(0x5d1000) @ 0x154000 fe:00 72 21]: r-xp /usr/bin/program";
        image.mapped(told, "/usr/bin/program").expect("it is understood");
        assert_eq!(image.mapped, Some((0x5630_760a_b000, 0x5d_1000, 0x15_4000)));
        assert_eq!(image.address(0x5721f3), 0x5731f3);
        assert_eq!(image.address(0x5630_760a_b000 + 0x5721f3 - 0x15_4000), 0x5731f3);
    }

    #[test]
    fn what_the_kernel_does_is_told_by_what_it_passes_through() {
        let sample =
            "\tffff81 _copy ([kernel.kallsyms])\n\tffff82 vfs_read ([kernel.kallsyms])\n\t f8 read (/lib/libc.so.6)";
        let frames: Vec<Frame<'_>> = sample.lines().filter_map(Frame::read).collect();
        assert_eq!((frames[0].address, frames[2].function, frames[2].file), (0xff_ff81, "read", "/lib/libc.so.6"));
        assert_eq!(beyond(&frames[0], &frames), "the kernel: reading");
        assert_eq!(beyond(&frames[0], &frames[..1]), KERNEL_ELSE);
        assert_eq!(beyond(&frames[2], &frames[2..]), LIBRARIES);
    }
}
