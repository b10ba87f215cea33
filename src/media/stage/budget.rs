//! Whether this machine has room for one more peer, asked before it is made.
//!
//! What a thread library does when the system gives no thread is to abort the process, and the guests that are seen with it; so that
//! is not left to try. Pure: it is told the limits. Invariant: a peer counts with what it will have, not only with what it has so far.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::frame_size::FrameSize;
use crate::limits::{Amount, Limits};

/// What one peer has at most while it is there, with sound and the first picture still to come. Threads: webrtcbin, libnice, nicesrc, the
/// queue behind it, DTLS, RTCP and the return have one each, a decoder of the hardware one; and one for what comes and goes.
const OF_A_PEER: Cost = Cost { threads: 9, descriptors: 24, memory: 4 << 20 };
/// What one viewer has at most. Threads: as a peer's, with one more for each stream that goes to it, and without decoder and return. Memory: DTLS and
/// SRTP, and the packets that are kept to be sent again or wait for it.
const OF_A_VIEWER: Cost = Cost { threads: 11, descriptors: 20, memory: 3 << 20 };
/// The pictures that [`for_seats`] counts with: 720p, what a kiosk sends unless it is told otherwise.
const USUAL: FrameSize = FrameSize::vp8(1280, 720);
/// What stays free for all else: pictures of seats, encryption, MQTT.
const SPARE: Cost = Cost { threads: 8, descriptors: 64, memory: 16 << 20 };

/// What a host without guests has, its decoders loaded.
const BASE: Cost = Cost { threads: 20, descriptors: 48, memory: 66 << 20 };

/// So much of each.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    /// Threads.
    pub threads: u64,
    /// File descriptors.
    pub descriptors: u64,
    /// Bytes.
    pub memory: u64,
}

/// One kind of what the system bounds: our word for it, and the unit's for its limit.
struct Resource(&'static str, &'static str);

const THREADS: Resource = Resource("threads", "TasksMax");
const DESCRIPTORS: Resource = Resource("descriptors", "LimitNOFILE");
const MEMORY: Resource = Resource("memory", "MemoryMax");

impl Resource {
    /// Whether `more` and `spare` fit beside what is planned, or what there is, whichever is more.
    fn hold(&self, now: Amount, planned: u64, more: u64, spare: u64) -> Result<(), Short> {
        match now.most {
            Some(most) if planned.max(now.used) + more + spare > most => {
                Err(Short { what: self.0, limit: self.1, most })
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// What there would not be enough of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Short {
    what: &'static str,
    /// The unit's word for its limit.
    limit: &'static str,
    most: u64,
}

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, limit, most } = self;
        write!(f, "the host has no {what} for another guest or viewer: {limit}={most}")
    }
}

/// What the process has without any peer, and what its peers have taken of the rest.
#[derive(Debug, Clone)]
pub struct Budget {
    before: Limits,
    taken: Arc<Mutex<Reserved>>,
}

#[derive(Debug, Default)]
struct Reserved {
    threads: u64,
    descriptors: u64,
    /// With those for decoded pictures.
    memory: u64,
}

impl Budget {
    /// Counts what is there now, without peers.
    pub fn new(now: Limits) -> Self {
        Self { before: now, taken: Arc::default() }
    }

    /// Takes what one more peer needs, if it is there. It counts at once, though the peer has nothing of it yet.
    ///
    /// # Errors
    /// What is short.
    pub fn reserve(&self, now: &Limits) -> Result<Reservation, Short> {
        self.reserve_for(OF_A_PEER, now)
    }

    /// Takes what one more viewer needs, as [`Budget::reserve`] does.
    ///
    /// # Errors
    /// What is short.
    pub fn reserve_for_viewer(&self, now: &Limits) -> Result<Reservation, Short> {
        self.reserve_for(OF_A_VIEWER, now)
    }

    fn reserve_for(&self, cost: Cost, now: &Limits) -> Result<Reservation, Short> {
        let mut taken = self.taken();
        let planned = self.before.threads.used + taken.threads;
        THREADS.hold(now.threads, planned, cost.threads, SPARE.threads)?;
        let planned = self.before.descriptors.used + taken.descriptors;
        DESCRIPTORS.hold(now.descriptors, planned, cost.descriptors, SPARE.descriptors)?;
        self.has_memory(&taken, now, cost.memory)?;
        taken.threads += cost.threads;
        taken.descriptors += cost.descriptors;
        taken.memory += cost.memory;
        Ok(Reservation { budget: self.clone(), cost, pictures: AtomicU64::new(0) })
    }

    fn has_memory(&self, taken: &Reserved, now: &Limits, more: u64) -> Result<(), Short> {
        MEMORY.hold(now.memory, self.before.memory.used + taken.memory, more, SPARE.memory)
    }

    fn taken(&self) -> MutexGuard<'_, Reserved> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What one peer or viewer has taken; it is free again when this is dropped, which is when nothing of it is left.
#[derive(Debug)]
pub struct Reservation {
    budget: Budget,
    cost: Cost,
    pictures: AtomicU64,
}

impl Reservation {
    /// Takes what pictures like these need, before a decoder is given the first. `now` is asked only if they need more than the largest
    /// so far: a decoder keeps its memory when they become smaller.
    ///
    /// # Errors
    /// That memory is short.
    pub fn show(&self, pictures: FrameSize, now: impl FnOnce() -> Limits) -> Result<(), Short> {
        let needed = pictures.memory();
        let more = needed.saturating_sub(self.pictures.load(Relaxed));
        if more == 0 {
            return Ok(());
        }
        let now = now();
        let mut taken = self.budget.taken();
        self.budget.has_memory(&taken, &now, more)?;
        taken.memory += more;
        self.pictures.store(needed, Relaxed);
        Ok(())
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let mut taken = self.budget.taken();
        taken.threads -= self.cost.threads;
        taken.descriptors -= self.cost.descriptors;
        taken.memory -= self.cost.memory + self.pictures.load(Relaxed);
    }
}

/// What a host with so many seats needs, with pictures of 720p on each, and with so many viewers.
pub fn for_seats(seats: u64, viewers: u64) -> Cost {
    let all = |base, of_a_peer, of_a_viewer, spare| base + of_a_peer * seats + of_a_viewer * viewers + spare;
    let with_pictures = OF_A_PEER.memory + USUAL.memory();
    Cost {
        threads: all(BASE.threads, OF_A_PEER.threads, OF_A_VIEWER.threads, SPARE.threads),
        descriptors: all(BASE.descriptors, OF_A_PEER.descriptors, OF_A_VIEWER.descriptors, SPARE.descriptors),
        memory: all(BASE.memory, with_pictures, OF_A_VIEWER.memory, SPARE.memory),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(threads: u64, most: u64) -> Limits {
        Limits { threads: Amount { used: threads, most: Some(most) }, ..Limits::default() }
    }

    fn memory(used: u64, most: u64) -> Limits {
        Limits { memory: Amount { used: used << 20, most: Some(most << 20) }, ..Limits::default() }
    }

    /// As many as are admitted.
    fn reserved(budget: &Budget, now: &Limits) -> Vec<Reservation> {
        std::iter::from_fn(|| budget.reserve(now).ok()).take(100).collect()
    }

    #[test]
    fn peers_that_only_begin_count_in_full() {
        // None of them has a thread yet.
        let now = limits(10, 128);
        let budget = Budget::new(now);
        let all = reserved(&budget, &now);
        assert_eq!(all.len() as u64, (128 - 10 - SPARE.threads) / OF_A_PEER.threads);
        drop(all);
        assert!(budget.reserve(&now).is_ok(), "what was given back is there again");
    }

    #[test]
    fn what_is_there_counts_too() {
        let budget = Budget::new(limits(10, 128));
        let short = budget.reserve(&limits(120, 128)).expect_err("there is no room");
        assert_eq!(short.to_string(), "the host has no threads for another guest or viewer: TasksMax=128");
    }

    #[test]
    fn without_limits_all_are_admitted() {
        assert_eq!(reserved(&Budget::new(Limits::default()), &Limits::default()).len(), 100);
    }

    #[test]
    fn memory_and_descriptors_run_out_as_well() {
        let full = Amount { used: 1 << 40, most: Some(1 << 40) };
        let budget = Budget::new(Limits::default());
        for (now, what) in [
            (Limits { memory: full, ..Limits::default() }, "memory"),
            (Limits { descriptors: full, ..Limits::default() }, "descriptors"),
        ] {
            assert_eq!(budget.reserve(&now).expect_err("full").what, what);
        }
    }

    #[test]
    fn all_peers_share_the_memory_for_pictures() {
        let now = memory(40, 320);
        let budget = Budget::new(now);
        let peers: Vec<Reservation> = (0..16).map(|_| budget.reserve(&now).expect("there is room")).collect();
        let large = FrameSize::vp8(1920, 1080);
        let shown = peers.iter().filter(|peer| peer.show(large, || now).is_ok()).count() as u64;
        let left = ((320 - 40) << 20) - SPARE.memory - 16 * OF_A_PEER.memory;
        assert_eq!(shown, left / large.memory());
        assert!((5..16).contains(&shown), "{shown}");
        // Those that have it keep it, also when their pictures become smaller and larger again.
        assert_eq!(peers[0].show(FrameSize::vp8(640, 360), || now), Ok(()));
        assert_eq!(peers[0].show(large, || now), Ok(()));
        assert!(peers[15].show(large, || now).is_err());
        drop(peers);
        let alone = budget.reserve(&now).expect("there is room again");
        assert_eq!(alone.show(large, || now), Ok(()));
    }
}
