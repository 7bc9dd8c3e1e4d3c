//! Runs a model, as it is or with something broken.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic;

use loom::model::Builder;

use crate::breaks;
use crate::cell::arena::Copied;
use crate::sync::Step;

/// What threads do to each other, and what is to come of it.
pub(crate) struct Model {
    pub(crate) name: &'static str,
    /// How often a thread can be interrupted where it did not have to wait.
    pub(crate) preemptions: usize,
    pub(crate) own: Own,
    /// Fewer executions than this, and loom did not look.
    pub(crate) executions: u64,
    /// All of these ways to a copy must occur.
    pub(crate) copies: &'static [Copied],
    pub(crate) run: fn(),
}

/// How an owner reads its cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Own {
    /// Past loom, which would take it for a reader and forget the others.
    Hidden,
    /// As a load, that can miss what another owner stored before.
    Loaded,
}

/// What is not as it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Break {
    /// An ordering is Relaxed, a fence is not there, a condition is not asked.
    At(Step),
    /// Locks exclude and do not order.
    Locks,
    /// The end of the last reference is not behind the ends of the others.
    References,
}

#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) executions: u64,
    /// What went wrong first.
    pub(crate) fault: Option<String>,
    direct: u64,
    undone: u64,
    helped: u64,
    /// Everything that was passed and could have been broken.
    passed: Vec<Break>,
}

// All threads of a model are run by the thread that checks it, so these are the model's own.
thread_local! {
    static BROKEN: Cell<Option<Break>> = const { Cell::new(None) };
    static OWN: Cell<Own> = const { Cell::new(Own::Hidden) };
    static OUTCOME: RefCell<Outcome> = RefCell::default();
}

struct Found;

impl Model {
    /// Runs it as it ships.
    pub(crate) fn passes(&self) {
        let outcome = self.run(None);
        assert_eq!(outcome.fault, None, "{}: {outcome:?}", self.name);
        assert!(outcome.executions >= self.executions, "{}: {} executions are few", self.name, outcome.executions);
        let unlisted: Vec<_> = outcome.passed.iter().filter(|place| !breaks::is_listed(**place)).collect();
        assert!(unlisted.is_empty(), "nobody breaks {unlisted:?}");
        for way in self.copies {
            assert!(outcome.count(*way) > 0, "{}: no copy was {way:?}", self.name);
        }
    }

    pub(crate) fn run(&self, broken: Option<Break>) -> Outcome {
        BROKEN.set(broken);
        OWN.set(self.own);
        OUTCOME.take();
        let mut builder = Builder::new();
        builder.preemption_bound = Some(self.preemptions);
        builder.max_branches = 20_000;
        let run = self.run;
        let done = panic::catch_unwind(panic::AssertUnwindSafe(|| builder.check(move || execute(run))));
        BROKEN.set(None);
        let mut outcome = OUTCOME.take();
        if let Err(payload) = done {
            outcome.fault.get_or_insert_with(|| told(&*payload));
        }
        outcome
    }
}

impl Outcome {
    fn count(&self, way: Copied) -> u64 {
        match way {
            Copied::Direct => self.direct,
            Copied::Undone => self.undone,
            Copied::Helped => self.helped,
        }
    }
}

fn execute(run: fn()) {
    OUTCOME.with_borrow_mut(|outcome| outcome.executions += 1);
    run();
    if OUTCOME.with_borrow(|outcome| outcome.fault.is_some()) {
        // Nothing of the model is left here that would have to be dropped in a panic.
        panic::resume_unwind(Box::new(Found));
    }
}

fn told(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().cloned();
    text.or_else(|| payload.downcast_ref::<&str>().map(ToString::to_string)).unwrap_or_default()
}

/// What a model demands. It does not panic: loom's threads would have to be unwound one by one.
pub(crate) fn must(condition: bool, fault: impl FnOnce() -> String) {
    if !condition {
        OUTCOME.with_borrow_mut(|outcome| {
            outcome.fault.get_or_insert_with(fault);
        });
    }
}

/// Notes how a copy came about.
pub(crate) fn note(way: Copied) {
    OUTCOME.with_borrow_mut(|outcome| match way {
        Copied::Direct => outcome.direct += 1,
        Copied::Undone => outcome.undone += 1,
        Copied::Helped => outcome.helped += 1,
    });
}

pub(crate) fn is_broken(place: Break) -> bool {
    OUTCOME.with_borrow_mut(|outcome| {
        if !outcome.passed.contains(&place) {
            outcome.passed.push(place);
        }
    });
    BROKEN.get() == Some(place)
}

pub(crate) fn own() -> Own {
    OWN.get()
}
