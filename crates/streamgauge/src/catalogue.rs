//! The catalogue: every metric that this binary can export.

use std::fmt::Write;

use clap::ValueEnum;
use serde_json::{Value, json};
use streamgauge_metrics::Desc;

use crate::metrics;

/// How the catalogue is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CatalogueFormat {
    /// A JSON array, one object a metric.
    Json,
    /// A Markdown table.
    Markdown,
}

/// The catalogue as text.
pub fn render(format: CatalogueFormat) -> String {
    let mut descs = metrics::describe();
    descs.sort_by(|a, b| a.name().cmp(b.name()));
    match format {
        CatalogueFormat::Json => {
            let list: Value = descs.iter().map(entry).collect();
            format!("{list:#}\n")
        }
        CatalogueFormat::Markdown => table(&descs),
    }
}

fn entry(desc: &Desc) -> Value {
    json!({
        "name": desc.name(),
        "type": desc.kind().as_str(),
        "unit": desc.unit(),
        "labels": labels(desc),
        "help": desc.help(),
    })
}

fn labels(desc: &Desc) -> Vec<&str> {
    desc.labels().iter().map(|label| &*label.name).collect()
}

fn table(descs: &[Desc]) -> String {
    let mut out = "| metric | type | labels | help |\n|---|---|---|---|\n".to_owned();
    for desc in descs {
        let (name, kind) = (desc.name(), desc.kind());
        let labels = labels(desc).join(", ");
        let help = desc.help().replace('|', "\\|").replace('\n', " ");
        // Writing to a String cannot fail.
        let _ = writeln!(out, "| `{name}` | {kind} | {labels} | {help} |");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_formats_list_the_same_metrics() {
        let json: Value = serde_json::from_str(&render(CatalogueFormat::Json)).unwrap();
        let markdown = render(CatalogueFormat::Markdown);
        let metrics = json.as_array().unwrap();
        assert_eq!(metrics.len(), markdown.lines().count() - 2);
        for metric in metrics {
            assert!(markdown.contains(&format!("| `{}` |", metric["name"].as_str().unwrap())));
        }
    }
}
