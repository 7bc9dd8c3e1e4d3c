//! Programs that do the same job, and what each run of them cost.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use crate::cost::{self, Cost, median, quantile};
use crate::jobs::{self, Input, Job};
use crate::leftovers;
use crate::scrape;

/// A program with a job.
pub struct Contender {
    /// What it is called in the tables.
    pub name: String,
    /// Where its rows go.
    pub rows: PathBuf,
    /// What each run cost.
    pub costs: Vec<Cost>,
    /// Pages that were scraped while it ran, over all runs.
    pub pages: u32,
    command: Vec<String>,
    all_cores: bool,
    port: Option<u16>,
    state: Option<PathBuf>,
}

/// All metrics on and scraped every second, on one core.
pub const SCRAPED: Way = Way { all_cores: false, scraped: true, durable: false };

/// What a command begins with that is to run on the first core.
pub const ONE_CORE: [&str; 3] = ["taskset", "-c", "0"];

/// How streamgauge is run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Way {
    /// On as many cores as there are, else on one.
    pub all_cores: bool,
    /// With the endpoint, which is scraped every second.
    pub scraped: bool,
    /// With state in a folder.
    pub durable: bool,
}

impl Contender {
    /// streamgauge, in one way. Files of its own are named after it and stand in `folder`.
    ///
    /// # Errors
    /// If the configuration cannot be written.
    pub fn streamgauge(
        name: &str,
        program: &Path,
        job: Job,
        input: &Input,
        way: Way,
        folder: &Path,
    ) -> Result<Self, Box<dyn Error>> {
        let own = |kind: &str| folder.join(format!("{}-{}{kind}", name.replace([' ', ','], "-"), job.name()));
        let (rows, path, state) = (own(".rows.ndjson"), own(".yaml"), own(".state"));
        let port = if way.scraped { Some(scrape::free_port()?) } else { None };
        let mut text = port.map_or_else(|| jobs::UNSCRAPED.to_owned(), jobs::scraped_at);
        text += &job.configuration(input, &rows);
        if way.durable {
            text += &jobs::durable_in(&state);
            // Rows of a run that is gone on with are never cut: the file is to be a new one.
            text = text.replace("existing: truncate", "existing: refuse");
        }
        fs::write(&path, text)?;
        let command = words([program, Path::new("run"), Path::new("--config"), &path]);
        let state = way.durable.then_some(state);
        let all_cores = way.all_cores;
        Ok(Contender { name: name.to_owned(), rows, costs: Vec::new(), pages: 0, command, all_cores, port, state })
    }

    /// Another program, on one core, which is told the job, the input and where the rows go.
    #[must_use]
    pub fn other(name: &str, program: &[PathBuf], job: Job, input: &Path, folder: &Path) -> Self {
        let rows = folder.join(format!("{}-{}.rows.ndjson", name.replace([' ', ','], "-"), job.name()));
        let command = words(program.iter().map(PathBuf::as_path).chain([Path::new(job.name()), input, &rows]));
        let (name, costs) = (name.to_owned(), Vec::new());
        Contender { name, rows, costs, pages: 0, command, all_cores: false, port: None, state: None }
    }

    /// What is run, on whatever cores.
    #[must_use]
    pub fn command(&self) -> &[String] {
        &self.command
    }

    /// Runs it once more, and notes what that cost.
    ///
    /// # Errors
    /// If it fails.
    pub fn run(&mut self) -> Result<Cost, Box<dyn Error>> {
        leftovers::remove_rows(&self.rows)?;
        if let Some(state) = &self.state {
            leftovers::remove_state(state)?;
        }
        let pinned: &[&str] = if self.all_cores { &[] } else { &ONE_CORE };
        let command: Vec<String> = pinned.iter().map(|word| (*word).to_owned()).chain(self.command.clone()).collect();
        let cost = match self.port {
            Some(port) => {
                let (cost, pages) = scrape::during(port, || cost::run(&command));
                self.pages += pages;
                cost?
            }
            None => cost::run(&command)?,
        };
        self.costs.push(cost);
        Ok(cost)
    }

    /// The median of a part of what it cost.
    #[must_use]
    pub fn median(&self, part: fn(&Cost) -> f64) -> f64 {
        median(&self.costs, part)
    }
}

/// Runs each once, and again, so that all of them see the same of what else goes on.
///
/// # Errors
/// If one fails.
pub fn in_turn(contenders: &mut [Contender], rounds: usize) -> Result<(), Box<dyn Error>> {
    (0..rounds).try_for_each(|_| contenders.iter_mut().try_for_each(|contender| contender.run().map(|_| ())))
}

/// How much more of something one needed than another: the median of the rounds, each by itself, since what two runs of a round see is closest.
#[must_use]
pub fn ratio(more: &Contender, less: &Contender, part: fn(&Cost) -> f64) -> f64 {
    quantile(more.costs.iter().zip(&less.costs).map(|(more, less)| part(more) / part(less)), 0.5)
}

fn words<'a>(paths: impl IntoIterator<Item = &'a Path>) -> Vec<String> {
    paths.into_iter().map(|path| path.to_string_lossy().into_owned()).collect()
}
