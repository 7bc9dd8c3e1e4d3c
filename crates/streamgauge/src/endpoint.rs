//! The scrape endpoint of a run.

use streamgauge_export::{Health, Identity, Routes, Running, Server, process};
use streamgauge_metrics::Registry;

use crate::Fault;
use crate::config::Config;

/// What `/ready` waits for.
const COMPONENTS: [&str; 2] = ["source", "sink"];

/// The endpoint, if one is configured.
#[derive(Debug)]
pub(crate) struct Endpoint {
    health: Health,
    running: Option<Running>,
}

impl Endpoint {
    /// Binds the configured address and answers from now on; nothing is ready yet.
    ///
    /// # Errors
    /// If the address is taken or cannot be bound.
    pub(crate) fn start(config: &Config, registry: &Registry) -> Result<Self, Fault> {
        let health = Health::default();
        for component in COMPONENTS {
            health.register(component, "not open");
        }
        let Some(wanted) = &config.prometheus else { return Ok(Endpoint { health, running: None }) };
        let address = wanted.address;
        let mut bound = Server::bind(&address.ip().to_string(), address.port())
            .map_err(|e| Fault::While(format!("observability.prometheus.endpoint.port: {e}")))?;
        if let Some(file) = &wanted.web_config_file {
            bound = bound
                .with_web_config(file)
                .map_err(|e| Fault::Before(format!("observability.prometheus.endpoint.web_config_file: {e}")))?;
        }
        let tasks = process::install(registry).map_err(|e| Fault::While(e.to_string()))?;
        let service = &config.service;
        let landing = Identity { name: service.name.clone(), version: service.version.clone() };
        let routes = Routes {
            metrics_path: wanted.path.clone(),
            landing: Some(landing),
            tasks,
            ..Routes::new(registry.clone(), health.clone())
        };
        let running =
            bound.start(routes).map_err(|e| Fault::Before(format!("observability.prometheus.endpoint: {e}")))?;
        Ok(Endpoint { health, running: Some(running) })
    }

    /// Where components tell how they are.
    pub(crate) fn health(&self) -> Health {
        self.health.clone()
    }

    /// Source and sinks are open.
    pub(crate) fn ready(&self) {
        for component in COMPONENTS {
            self.health.set_ready(component);
        }
    }

    /// Lets answers that are under way come to their end, and stops.
    pub(crate) fn stop(self) {
        if let Some(running) = self.running {
            running.shutdown();
        }
    }
}
