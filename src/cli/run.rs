//! `coguestd run`: the daemon.

use crate::app;
use crate::config::Settings;

pub(super) const EXAMPLES: &str = "\
Examples:
  coguestd run
  coguestd run --config ./kiosk.toml -v
  coguestd run --set role=host --set room.live_id=lobby
  COGUESTD__MQTT__URL=mqtts://broker.example.org coguestd run";

/// Runs with these settings until asked to stop.
pub(super) async fn run(settings: Settings) -> anyhow::Result<()> {
    for warning in &settings.warnings {
        tracing::warn!("{warning}");
    }
    tracing::info!(user_id = %settings.user.public.user_id, role = settings.role.as_str(), "configured");
    app::run(settings).await?;
    Ok(())
}
