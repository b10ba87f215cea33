//! Devices that come and go: media hear of it at once, and everybody else once it is quiet.

use std::time::{Duration, Instant};

use super::Shell;
use crate::app::role::RoleAdapter;
use crate::model::hotplug::Notice;

/// How long after the last notice all devices are surveyed: what came has its stable name by then.
const SETTLED: Duration = Duration::from_secs(1);

impl<R: RoleAdapter> Shell<R> {
    pub(super) fn noticed(&mut self, now: Instant, notice: Notice) {
        tracing::debug!(node = %notice.node.display(), "{:?}", notice.change);
        self.role.noticed(notice);
        self.survey = Some(now + SETTLED);
    }

    /// What `info` says of them is brought up to date, when it is time.
    pub(super) fn survey_again(&mut self, now: Instant) {
        if self.survey.is_some_and(|at| at <= now) {
            self.survey = None;
            self.background.survey(self.settings.media.quality);
        }
    }
}
