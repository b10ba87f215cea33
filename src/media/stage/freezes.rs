//! When the pictures of one peer stood still. Plain atomic numbers: one thread notes pictures, another reads.
//!
//! A freeze is what a browser counts as one (W3C, Identifiers for WebRTC's Statistics, `freezeCount`): a picture stays for three times
//! as long as pictures do of late, and for 150 ms longer at least. It is counted when the picture after it comes.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// By so much longer than usual a picture stays in a freeze, in microseconds.
const LONGER_US: u64 = 150_000;
/// So many times longer than usual it stays.
const TIMES: u64 = 3;
/// The usual follows the last 30 pictures, as in the definition.
const PICTURES: u64 = 30;

/// The freezes of one peer. Times are in microseconds since the peer began.
#[derive(Debug, Default)]
pub struct Freezes {
    /// When the last picture was decoded; 0 before the first.
    last: AtomicU64,
    /// How long a picture stays; 0 before the second.
    usual: AtomicU64,
    count: AtomicU64,
    longest: AtomicU64,
}

impl Freezes {
    /// A picture was decoded at this time.
    pub fn decoded(&self, at: u64) {
        let at = at.max(1);
        let last = self.last.swap(at, Relaxed);
        let usual = self.usual.load(Relaxed);
        if last == 0 {
            return;
        }
        let stayed = at.saturating_sub(last);
        if usual > 0 && stayed >= (usual * TIMES).max(usual + LONGER_US) {
            self.count.fetch_add(1, Relaxed);
            self.longest.fetch_max(stayed, Relaxed);
        }
        let followed = if usual == 0 { stayed } else { (usual * (PICTURES - 1) + stayed) / PICTURES };
        self.usual.store(followed.max(1), Relaxed);
    }

    /// How many there were since this was last asked, and how long the longest was in microseconds.
    pub fn take(&self) -> (u64, u64) {
        (self.count.swap(0, Relaxed), self.longest.swap(0, Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What was counted of pictures that stay so many milliseconds each.
    fn counted(stays: impl IntoIterator<Item = u64>) -> (u64, u64) {
        let freezes = Freezes::default();
        let mut at = 0;
        freezes.decoded(at);
        for stays in stays {
            at += stays * 1_000;
            freezes.decoded(at);
        }
        freezes.take()
    }

    #[test]
    fn pictures_that_come_evenly_or_nearly_are_no_freeze() {
        assert_eq!(counted([33; 300]), (0, 0));
        assert_eq!(counted((0..300).map(|picture| if picture % 10 == 9 { 170 } else { 33 })), (0, 0));
        assert_eq!(counted([400; 20]), (0, 0), "a slow stream is not a still one");
        assert_eq!(counted([]), (0, 0));
    }

    #[test]
    fn a_picture_that_stays_is_a_freeze_and_the_longest_is_kept() {
        let stays = (0..300).map(|picture| match picture {
            100 => 250,
            200 => 1_200,
            250 => 400,
            _ => 33,
        });
        assert_eq!(counted(stays), (3, 1_200_000));
    }

    #[test]
    fn what_was_told_is_not_told_again() {
        let freezes = Freezes::default();
        for at in [0, 33, 66, 1_066, 1_100] {
            freezes.decoded(at * 1_000);
        }
        assert_eq!((freezes.take(), freezes.take()), ((1, 1_000_000), (0, 0)));
    }
}
