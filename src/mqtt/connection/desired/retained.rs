//! Retained topics whose latest value counts.
//!
//! Invariant: at most one version of a level is under way, so a burst of changes costs one publish and the broker ends
//! with the latest. A level that somebody else overwrites is published again, soon and not in a loop.

use bytes::Bytes;
use tokio::time::Instant;

use super::restoring::Restoring;
use super::{Outgoing, PacketContent, level_message};

#[derive(Default)]
pub(super) struct RetainedTopics {
    /// In the order first kept. A daemon has a few, a host with Home Assistant some dozens: a scan is cheap.
    retained: Vec<RetainedTopic>,
}

struct RetainedTopic {
    topic: String,
    payload: Bytes,
    /// Counts changes; 0 is never used.
    version: u64,
    /// Versions on the present connection; 0 for none.
    under_way: u64,
    settled: u64,
    stay: Lifetime,
    restoring: Restoring,
}

/// How long a retained topic is kept.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lifetime {
    /// Until it is forgotten.
    Kept,
    /// Until the broker has it.
    UntilSettled,
}

impl RetainedTopics {
    pub(super) fn keep(&mut self, topic: String, payload: Bytes) {
        match self.retained.iter_mut().find(|level| level.topic == topic) {
            Some(level) if level.payload == payload => level.stay = Lifetime::Kept,
            Some(level) => {
                level.payload = payload;
                level.version += 1;
                level.stay = Lifetime::Kept;
            }
            None => self.retained.push(RetainedTopic {
                topic,
                payload,
                version: 1,
                under_way: 0,
                settled: 0,
                stay: Lifetime::Kept,
                restoring: Restoring::default(),
            }),
        }
    }

    pub(super) fn renew(&mut self, topic: &str) {
        if let Some(level) = self.find(topic) {
            level.version += 1;
        }
    }

    pub(super) fn forget(&mut self, topic: &str) {
        self.retained.retain(|level| level.topic != topic);
    }

    pub(super) fn clear(&mut self) -> Vec<String> {
        std::mem::take(&mut self.retained).into_iter().map(|level| level.topic).collect()
    }

    /// Forgets it as soon as the broker has it; whether that is now.
    pub(super) fn release(&mut self, topic: &str) {
        if let Some(level) = self.find(topic) {
            level.stay = Lifetime::UntilSettled;
        }
        self.retained.retain(|level| level.topic != topic || !level.is_over());
    }

    pub(super) fn begin(&mut self) {
        for level in &mut self.retained {
            level.under_way = 0;
            level.settled = 0;
            level.restoring.cancel();
        }
    }

    pub(super) fn next(&mut self) -> Option<Outgoing> {
        let level = self.retained.iter_mut().find(|level| level.is_due())?;
        level.under_way = level.version;
        let flight = PacketContent::Level(level.topic.clone(), level.version);
        Some(Outgoing::Acknowledged(flight, level_message(&level.topic, &level.payload)))
    }

    /// Whether the level is forgotten with that.
    pub(super) fn settled(&mut self, topic: &str, version: u64) -> bool {
        // Forgotten and kept anew meanwhile, this value is not in flight under that number.
        let Some(level) = self.find(topic).filter(|level| level.under_way == version) else { return false };
        level.settled = version;
        level.under_way = 0;
        let over = level.is_over();
        self.retained.retain(|level| level.topic != topic || !level.is_over());
        over
    }

    pub(super) fn is_settled(&self) -> bool {
        self.retained.iter().all(RetainedTopic::is_settled)
    }

    pub(super) fn topics(&self) -> impl Iterator<Item = &String> {
        self.retained.iter().map(|level| &level.topic)
    }

    /// Whether a value stands at this topic that somebody else could take away.
    pub(super) fn stands(&self, topic: &str) -> bool {
        self.retained.iter().any(|level| level.topic == topic && level.can_be_overwritten())
    }

    /// Somebody has said this on the topic. Returns whether the level is published again at once.
    pub(super) fn heard(&mut self, topic: &str, payload: &[u8], now: Instant) -> bool {
        // What is under way overwrites it anyway, or is heard itself.
        let foreign = |level: &&mut RetainedTopic| {
            level.can_be_overwritten() && level.is_settled() && level.payload != payload
        };
        let Some(level) = self.find(topic).filter(foreign) else { return false };
        let at_once = level.restoring.ask(now);
        if at_once {
            level.version += 1;
        }
        at_once
    }

    /// When [`RetainedTopics::restore`] has something to do.
    pub(super) fn restore_at(&self) -> Option<Instant> {
        self.retained.iter().filter_map(|level| level.restoring.due()).min()
    }

    /// Publishes again what was overwritten a while ago; which topics.
    pub(super) fn restore(&mut self, now: Instant) -> Vec<String> {
        let due =
            self.retained.iter_mut().filter(|level| level.restoring.due().is_some_and(|due| due <= now));
        due.map(|level| {
            level.restoring.done(now);
            level.version += 1;
            level.topic.clone()
        })
        .collect()
    }

    fn find(&mut self, topic: &str) -> Option<&mut RetainedTopic> {
        self.retained.iter_mut().find(|level| level.topic == topic)
    }
}

impl RetainedTopic {
    fn is_due(&self) -> bool {
        self.under_way == 0 && self.settled != self.version
    }

    fn is_settled(&self) -> bool {
        self.settled == self.version
    }

    fn is_over(&self) -> bool {
        self.stay == Lifetime::UntilSettled && self.is_settled()
    }

    /// What was taken away is not guarded: the topic may be another's by now.
    fn can_be_overwritten(&self) -> bool {
        self.stay == Lifetime::Kept && !self.payload.is_empty()
    }
}
