//! usage: tax --program BINARY --noop BINARY [--events N] [--pairs N] [--folder DIR]
//!
//! What it costs to be observed: CPU time of the first job with all metrics on and a scrape every second, over that of a build whose
//! metrics do nothing. The two run in turn, in the order ABBA, so that a machine that becomes slower or faster favours neither; each
//! pair is a ratio of its own.

use std::error::Error;

use streamgauge_bench::arguments::Arguments;
use streamgauge_bench::contender::{Contender, SCRAPED, Way};
use streamgauge_bench::cost::quantile;
use streamgauge_bench::events;
use streamgauge_bench::jobs::{Input, Job};

fn main() -> Result<(), Box<dyn Error>> {
    const USAGE: &str = "tax --program BINARY --noop BINARY [--events N] [--pairs N] [--folder DIR]";
    let Some(arguments) = Arguments::read(USAGE)? else { return Ok(()) };
    let (events, pairs, folder) =
        (arguments.number("--events", 1_000_000)?, arguments.number("--pairs", 30)?, arguments.folder()?);
    let input = Input::One(events::file(&folder, events)?);
    let contender = |name: &str, program: &str, way: Way| {
        Contender::streamgauge(name, &arguments.needed(program)?, Job::A, &input, way, &folder)
    };
    let mut observed = contender("observed", "--program", SCRAPED)?;
    let mut unobserved = contender("unobserved", "--noop", Way::default())?;
    for pair in 0..pairs {
        let order = if pair % 2 == 0 { [&mut observed, &mut unobserved] } else { [&mut unobserved, &mut observed] };
        for contender in order {
            contender.run()?;
        }
    }
    let both = observed.costs.iter().zip(&unobserved.costs);
    let taxes: Vec<f64> = both.map(|(with, without)| (with.cpu_seconds / without.cpu_seconds - 1.0) * 100.0).collect();
    let tax = |share| quantile(taxes.iter().copied(), share);
    println!(
        "The tax of being observed, job A, {events} events a run, {pairs} pairs of runs, {} scrapes: {:+.1} % of CPU time, the median; half \
         of the pairs say {:+.1} to {:+.1} %, all of them {:+.1} to {:+.1} %.",
        observed.pages,
        tax(0.5),
        tax(0.25),
        tax(0.75),
        tax(0.0),
        tax(1.0)
    );
    Ok(())
}
