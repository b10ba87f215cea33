//! Whether this machine has room for one more peer, asked before it is made.
//!
//! What a thread library does when the system gives no thread is to abort the process, and the guests that are seen with it; so that
//! is not left to try. Pure: it is told the limits. Invariant: a peer counts with what it will have, not only with what it has so far.

use std::fmt;

use crate::limits::{Amount, Limits};

/// What one peer has at most while it is there, with sound and pictures. Threads: webrtcbin, libnice, nicesrc, the
/// queue behind it, DTLS, RTCP and the return have one each, a decoder of the hardware one; and one for what comes and goes.
const OF_A_PEER: Cost = Cost { threads: 9, descriptors: 24, memory: 7 << 20 };
/// What stays free for all else: pictures of seats, encryption, MQTT.
const SPARE: Cost = Cost { threads: 8, descriptors: 64, memory: 16 << 20 };

/// What a host without guests has.
const BASE: Cost = Cost { threads: 20, descriptors: 48, memory: 40 << 20 };

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
        write!(f, "the host has no {what} for another guest: {limit}={most}")
    }
}

/// What the process has without any peer.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    before: Limits,
}

impl Budget {
    /// Counts what is there now, without peers.
    pub fn new(now: Limits) -> Self {
        Self { before: now }
    }

    /// Whether there is room for one more beside `peers`, of which some begin or end just now.
    ///
    /// # Errors
    /// What is short.
    pub fn admits(&self, now: &Limits, peers: usize) -> Result<(), Short> {
        let kinds = [
            ("threads", "TasksMax", self.before.threads, now.threads, OF_A_PEER.threads, SPARE.threads),
            (
                "descriptors",
                "LimitNOFILE",
                self.before.descriptors,
                now.descriptors,
                OF_A_PEER.descriptors,
                SPARE.descriptors,
            ),
            ("memory", "MemoryMax", self.before.memory, now.memory, OF_A_PEER.memory, SPARE.memory),
        ];
        for (what, limit, before, now, cost, spare) in kinds {
            let Some(most) = now.most else { continue };
            if needed(before, now, cost, peers) + spare > most {
                return Err(Short { what, limit, most });
            }
        }
        Ok(())
    }
}

/// With one more: by what peers come to, or by what there is, whichever is more.
fn needed(before: Amount, now: Amount, cost: u64, peers: usize) -> u64 {
    let planned = before.used + cost * peers as u64;
    planned.max(now.used) + cost
}

/// What a host with so many seats needs.
pub fn for_seats(seats: u64) -> Cost {
    let all = |base, of_a_peer, spare| base + of_a_peer * seats + spare;
    Cost {
        threads: all(BASE.threads, OF_A_PEER.threads, SPARE.threads),
        descriptors: all(BASE.descriptors, OF_A_PEER.descriptors, SPARE.descriptors),
        memory: all(BASE.memory, OF_A_PEER.memory, SPARE.memory),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(threads: u64, most: u64) -> Limits {
        Limits { threads: Amount { used: threads, most: Some(most) }, ..Limits::default() }
    }

    #[test]
    fn peers_that_only_begin_count_in_full() {
        let budget = Budget::new(limits(10, 128));
        // None of them has a thread yet.
        let admitted = (0..100).take_while(|peers| budget.admits(&limits(10, 128), *peers).is_ok()).count();
        assert_eq!(admitted, ((128 - 10 - SPARE.threads) / OF_A_PEER.threads) as usize);
    }

    #[test]
    fn what_is_there_counts_too() {
        let budget = Budget::new(limits(10, 128));
        let short = budget.admits(&limits(120, 128), 1).expect_err("there is no room");
        assert_eq!(short.to_string(), "the host has no threads for another guest: TasksMax=128");
    }

    #[test]
    fn without_limits_all_are_admitted() {
        assert_eq!(Budget::new(Limits::default()).admits(&Limits::default(), 10_000), Ok(()));
    }

    #[test]
    fn memory_and_descriptors_run_out_as_well() {
        let full = Amount { used: 1 << 40, most: Some(1 << 40) };
        let budget = Budget::new(Limits::default());
        for (now, what) in [
            (Limits { memory: full, ..Limits::default() }, "memory"),
            (Limits { descriptors: full, ..Limits::default() }, "descriptors"),
        ] {
            assert_eq!(budget.admits(&now, 0).expect_err("full").what, what);
        }
    }
}
