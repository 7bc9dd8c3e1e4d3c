//! Reads the files again when they have changed.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::time::sleep;
use tracing::{error, info};

use super::metrics::Reload;
use super::{Rules, Web, whole};

/// How long what has changed may go unnoticed.
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

impl Web {
    /// Looks for changes for as long as the runtime lives.
    ///
    /// Requests and handshakes take what is in force and wait for nothing: a file system that hangs stops the looking, and
    /// nothing else.
    pub(crate) async fn watch(self) {
        loop {
            sleep(BETWEEN_LOOKS).await;
            let web = self.clone();
            if tokio::task::spawn_blocking(move || web.look()).await.is_err() {
                error!("reading the web configuration panicked; what was in force before stays so");
            }
        }
    }

    fn look(&self) {
        let mut seen = self.0.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.still_fits() {
            return;
        }
        let path = &self.0.path;
        let before = self.rules();
        let (rules, now) = Rules::read(path, self.judge(), Some(&before));
        *seen = now;
        let rules = rules.and_then(|rules| {
            // The scheme is in the addresses of all who come.
            let same = rules.tls.is_some() == before.tls.is_some();
            let what = "TLS cannot be switched on or off while the server runs; restart it for that";
            if same { Ok(rules) } else { Err(whole(path, what)) }
        });
        match rules {
            Ok(rules) => {
                *self.0.rules.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(rules);
                self.metrics().note_reload(Reload::Success);
                info!("{} has changed and is in force", path.display());
            }
            Err(faults) => {
                self.metrics().note_reload(Reload::Failure);
                let faults = faults.to_string().replace('\n', "; ");
                error!("what was in force before stays so: {faults}");
            }
        }
    }
}
