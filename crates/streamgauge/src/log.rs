//! Log lines on stderr, as text or JSON.

use std::io::{self, Write};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;

use crate::LogFormat;
use crate::progress::Bar;

const LEVEL_VARIABLE: &str = "RUST_LOG";

/// Starts logging: everything from `info` up, or what the environment variable `RUST_LOG` asks for.
///
/// # Errors
/// If that variable cannot be understood.
pub(crate) fn start(format: LogFormat, bar: &Bar) -> Result<(), String> {
    let filter = filter(std::env::var(LEVEL_VARIABLE).ok().as_deref())?;
    let writer = Stderr(bar.clone());
    let layer = tracing_subscriber::fmt::layer().with_ansi(false).with_target(false);
    let layer = match format {
        LogFormat::Text => layer.with_writer(writer).boxed(),
        LogFormat::Json => layer.json().flatten_event(true).with_writer(writer).boxed(),
    };
    let subscriber = tracing_subscriber::registry().with(layer.with_filter(filter));
    // Refused only in a program that embeds this one and logs by itself: its choice stands.
    let _ = tracing::subscriber::set_global_default(subscriber);
    Ok(())
}

fn filter(wanted: Option<&str>) -> Result<Targets, String> {
    match wanted {
        None | Some("") => Ok(Targets::new().with_default(LevelFilter::INFO)),
        Some(text) => text.parse().map_err(|e| {
            format!("{LEVEL_VARIABLE}={text:?} is not a list of log levels: {e}; try {LEVEL_VARIABLE}=debug")
        }),
    }
}

/// Writes each line past the progress bar, and leaves nothing in it that could steer a terminal or forge a line.
#[derive(Clone, Debug)]
struct Stderr(Bar);

impl<'a> MakeWriter<'a> for Stderr {
    type Writer = Stderr;
    fn make_writer(&'a self) -> Stderr {
        self.clone()
    }
}

impl Write for Stderr {
    // The formatter hands over one whole line per call.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        let clean = escape_controls(text.strip_suffix('\n').unwrap_or(&text)) + "\n";
        self.0.suspend(|| io::stderr().write_all(clean.as_bytes()))?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The text with every control character written as an escape.
pub(crate) fn escape_controls(text: &str) -> String {
    if !text.contains(is_steering) {
        return text.to_owned();
    }
    let mut clean = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_steering(c) {
            clean.extend(c.escape_default());
        } else {
            clean.push(c);
        }
    }
    clean
}

/// Control characters, the line separators of Unicode, and what turns the writing direction around.
fn is_steering(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_shown_instead_of_obeyed() {
        assert_eq!(escape_controls("a\x1b[2Jb\nc\u{9b}\u{7f}"), "a\\u{1b}[2Jb\\nc\\u{9b}\\u{7f}");
        assert_eq!(escape_controls("\u{202e}gpj.exe"), "\\u{202e}gpj.exe");
    }

    #[test]
    fn other_text_stays_as_it_is() {
        assert_eq!(escape_controls("ключ \"ü\" 日本 \\"), "ключ \"ü\" 日本 \\");
    }

    #[test]
    fn the_level_is_info_unless_asked_otherwise() {
        for unset in [None, Some("")] {
            let filter = filter(unset).unwrap();
            assert!(filter.would_enable("streamgauge", &tracing::Level::INFO));
            assert!(!filter.would_enable("streamgauge", &tracing::Level::DEBUG));
        }
        let filter = filter(Some("streamgauge=debug")).unwrap();
        assert!(filter.would_enable("streamgauge", &tracing::Level::DEBUG));
    }

    #[test]
    fn a_level_that_does_not_exist_is_refused() {
        let refused = filter(Some("streamgauge=loud")).unwrap_err();
        assert!(refused.contains("RUST_LOG"), "{refused}");
    }
}
