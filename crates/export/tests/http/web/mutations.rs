//! Files that nobody wrote: bytes and lines of good ones, changed at random.

use super::{Folder, example};

const CASES: usize = 3000;

/// A small generator with a fixed start: a failure is the same on the next run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit.max(1) as u64).unwrap()
    }
}

fn good() -> Vec<String> {
    let mut good: Vec<_> = ["tls", "mtls", "basic-auth", "bearer"].map(example).into();
    good.push("http_server_config:\n  http2: false\n  headers:\n    X-Frame-Options: deny\n".to_owned());
    good.push("rate_limit:\n  interval: 1s\n  burst: 3\n".to_owned());
    good
}

fn mutate(text: &str, chance: &mut Chance) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for _ in 0..=chance.below(4) {
        let at = chance.below(bytes.len());
        match chance.below(5) {
            0 => bytes.truncate(at),
            1 => bytes.insert(at, b":{}[]&*!|>'\"#-\n\t 0"[chance.below(18)]),
            2 if !bytes.is_empty() => drop(bytes.remove(at)),
            3 if !bytes.is_empty() => bytes[at] ^= 1 << chance.below(8),
            _ => {
                let lines: Vec<_> = text.lines().collect();
                bytes.extend(lines[chance.below(lines.len())].bytes().chain(*b"\n"));
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[test]
fn no_file_makes_the_reader_panic_and_every_fault_is_of_the_file() {
    let (folder, good) = (Folder::new(), good());
    let mut chance = Chance(0x9e37_79b9_7f4a_7c15);
    let mut taken = 0;
    for _ in 0..CASES {
        let text = mutate(&good[chance.below(good.len())], &mut chance);
        match folder.judge(&text) {
            Ok(()) => taken += 1,
            Err(faults) => assert!(faults.lines().all(|fault| fault.contains("web.yml")), "{faults}"),
        }
    }
    assert!(taken > CASES / 100 && taken < CASES, "changes that hurt and changes that do not: {taken}");
}

#[test]
fn a_key_that_is_unknown_is_never_taken_wherever_it_stands() {
    let (folder, good) = (Folder::new(), good());
    let mut chance = Chance(7);
    for _ in 0..CASES / 10 {
        let text = &good[chance.below(good.len())];
        // In front of any line that begins with a key, with the same depth: a key of the same mapping.
        let lines: Vec<_> = text.lines().collect();
        let keys: Vec<_> = (0..lines.len()).filter(|at| is_key(lines[*at])).collect();
        let at = keys[chance.below(keys.len())];
        let depth = lines[at].len() - lines[at].trim_start().len();
        let unknown = format!("{:depth$}x{}: 1", "", chance.below(1_000_000));
        let mut changed = lines.clone();
        changed.insert(at, &unknown);
        let found = folder.judge(&changed.join("\n")).expect_err(&changed.join("\n"));
        assert!(found.contains(unknown.trim().trim_end_matches(": 1")), "{found}");
    }
}

fn is_key(line: &str) -> bool {
    let line = line.trim_start();
    !line.starts_with(['#', '-']) && line.contains(':')
}
