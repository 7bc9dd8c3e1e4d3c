//! Programs that do the same job, and what each run of them cost.

use std::error::Error;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::cost::{self, Cost, median};
use crate::jobs::{self, Job};
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
    port: Option<u16>,
    state: Option<PathBuf>,
}

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
        input: &Path,
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
        let command = words(&[program, Path::new("run"), Path::new("--config"), &path]);
        let state = way.durable.then_some(state);
        let command = if way.all_cores { command } else { pinned(command) };
        Ok(Contender { name: name.to_owned(), rows, costs: Vec::new(), pages: 0, command, port, state })
    }

    /// Another program, on one core, which is told the job, the input and where the rows go.
    #[must_use]
    pub fn other(name: &str, program: &[&Path], job: Job, input: &Path, folder: &Path) -> Self {
        let rows = folder.join(format!("{name}-{}.rows.ndjson", job.name()));
        let command = pinned(words(&[program, &[Path::new(job.name()), input, &rows]].concat()));
        Contender { name: name.to_owned(), rows, costs: Vec::new(), pages: 0, command, port: None, state: None }
    }

    /// Runs it once more, and notes what that cost.
    ///
    /// # Errors
    /// If it fails.
    pub fn run(&mut self) -> Result<Cost, Box<dyn Error>> {
        if let Some(state) = &self.state {
            for leftover in [fs::remove_file(&self.rows), fs::remove_dir_all(state)] {
                leftover.or_else(|error| if error.kind() == ErrorKind::NotFound { Ok(()) } else { Err(error) })?;
            }
        }
        let cost = match self.port {
            Some(port) => {
                let (cost, pages) = scrape::during(port, || cost::run(&self.command));
                self.pages += pages;
                cost?
            }
            None => cost::run(&self.command)?,
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

/// On the first core.
fn pinned(command: Vec<String>) -> Vec<String> {
    ["taskset", "-c", "0"].map(str::to_owned).into_iter().chain(command).collect()
}

fn words(paths: &[&Path]) -> Vec<String> {
    paths.iter().map(|path| path.to_string_lossy().into_owned()).collect()
}
