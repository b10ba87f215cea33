//! Whether the far side of a connected peer is heard. Pure: told how often something came, and when, it says what changed.
//!
//! Who receives pictures reports every second. Who only receives sound, and has nothing to say itself, may report every 5 s, half as
//! much more by chance (RFC 3550 §6.3; browsers: 2.5 to 7.5 s): of such a one the silence begins later, by what one lost report takes.
//! Who sends sound itself is known by its packets.
//!
//! Invariant: silence is measured only while this is looked at; a machine that stood still accuses nobody.

use std::time::{Duration, Instant};

use crate::model::Media;
use crate::model::media::Path;

/// Who says nothing for so long is silent; whoever reports each second has lost three of its reports.
const SILENT: Duration = Duration::from_secs(3);
/// So much later a far side is silent that reports every 5 to 7.5 s: one report may be lost.
const SLOW: Duration = Duration::from_secs(10);
/// Who sends so many packets in this time sends more than reports: its silence is noticed at once.
const OFTEN: (u64, Duration) = (4, Duration::from_secs(3));
/// Between two looks is no more time than this, unless the machine stood still.
const STALL: Duration = Duration::from_secs(1);

/// How often something is to be expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rhythm {
    /// Each second or two.
    Often,
    /// Every few seconds, as far as is known: then so many packets had come.
    Seldom { since: Instant, heard: u64 },
}

/// What is heard of one far side.
#[derive(Debug)]
pub struct PathWatch {
    heard: u64,
    heard_at: Instant,
    looked_at: Instant,
    rhythm: Rhythm,
}

impl PathWatch {
    /// It was heard just now: it is connected.
    pub fn new(now: Instant, heard: u64, media: Media) -> Self {
        let rhythm = match media {
            Media::Video => Rhythm::Often,
            Media::Audio => Rhythm::Seldom { since: now, heard },
        };
        Self { heard, heard_at: now, looked_at: now, rhythm }
    }

    /// So often something came until now; what that means.
    pub fn look(&mut self, now: Instant, heard: u64) -> Path {
        let passed = now.saturating_duration_since(std::mem::replace(&mut self.looked_at, now));
        if passed > STALL {
            self.heard_at += passed;
        }
        if heard != self.heard {
            self.heard = heard;
            self.hear(now);
        }
        let due = match self.rhythm {
            Rhythm::Often => self.heard_at,
            Rhythm::Seldom { .. } => self.heard_at + SLOW,
        };
        let silent = now.saturating_duration_since(due) >= SILENT;
        if silent { Path::Silent { since: due } } else { Path::Flowing }
    }

    fn hear(&mut self, now: Instant) {
        let quiet = now.saturating_duration_since(std::mem::replace(&mut self.heard_at, now));
        let unknown = Rhythm::Seldom { since: now, heard: self.heard };
        self.rhythm = match self.rhythm {
            Rhythm::Often | Rhythm::Seldom { .. } if quiet >= SILENT => unknown,
            Rhythm::Seldom { since, heard } if now.saturating_duration_since(since) >= OFTEN.1 => {
                if self.heard.wrapping_sub(heard) >= OFTEN.0 { Rhythm::Often } else { unknown }
            }
            rhythm @ (Rhythm::Often | Rhythm::Seldom { .. }) => rhythm,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TICK: Duration = Duration::from_millis(100);

    struct Watched {
        watch: PathWatch,
        last: Path,
        began: Instant,
        now: Instant,
    }

    impl Watched {
        fn new(media: Media) -> Self {
            let now = Instant::now();
            Self { watch: PathWatch::new(now, 0, media), last: Path::Flowing, began: now, now }
        }

        /// Looks at each tick until something comes after so many milliseconds; what was said, in tenths of a second since the start.
        fn hears_after(&mut self, milliseconds: u64) -> Vec<Option<u64>> {
            let heard = self.watch.heard;
            let ticks = milliseconds / 100;
            let mut said = Vec::new();
            for tick in 1..=ticks {
                self.now += TICK;
                let heard = heard + u64::from(tick == ticks);
                let path = self.watch.look(self.now, heard);
                if std::mem::replace(&mut self.last, path) == path {
                    continue;
                }
                said.push(match path {
                    Path::Silent { since } => u64::try_from((since - self.began).as_millis() / 100).ok(),
                    Path::Flowing | Path::Moved | Path::Unreachable => None,
                });
            }
            said
        }
    }

    #[test]
    fn who_receives_pictures_is_silent_after_three_seconds() {
        let mut watched = Watched::new(Media::Video);
        for _ in 0..20 {
            assert_eq!(watched.hears_after(1_500), []);
        }
        assert_eq!(watched.hears_after(8_000), [Some(300), None], "from the last that came");
    }

    #[test]
    fn a_browser_that_only_hears_is_never_silent() {
        let mut watched = Watched::new(Media::Audio);
        // 2.5 to 7.5 s, and a report that is lost now and then.
        for gap in [2_500, 7_500, 5_000, 12_000, 3_000, 2_600, 7_400, 2_500, 2_500, 2_500, 7_500] {
            assert_eq!(watched.hears_after(gap), [], "{gap}");
        }
        assert_eq!(watched.hears_after(60_000), [Some(550 + 100), None], "it is one day");
    }

    #[test]
    fn who_sends_sound_is_missed_as_soon_as_who_receives_pictures() {
        let mut watched = Watched::new(Media::Audio);
        // Opus without anything to say: a packet each 400 ms.
        for _ in 0..9 {
            assert_eq!(watched.hears_after(400), []);
        }
        assert_eq!(watched.hears_after(5_000), [Some(36), None], "from the last that came");
        assert_eq!(watched.hears_after(5_000), [], "it has shown that it may be slow");
        for _ in 0..9 {
            assert_eq!(watched.hears_after(400), []);
        }
        assert_eq!(watched.hears_after(5_000), [Some(172), None], "and that it is not");
    }

    #[test]
    fn who_reports_once_a_second_is_no_sender() {
        let mut watched = Watched::new(Media::Audio);
        for _ in 0..60 {
            assert_eq!(watched.hears_after(1_100), []);
        }
        assert_eq!(watched.hears_after(12_900), [], "it may be slow");
    }

    #[test]
    fn a_machine_that_stood_still_accuses_nobody() {
        let mut watched = Watched::new(Media::Video);
        watched.now += Duration::from_secs(3600);
        assert_eq!(watched.watch.look(watched.now, 0), Path::Flowing);
        assert_eq!(watched.hears_after(4_000).len(), 2, "silence after it is still noticed");
    }
}
