//! `coguestd run`: the daemon.

use crate::app;
use crate::config::{self, Sources};
use crate::logging;

pub(super) const EXAMPLES: &str = "\
Examples:
  coguestd run
  coguestd run --config ./kiosk.toml -v
  coguestd run --set role=host --set room.live_id=lobby
  COGUESTD__MQTT__URL=mqtts://broker.example.org coguestd run

Signals:
  SIGTERM, SIGINT  stop within 5 s: media first, then the goodbye
  SIGHUP           read the configuration again; one line of the log says what is applied and what needs a restart, and a
                   wrong configuration changes nothing";

/// Runs with the settings of these sources until asked to stop.
pub(super) async fn run(sources: Sources) -> anyhow::Result<()> {
    let settings = config::load(&sources)?;
    logging::set_level(settings.log.level);
    for warning in &settings.warnings {
        tracing::warn!("{warning}");
    }
    let (user_id, role) = (&settings.user.public.user_id, settings.role.as_str());
    tracing::info!(%user_id, "coguestd {}: {role} {user_id}", env!("CARGO_PKG_VERSION"));
    app::run(settings, sources).await?;
    Ok(())
}
