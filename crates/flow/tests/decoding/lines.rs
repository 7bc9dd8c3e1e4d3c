//! Lines to decode: made from a grammar that likes the odd cases, then damaged.

/// A generator with a fixed seed (splitmix64), so that a failure comes back.
pub(crate) struct Random(pub u64);

impl Random {
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((z ^ (z >> 31)) % limit as u64).unwrap()
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }
}

const NAMES: &[&str] = &[
    "id",
    "time",
    "text",
    "number",
    "deep",
    "a",
    "b",
    "other",
    "",
    "\\u0069d",
    "numbe\\u0072",
    "te\\ud800xt",
    "é",
    "a name that is longer than any that is mapped",
];
const STRINGS: &[&str] = &[
    "",
    "ok",
    "2024-01-01T00:00:00Z",
    "é",
    "ключ",
    "😀",
    "\\n",
    "\\\"",
    "\\u00e9",
    "\\ud83d\\ude00",
    "\\ud800",
    "\\udc00",
    "\\ud800\\ud800",
    "\\u12",
    "\\x",
    "a\u{1}b",
    "\t",
    "\\u0000",
    "12345678\\\\",
    "1234567\\\"",
    "exactly8",
    "a string that takes more than one look of eight bytes, with an é in it",
];
const NUMBERS: &[&str] = &[
    "0",
    "-0",
    "1",
    "42",
    "-17",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "1.5",
    "1e3",
    "1E+2",
    "1e-7",
    "1e400",
    "-1e400",
    "0.1e1",
    "123456789012345678901234567890",
    "01",
    "1.",
    ".5",
    "+1",
    "1e",
    "-",
    "NaN",
    "1.7976931348623157e308",
    "4.9e-324",
    "2.2250738585072011e-308",
];

/// A line, valid more often than not.
pub(crate) fn line(random: &mut Random) -> Vec<u8> {
    let mut out = match random.below(30) {
        0 => nested(random),
        1 => value(random, 0),
        _ => object(random, 0),
    };
    if random.below(12) == 0 {
        out.insert_str(0, random.pick(&[" ", "\t", "\r ", "\u{a0}"]));
    }
    let mut bytes = out.into_bytes();
    if random.below(3) == 0 {
        (0..=random.below(3)).for_each(|_| damage(random, &mut bytes));
    }
    bytes.retain(|byte| *byte != b'\n');
    bytes
}

fn object(random: &mut Random, depth: usize) -> String {
    let mut members = vec![];
    for name in ["id", "time"].into_iter().filter(|_| depth == 0) {
        if random.below(8) > 0 {
            let value = if name == "id" { "\"x\"" } else { "\"2024-01-01T00:00:00Z\"" };
            members.push(format!("\"{name}\":{value}"));
        }
    }
    for _ in 0..random.below(6) {
        let (name, blank) = (random.pick(NAMES), random.pick(&["", "", " ", "\t"]));
        members.push(format!("{blank}\"{name}\"{blank}:{blank}{}{blank}", value(random, depth + 1)));
    }
    format!("{{{}}}", members.join(","))
}

fn value(random: &mut Random, depth: usize) -> String {
    match random.below(if depth > 4 { 7 } else { 10 }) {
        0..=2 => format!("\"{}{}\"", random.pick(STRINGS), random.pick(STRINGS)),
        3..=5 => random.pick(NUMBERS).to_owned(),
        6 => random.pick(&["true", "false", "null", "null", "tru", "nulll"]).to_owned(),
        7..=8 => object(random, depth + 1),
        _ => {
            let values: Vec<_> = (0..random.below(4)).map(|_| value(random, depth + 1)).collect();
            format!("[{}]", values.join(", "))
        }
    }
}

/// Containers nested about as deep as is allowed.
fn nested(random: &mut Random) -> String {
    let depth = 124 + random.below(8);
    let (open, close) = [("[", "]"), ("{\"a\":", "}")][random.below(2)];
    format!("{{\"id\":\"x\",\"time\":\"2024-01-01T00:00:00Z\",\"a\":{}1{}}}", open.repeat(depth), close.repeat(depth))
}

fn damage(random: &mut Random, line: &mut Vec<u8>) {
    const PIECES: &[&[u8]] = &[
        b"\\",
        b"\"",
        b"\\u12",
        b"\\ud800",
        b"\x01",
        b"\x7f",
        b"\x80",
        b"\xff",
        b"\xc3\xa9",
        b"\xed\xa0\x80",
        b"null",
        b"-",
        b"0",
        b".",
        b"e",
        b" ",
        b"\r",
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b":",
        b"\0",
    ];
    if line.is_empty() {
        return;
    }
    let at = random.below(line.len());
    let piece = PIECES[random.below(PIECES.len())];
    match random.below(5) {
        0 => line[at] ^= 1 << random.below(8),
        1 => line.truncate(at),
        2 => drop(line.drain(at..(at + 1 + random.below(5)).min(line.len()))),
        3 => line.splice(at..at, piece.iter().copied()).for_each(drop),
        _ => {
            let copy = line[at..(at + 1 + random.below(30)).min(line.len())].to_vec();
            line.splice(at..at, copy).for_each(drop);
        }
    }
}
