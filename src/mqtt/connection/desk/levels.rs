//! Levels: retained topics whose latest value counts.
//!
//! Invariant: at most one version of a level is under way, so a burst of changes costs one publish and the broker ends
//! with the latest.

use bytes::Bytes;

use super::{Flight, Outgoing, level_message};

#[derive(Default)]
pub(super) struct Levels {
    /// In the order first kept. A daemon has a few, a host with Home Assistant some dozens: a scan is cheap.
    levels: Vec<Level>,
}

struct Level {
    topic: String,
    payload: Bytes,
    /// Counts changes; 0 is never used.
    version: u64,
    /// Versions on the present connection; 0 for none.
    under_way: u64,
    settled: u64,
}

impl Levels {
    pub(super) fn keep(&mut self, topic: String, payload: Bytes) {
        match self.levels.iter_mut().find(|level| level.topic == topic) {
            Some(level) if level.payload == payload => {}
            Some(level) => {
                level.payload = payload;
                level.version += 1;
            }
            None => self.levels.push(Level { topic, payload, version: 1, under_way: 0, settled: 0 }),
        }
    }

    pub(super) fn renew(&mut self, topic: &str) {
        if let Some(level) = self.levels.iter_mut().find(|level| level.topic == topic) {
            level.version += 1;
        }
    }

    pub(super) fn forget(&mut self, topic: &str) {
        self.levels.retain(|level| level.topic != topic);
    }

    pub(super) fn begin(&mut self) {
        for level in &mut self.levels {
            level.under_way = 0;
            level.settled = 0;
        }
    }

    pub(super) fn next(&mut self) -> Option<Outgoing> {
        let level = self.levels.iter_mut().find(|level| level.is_due())?;
        level.under_way = level.version;
        let flight = Flight::Level(level.topic.clone(), level.version);
        Some(Outgoing::Acknowledged(flight, level_message(&level.topic, &level.payload)))
    }

    pub(super) fn settled(&mut self, topic: &str, version: u64) {
        // Forgotten and kept anew meanwhile, a level has not what the acknowledgement speaks of under way.
        if let Some(level) =
            self.levels.iter_mut().find(|level| level.topic == topic && level.under_way == version)
        {
            level.settled = version;
            level.under_way = 0;
        }
    }

    pub(super) fn is_settled(&self) -> bool {
        self.levels.iter().all(|level| level.settled == level.version)
    }
}

impl Level {
    fn is_due(&self) -> bool {
        self.under_way == 0 && self.settled != self.version
    }
}
