//! What a device is at, and whether it delivers. Pure: the source that it holds is anything.

use std::time::{Duration, Instant};

use super::search::Pause;

/// How long an open device may take to deliver, and a device to open.
const FIRST: Duration = Duration::from_secs(5);
/// A device that gives nothing for so long is gone.
const STALL: Duration = Duration::from_secs(2);

/// What a device is at.
#[derive(Debug)]
pub enum CaptureState<S> {
    Closed,
    Opening { since: Instant },
    Open { source: S, delivery: Delivery },
    Lost { pause: Pause },
}

/// Whether an open device has delivered, and since when.
#[derive(Debug, Clone, Copy)]
pub enum Delivery {
    /// It is open since then.
    NotYet { open: Instant },
    /// `count` buffers had crossed at `at`; the first did at `since`.
    Yes { count: u64, at: Instant, since: Instant },
}

/// How a device that should deliver does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    Well,
    /// It does not open.
    Opening,
    /// It does not begin.
    Late,
    /// It has stopped.
    Stalled,
}

impl Progress {
    /// What is wrong, for people.
    pub fn words(self) -> &'static str {
        match self {
            Self::Well => "nothing is wrong",
            Self::Opening => "it does not open within 5 s",
            Self::Late => "it is open and gives nothing",
            Self::Stalled => "it has stopped giving anything",
        }
    }
}

impl<S> CaptureState<S> {
    /// Closes it here: takes the source out, which is to be closed where it may take its time.
    pub fn close(&mut self) -> Option<S> {
        match std::mem::replace(self, Self::Closed) {
            Self::Open { source, .. } => Some(source),
            Self::Closed | Self::Opening { .. } | Self::Lost { .. } => None,
        }
    }

    /// The source of an open device.
    pub fn source(&self) -> Option<&S> {
        match self {
            Self::Open { source, .. } => Some(source),
            Self::Closed | Self::Opening { .. } | Self::Lost { .. } => None,
        }
    }

    /// Since when it delivers.
    pub fn delivers_since(&self) -> Option<Instant> {
        match self {
            Self::Open { delivery, .. } => delivery.since(),
            Self::Closed | Self::Opening { .. } | Self::Lost { .. } => None,
        }
    }

    /// Whether it is lost and to be looked for now.
    pub fn is_due(&self, now: Instant) -> bool {
        matches!(self, Self::Lost { pause } if pause.is_over(now))
    }

    /// How it does; so many buffers have crossed by now.
    pub fn check(&mut self, now: Instant, count: u64) -> Progress {
        match self {
            Self::Opening { since } if is_late(now, *since) => Progress::Opening,
            Self::Closed | Self::Opening { .. } | Self::Lost { .. } => Progress::Well,
            Self::Open { delivery, .. } => delivery.check(now, count),
        }
    }
}

impl Delivery {
    /// Of a device that was opened just now, of which so many buffers have crossed.
    pub fn new(now: Instant, count: u64) -> Self {
        match count {
            0 => Self::NotYet { open: now },
            count => Self::Yes { count, at: now, since: now },
        }
    }

    /// When it began.
    pub fn since(self) -> Option<Instant> {
        match self {
            Self::NotYet { .. } => None,
            Self::Yes { since, .. } => Some(since),
        }
    }

    /// So many buffers have crossed by now.
    pub fn check(&mut self, now: Instant, count: u64) -> Progress {
        match self {
            Self::NotYet { open } if is_late(now, *open) => Progress::Late,
            Self::NotYet { .. } => Progress::Well,
            Self::Yes { count: before, at, .. } if *before != count => {
                (*before, *at) = (count, now);
                Progress::Well
            }
            Self::Yes { at, .. } if now.saturating_duration_since(*at) > STALL => Progress::Stalled,
            Self::Yes { .. } => Progress::Well,
        }
    }
}

fn is_late(now: Instant, since: Instant) -> bool {
    now.saturating_duration_since(since) > FIRST
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_that_never_begins_is_late() {
        let open = Instant::now();
        let mut delivery = Delivery::new(open, 0);
        assert_eq!(delivery.check(open + FIRST, 0), Progress::Well);
        assert_eq!(delivery.check(open + FIRST + Duration::from_millis(1), 0), Progress::Late);
        assert_eq!(delivery.since(), None);
    }

    #[test]
    fn a_device_that_stops_is_stalled() {
        let open = Instant::now();
        let mut delivery = Delivery::new(open, 1);
        assert_eq!(delivery.check(open + STALL, 1), Progress::Well);
        let moved = open + STALL + Duration::from_millis(1);
        assert_eq!(delivery.check(moved, 2), Progress::Well, "it went on");
        assert_eq!(delivery.check(moved + STALL, 2), Progress::Well);
        assert_eq!(delivery.check(moved + STALL + Duration::from_millis(1), 2), Progress::Stalled);
        assert_eq!(delivery.since(), Some(open));
    }
}
