//! Labels and help from hostile sources: they come back as they were, in every format, and no
//! line of theirs becomes one of the page.

use std::io::Read;

use streamgauge_metrics::{Counter, Desc, Family, Limits, Options, Registry};

use crate::client::{Answer, ask_with};
use crate::{alone, serve_registry};

const HELP: &str = "Say \"hi\" \\ and\n# TYPE evil counter\nevil 1\r\u{0}\u{2028}\u{1b}[31m";
const PROTO: &str = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited";

fn hostile() -> Vec<String> {
    let mut values: Vec<String> = [
        "\"",
        "\\",
        "\\\\\"\\n",
        "a\nb",
        "a\r\nb",
        "\u{0}",
        "\u{2028}\u{2029}\u{85}",
        "\u{1b}]0;owned\u{7}",
        "\"} 1\nevil_total 1\n# EOF\n",
        "\n# TYPE evil counter\nevil_total{a=\"",
        "<img src=x onerror=alert(1)>",
        "\u{feff}\u{202e}\u{10ffff}",
        "",
    ]
    .map(str::to_owned)
    .into();
    values.push("\\\"\n\u{e9}".repeat((1 << 20) / 5));
    values
}

fn registry() -> Registry {
    let limits = Limits { max_value_chars: 2 << 20, ..Limits::default() };
    let registry = Registry::with_options(Options { limits, ..Options::default() }).unwrap();
    let seen: Family<Counter> =
        registry.register(Desc::of::<Family<Counter>>("seen_total", HELP).with_labels(["what"])).unwrap();
    for value in hostile() {
        seen.get_or_create(&[("what", value.as_str())]).inc();
    }
    registry
}

/// The text of a line from behind an opening quote to the closing one.
fn unquoted(text: &str) -> String {
    let (mut out, mut chars) = (String::new(), text.chars());
    loop {
        match chars.next().expect("a quote ends") {
            '"' => return out,
            '\\' => out.push(unescaped(chars.next())),
            plain => out.push(plain),
        }
    }
}

fn unescaped(character: Option<char>) -> char {
    match character {
        Some('n') => '\n',
        Some(character @ ('\\' | '"')) => character,
        other => panic!("no escape: {other:?}"),
    }
}

/// A field of a protobuf message that is a string.
fn field(number: u8, text: &str) -> Vec<u8> {
    let (mut out, mut length) = (vec![number << 3 | 2], text.len());
    while length > 0x7f {
        out.push(u8::try_from(length & 0x7f).unwrap() | 0x80);
        length >>= 7;
    }
    out.push(u8::try_from(length).unwrap());
    out.extend(text.as_bytes());
    out
}

fn plain(answer: Answer) -> Vec<u8> {
    match answer.header("content-encoding") {
        None => answer.bytes,
        Some("zstd") => zstd::decode_all(&answer.bytes[..]).unwrap(),
        Some("gzip") => {
            let mut page = Vec::new();
            flate2::read::GzDecoder::new(&answer.bytes[..]).read_to_end(&mut page).unwrap();
            page
        }
        Some(other) => panic!("{other}"),
    }
}

fn is_in_lines(page: &str, open_metrics: bool) {
    let lines = || page.split('\n');
    let mut values: Vec<_> = lines().filter_map(|line| line.strip_prefix("seen_total{what=\"")).map(unquoted).collect();
    let mut expected = hostile();
    values.sort();
    expected.sort();
    assert!(values == expected, "{} values", values.len());
    let help = lines().find_map(|line| line.strip_prefix("# HELP seen")).unwrap();
    let help = help.strip_prefix("_total").unwrap_or(help).strip_prefix(' ').unwrap();
    let escaped = HELP.replace('\\', "\\\\").replace('\n', "\\n");
    assert_eq!(help, if open_metrics { escaped.replace('"', "\\\"") } else { escaped });
    let own = |line: &str| ["# ", "seen_total{what=\""].iter().any(|start| line.starts_with(start));
    assert!(lines().all(|line| line.is_empty() || own(line)));
    assert!(!lines().any(|line| line.starts_with("evil") || line.starts_with("# TYPE evil")));
    assert_eq!(lines().filter(|line| *line == "# EOF").count(), usize::from(open_metrics));
}

#[test]
fn hostile_labels_and_help_come_back_as_they_were_in_every_format() {
    let _alone = alone();
    let running = serve_registry(&registry());
    for encoding in ["identity", "gzip", "zstd"] {
        let page = |accept: &str| {
            let headers = format!("accept: {accept}\r\naccept-encoding: {encoding}\r\n");
            let answer = ask_with(running.local_addr(), "GET", "/metrics?name[]=seen_total", &headers);
            assert_eq!(answer.status, 200);
            plain(answer)
        };
        for accept in ["text/plain;version=0.0.4", "text/plain;version=1.0.0;escaping=allow-utf-8"] {
            is_in_lines(&String::from_utf8(page(accept)).unwrap(), false);
        }
        for version in ["0.0.1", "1.0.0"] {
            let accept = format!("application/openmetrics-text;version={version}");
            is_in_lines(&String::from_utf8(page(&accept)).unwrap(), true);
        }
        let message = page(PROTO);
        let holds = |part: &[u8]| message.windows(part.len()).any(|window| window == part);
        assert!(holds(&field(2, HELP)));
        for value in hostile() {
            let pair = [field(1, "what"), field(2, &value)].concat();
            assert!(holds(&pair), "{:?}", value.chars().take(20).collect::<String>());
        }
    }
}
