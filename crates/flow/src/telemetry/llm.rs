//! What LLM requests are counted as, model by model.

use std::sync::Arc;

use streamgauge_metrics::{Counter, Family, FloatCounter, Histogram, LabelSet, LabelValue, Metrics};

use crate::decode::{Event, Number};
use crate::same::same;
use crate::settings::LlmFields;

/// The metrics of LLM requests: of those that were processed.
#[derive(Metrics, Clone, Debug)]
#[metrics(prefix = "llm")]
pub struct LlmMetrics {
    /// Requests processed, by model.
    pub requests_total: Family<Counter, ByModel>,
    /// Tokens of the requests, by model and kind.
    pub tokens_total: Family<FloatCounter, ByToken>,
    /// What the requests cost in US dollars, by model.
    pub cost_usd_total: Family<FloatCounter, ByModel>,
    /// How long the requests took, by model, in milliseconds.
    #[metrics(buckets = [10.0, 50.0, 100.0, 250.0, 500.0, 1000.0, 2500.0, 5000.0, 10_000.0, 30_000.0, 60_000.0, 120_000.0, 300_000.0], unit = "ms")]
    pub request_duration_ms: Family<Histogram, ByModel>,
    /// Time from a request to the first token of its answer, by model, in milliseconds.
    #[metrics(buckets = [10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 750.0, 1000.0, 2500.0, 5000.0, 10_000.0, 30_000.0, 60_000.0], unit = "ms")]
    pub time_to_first_token_ms: Family<Histogram, ByModel>,
}

/// The model: the first 50 seen, then `other`.
#[derive(LabelSet, Clone, Debug, PartialEq, Eq, Hash)]
pub struct ByModel {
    /// Its name.
    pub model: Arc<str>,
}

/// The model, and which tokens.
#[derive(LabelSet, Clone, Debug, PartialEq, Eq, Hash)]
pub struct ByToken {
    /// The model's name.
    pub model: Arc<str>,
    /// Which tokens.
    pub kind: TokenKind,
}

/// Which tokens of a request.
#[derive(LabelValue, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenKind {
    /// Those of the prompt.
    Input,
    /// Those of the answer.
    Output,
}

/// What happened since the metrics moved last.
#[derive(Debug)]
pub(crate) struct LlmTally {
    fields: LlmFields,
    metrics: LlmMetrics,
    models: Vec<ModelTally>,
    last: usize, // a model often follows itself
}

/// The numbers of one model and the handles they go to.
#[derive(Debug)]
struct ModelTally {
    name: Arc<str>,
    requests: u64,
    input_tokens: f64,
    output_tokens: f64,
    cost_usd: f64,
    durations: Vec<f64>,
    first_tokens: Vec<f64>,
    handles: Handles,
}

#[derive(Debug)]
struct Handles {
    requests: Counter,
    input_tokens: FloatCounter,
    output_tokens: FloatCounter,
    cost_usd: FloatCounter,
    duration: Histogram,
    first_token: Histogram,
}

/// Models beyond this many are counted as `other`: a label's values are a closed set.
const MAX_MODELS: usize = 50;
const OTHER: usize = 0;

impl LlmTally {
    pub(crate) fn new(fields: LlmFields, metrics: LlmMetrics) -> Self {
        let models = vec![ModelTally::new("other", &metrics)];
        LlmTally { fields, metrics, models, last: OTHER }
    }

    /// A request was processed.
    pub(crate) fn count(&mut self, event: &Event<'_>) {
        let name = event.string(self.fields.model);
        if !same(self.models[self.last].name.as_bytes(), name.as_bytes()) {
            self.last = self.find_or_add(name);
        }
        let number = |field| event.number(field).map(as_double);
        let model = &mut self.models[self.last];
        model.requests += 1;
        model.input_tokens += number(self.fields.input_tokens).unwrap_or(0.0);
        model.output_tokens += number(self.fields.output_tokens).unwrap_or(0.0);
        model.cost_usd += number(self.fields.cost_usd).unwrap_or(0.0);
        model.durations.extend(number(self.fields.duration_ms));
        model.first_tokens.extend(number(self.fields.time_to_first_token_ms));
    }

    fn find_or_add(&mut self, name: &str) -> usize {
        if let Some(known) = self.models.iter().position(|model| *model.name == *name) {
            return known;
        }
        if self.models.len() > MAX_MODELS {
            return OTHER;
        }
        self.models.push(ModelTally::new(name, &self.metrics));
        self.models.len() - 1
    }

    /// Moves the metrics.
    pub(crate) fn record(&mut self) {
        self.models.iter_mut().filter(|model| model.requests > 0).for_each(ModelTally::record);
    }
}

impl ModelTally {
    fn new(name: &str, metrics: &LlmMetrics) -> Self {
        let name: Arc<str> = name.into();
        let labels = ByModel { model: Arc::clone(&name) };
        let tokens = |kind| metrics.tokens_total.handle(&ByToken { model: Arc::clone(&name), kind });
        let handles = Handles {
            requests: metrics.requests_total.handle(&labels),
            input_tokens: tokens(TokenKind::Input),
            output_tokens: tokens(TokenKind::Output),
            cost_usd: metrics.cost_usd_total.handle(&labels),
            duration: metrics.request_duration_ms.handle(&labels),
            first_token: metrics.time_to_first_token_ms.handle(&labels),
        };
        ModelTally {
            name,
            requests: 0,
            input_tokens: 0.0,
            output_tokens: 0.0,
            cost_usd: 0.0,
            durations: Vec::new(),
            first_tokens: Vec::new(),
            handles,
        }
    }

    fn record(&mut self) {
        self.handles.requests.inc_by(std::mem::take(&mut self.requests));
        self.handles.input_tokens.inc_by(std::mem::take(&mut self.input_tokens));
        self.handles.output_tokens.inc_by(std::mem::take(&mut self.output_tokens));
        self.handles.cost_usd.inc_by(std::mem::take(&mut self.cost_usd));
        self.durations.drain(..).for_each(|duration| self.handles.duration.observe(duration));
        self.first_tokens.drain(..).for_each(|time| self.handles.first_token.observe(time));
    }
}

fn as_double(number: Number) -> f64 {
    match number {
        Number::Whole(whole) => whole as f64,
        Number::Double(double) => double,
    }
}
