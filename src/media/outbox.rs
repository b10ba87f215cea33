//! Reports on their way to the shell: never waited for, in order, none of the edges lost as long as the bound holds.

use std::collections::VecDeque;

use tokio::sync::mpsc::Sender;
use tokio::sync::mpsc::error::TrySendError;

/// A shell that has not listened to so many reports is beyond help: the oldest are dropped.
const MOST_KEPT: usize = 1024;

/// What could not be sent yet.
#[derive(Debug)]
pub struct Outbox<R> {
    reports: Sender<R>,
    /// Tells statistics from the rest.
    is_statistics: fn(&R) -> bool,
    kept: VecDeque<R>,
}

impl<R> Outbox<R> {
    /// Nothing kept.
    pub fn new(reports: Sender<R>, is_statistics: fn(&R) -> bool) -> Self {
        Self { reports, is_statistics, kept: VecDeque::new() }
    }

    /// Sends, or keeps for later. Of statistics only the newest are worth keeping.
    pub fn send(&mut self, report: R) {
        let is_statistics = self.is_statistics;
        if is_statistics(&report) {
            self.kept.retain(|kept| !is_statistics(kept));
        }
        if self.kept.len() >= MOST_KEPT {
            tracing::error!("nobody takes the reports of media: one is dropped");
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
    use crate::model::stage::StageReport;

    #[test]
    fn order_is_kept_and_only_the_newest_statistics() {
        let (reports, mut host) = tokio::sync::mpsc::channel(1);
        let mut outbox = Outbox::new(reports, |report| matches!(report, StageReport::Stats(_)));
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
