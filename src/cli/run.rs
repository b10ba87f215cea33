//! `coguestd run`: the daemon.

use crate::config::Settings;

pub(super) const EXAMPLES: &str = "\
Examples:
  coguestd run
  coguestd run --config ./kiosk.toml -v
  coguestd run --set role=host --set room.live_id=lobby
  COGUESTD__MQTT__URL=mqtts://broker.example.org coguestd run";

/// Runs with these settings until asked to stop.
#[expect(clippy::unused_async, reason = "the shell it hands over to runs on this runtime")]
pub(super) async fn run(settings: Settings) -> anyhow::Result<()> {
    for warning in &settings.warnings {
        tracing::warn!("{warning}");
    }
    tracing::info!(user_id = %settings.user.public.user_id, role = settings.role.as_str(), "configured");
    Ok(())
}
