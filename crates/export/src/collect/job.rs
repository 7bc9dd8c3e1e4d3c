//! What the thread of a run does, and how that may fail.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use super::metrics::Reason;
use super::run::Run;
use super::{Endpoint, Member, lock};

/// Why a run brought nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    Late,
    Error(String),
    Panic(String),
    Stuck,
}

/// A run on its way to a thread, or there.
pub(super) struct Job {
    member: Arc<Member>,
    run: Arc<Run>,
    endpoint: Endpoint,
}

impl Failure {
    pub(super) const fn reason(&self) -> Reason {
        match self {
            Self::Late => Reason::Deadline,
            Self::Error(_) => Reason::Error,
            Self::Panic(_) => Reason::Panic,
            Self::Stuck => Reason::Stuck,
        }
    }
}

impl Job {
    pub(super) fn start(member: Arc<Member>, run: Arc<Run>, endpoint: Endpoint) {
        let job = Self { member, run, endpoint };
        tokio::task::spawn_blocking(move || job.run.end(job.outcome()));
    }

    fn outcome(&self) -> Result<(), Failure> {
        // All threads may have been busy for so long that nobody waits.
        if self.run.is_given_up() {
            return Err(Failure::Late);
        }
        let apply = contain(|| (self.member.collector.collect)(self.run.until, self.endpoint.clone()))??;
        let came = Instant::now();
        if !self.run.claim(came) {
            return Err(Failure::Late);
        }
        contain(apply)?;
        lock(&self.member.state).good = Some(came);
        Ok(())
    }
}

/// However the job goes, also unrun with its runtime, its collector is free again.
impl Drop for Job {
    fn drop(&mut self) {
        self.run.end(Err(Failure::Late));
    }
}

/// Runs code of the caller, whose panics go no further.
fn contain<T>(code: impl FnOnce() -> T) -> Result<T, Failure> {
    catch_unwind(AssertUnwindSafe(code)).map_err(|panic| Failure::Panic(text(&*panic)))
}

fn text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no text").to_owned()
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Late => f.write_str("it was not done in time"),
            Self::Error(error) => f.write_str(error),
            Self::Panic(text) => write!(f, "it panicked: {text}"),
            Self::Stuck => f.write_str("it is still busy with a scrape that could not wait for it"),
        }
    }
}
