//! Reports on their way to the host: never waited for, in order, none of the edges lost as long as the bound holds.

use std::collections::VecDeque;

use tokio::sync::mpsc::Sender;
use tokio::sync::mpsc::error::TrySendError;

use crate::model::stage::StageReport;

/// A host that has not listened to so many reports is beyond help: the oldest are dropped.
const MOST_KEPT: usize = 1024;

/// What could not be sent yet.
#[derive(Debug)]
pub struct Outbox {
    reports: Sender<StageReport>,
    kept: VecDeque<StageReport>,
}

impl Outbox {
    /// Nothing kept.
    pub fn new(reports: Sender<StageReport>) -> Self {
        Self { reports, kept: VecDeque::new() }
    }

    /// Sends, or keeps for later. Of statistics only the newest are worth keeping.
    pub fn send(&mut self, report: StageReport) {
        if matches!(report, StageReport::Stats(_)) {
            self.kept.retain(|kept| !matches!(kept, StageReport::Stats(_)));
        }
        if self.kept.len() >= MOST_KEPT {
            tracing::error!("the host does not take the stage's reports: one is dropped");
            self.kept.pop_front();
        }
        self.kept.push_back(report);
        self.flush();
    }

    /// Sends what is kept, as far as there is room.
    pub fn flush(&mut self) {
        while let Some(report) = self.kept.pop_front() {
            match self.reports.try_send(report) {
                Ok(()) => {}
                Err(TrySendError::Full(report)) => return self.kept.push_front(report),
                Err(TrySendError::Closed(_)) => return self.kept.clear(),
            }
        }
    }

    /// Whether something waits for room.
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_is_kept_and_only_the_newest_statistics() {
        let (reports, mut host) = tokio::sync::mpsc::channel(1);
        let mut outbox = Outbox::new(reports);
        for report in [StageReport::Speaking(vec![]), StageReport::Stats(vec![]), StageReport::Stats(vec![])]
        {
            outbox.send(report);
        }
        assert!(!outbox.is_empty());
        assert_eq!(host.try_recv(), Ok(StageReport::Speaking(vec![])));
        outbox.flush();
        assert_eq!(host.try_recv(), Ok(StageReport::Stats(vec![])));
        outbox.flush();
        assert!(host.try_recv().is_err() && outbox.is_empty());
    }
}
