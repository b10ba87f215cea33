//! `coguestd check-config`: what would run.

use crate::app;
use crate::config::Settings;

pub(super) const EXAMPLES: &str = "\
Examples:
  coguestd check-config
  coguestd check-config --config ./kiosk.toml --set room.live_id=lobby
  sudo -u coguestd coguestd check-config   # as the daemon, to see that it may read its secrets";

/// Prints the effective configuration and `OK`, if `coguestd run` would start with it; warnings go to stderr.
pub(super) fn run(settings: &Settings) -> anyhow::Result<()> {
    app::check(settings)?;
    for warning in &settings.warnings {
        super::complain(format_args!("warning: {warning}"));
    }
    super::print_lines([settings.dump(), "OK".to_owned()])
}
