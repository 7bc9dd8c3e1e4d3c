//! The medians of all rounds, as a table.

use crate::contender::{Contender, Outcome};
use crate::row::Row;
use std::collections::BTreeMap;

const LEGEND: &str = "\
Updates: ns an operation, 1 thread / 2 threads on the same series. Snapshots: CPU us of the reader, 8 writers idle / hot; where a crate has
none, its whole text. Pages: the same for snapshot and text, of those who write text themselves. –: no means for it. *: does less than asked, and is no best rival: prometheus tells label values apart by a hash alone;
the histograms of fastmetrics and fast-telemetry are torn, the latter's take whole numbers; fast-telemetry has one enum label a metric.";

/// What was measured, by row and crate.
#[derive(Default)]
pub struct Report {
    seen: BTreeMap<(Row, &'static str), Vec<[f64; 2]>>,
}

impl Report {
    /// Takes in what a process printed.
    pub fn add(&mut self, name: &'static str, printed: &str) -> Outcome {
        for line in printed.lines() {
            let [key, first, second] = line.split('\t').collect::<Vec<_>>()[..] else {
                return Err(format!("{name} printed {line:?}").into());
            };
            let row = Row::of(key).ok_or_else(|| format!("{name} printed an unknown row: {line:?}"))?;
            self.seen.entry((row, name)).or_default().push([first.parse()?, second.parse()?]);
        }
        Ok(())
    }

    /// Prints it all: first whether there were two cores, then a row for each kind of work.
    pub fn print(&self, contenders: &[Contender]) {
        let columns: Vec<_> = contenders.iter().filter(|contender| contender.name != "empty").collect();
        let empty = self.median(Row::Empty, "empty");
        if let Some([one, two]) = empty {
            let verdict = cores(two / one);
            println!("\nempty loop: {one:.3} ns with one thread, {two:.3} ns with two at once. {verdict}\n");
        }
        print_heading(&columns);
        for row in Row::ALL.into_iter().filter(|row| *row != Row::Empty) {
            self.print_row(row, &columns, empty);
        }
        println!("\n{LEGEND}");
    }

    fn print_row(&self, row: Row, columns: &[&Contender], empty: Option<[f64; 2]>) {
        print!("{:<34}", row.title());
        for contender in columns {
            let mark = if contender.less.contains(&row) { "*" } else { "" };
            let cell = self.median(row, contender.name).map(|pair| text(row, pair) + mark);
            print!("{:>18}", cell.unwrap_or_else(|| "–".to_owned()));
        }
        let ours = self.median(row, "streamgauge");
        let ratio = ours.filter(|_| row.is_update()).zip(empty);
        let ratio = ratio.map(|([one, two], [empty, _])| format!("{:.1} / {:.1}", one / empty, two / empty));
        let best = [0, 1].map(|which| self.best_rival(row, which, columns));
        println!("{:>20}  {}", ratio.unwrap_or_default(), verdict(row, ours, best));
    }

    /// Whoever is first in the first or in the second number, and does no less than the others.
    fn best_rival<'a>(&self, row: Row, which: usize, columns: &[&'a Contender]) -> Option<(&'a str, f64)> {
        let rivals = columns.iter().filter(|rival| rival.name != "streamgauge" && !rival.less.contains(&row));
        let seen = rivals.filter_map(|rival| Some((rival.name, self.median(row, rival.name)?[which])));
        seen.min_by(|(_, a), (_, b)| a.total_cmp(b))
    }

    fn median(&self, row: Row, name: &'static str) -> Option<[f64; 2]> {
        let seen = self.seen.get(&(row, name))?;
        let middle = |which: usize| {
            let mut sorted: Vec<f64> = seen.iter().map(|pair| pair[which]).collect();
            sorted.sort_by(f64::total_cmp);
            sorted[sorted.len() / 2]
        };
        Some([middle(0), middle(1)])
    }
}

fn print_heading(columns: &[&Contender]) {
    print!("{:<34}", "");
    for contender in columns {
        print!("{:>18}", contender.name);
    }
    println!("{:>20}  best rival (ours to it)", "ours / empty loop");
}

fn cores(ratio: f64) -> String {
    let verdict = if ratio < 1.2 { "had two cores" } else { "did NOT have two cores: do not trust the second numbers" };
    format!("That is {ratio:.2} times: two threads {verdict}.")
}

/// The best in the first number, then, if it is another, the best in the second.
fn verdict(row: Row, ours: Option<[f64; 2]>, best: [Option<(&str, f64)>; 2]) -> String {
    let [Some((first, one)), Some((second, two))] = best else { return String::new() };
    let names = if first == second { first.to_owned() } else { format!("{first} / {second}") };
    let ratio = ours.map(|ours| format!(" ({:.2} / {:.2})", ours[0] / one, ours[1] / two));
    format!("{names}: {}{}", text(row, [one, two]), ratio.unwrap_or_default())
}

fn text(row: Row, [first, second]: [f64; 2]) -> String {
    match row {
        Row::CounterBytes | Row::HistogramBytes | Row::SummaryBytes => format!("{first:.0}"),
        Row::CounterSnapshot | Row::HistogramSnapshot | Row::CounterPage | Row::LargePage | Row::HistogramPage => {
            format!("{first:.0} / {second:.0}")
        }
        _ => format!("{} / {}", short(first), short(second)),
    }
}

fn short(nanos: f64) -> String {
    if nanos < 10.0 { format!("{nanos:.2}") } else { format!("{nanos:.1}") }
}
