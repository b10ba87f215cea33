//! When a guest's offer is taken up.
//!
//! An offer costs: it is read, and webrtcbin makes sockets and threads for it. So of each guest one a second is taken up, the latest
//! that it made; and only when what it had before is gone, and not too many peers are on their way out. Invariant: of a guest that
//! makes offers without end there is one peer, one that ends, and one offer that waits.
//!
//! Pure: it is told what happens and when. Not here: who may sit (the host), whether the machine has room (`budget`).

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::model::media::IceCandidate;
use crate::model::stage::StagePeer;
use crate::model::{Media, UserId};

/// Of one guest, an offer is taken up no sooner after the last. Its own attempts are further apart (protocol, rule 16).
const PAUSE: Duration = Duration::from_secs(1);
/// Peers that are being ended; each still has its sockets and threads.
pub const MOST_ENDING: usize = 32;
/// Candidates that wait with an offer; those beyond are dropped.
const MOST_CANDIDATES: usize = 64;

/// An offer that is not read yet.
#[derive(Debug, Clone, PartialEq)]
pub struct Offer {
    /// Whose, and of which peer connection.
    pub id: StagePeer,
    /// The exchange.
    pub exchange: u32,
    /// The kind of seat.
    pub media: Media,
    /// The SDP.
    pub sdp: String,
    /// Candidates that came after it.
    pub candidates: Vec<IceCandidate>,
}

/// The guests that want something, or had it a moment ago.
#[derive(Debug, Default)]
pub struct Admission(BTreeMap<UserId, Guest>);

#[derive(Debug, Default)]
struct Guest {
    /// When its last offer was taken up.
    last: Option<Instant>,
    waiting: Option<Offer>,
    /// Peers of it that are being ended.
    ending: Vec<u64>,
}

impl Guest {
    /// Whether its offer may be taken up.
    fn is_due(&self, now: Instant) -> bool {
        let rested = self.last.is_none_or(|last| now.saturating_duration_since(last) >= PAUSE);
        self.waiting.is_some() && self.ending.is_empty() && rested
    }

    /// Whether there is nothing to remember of it.
    fn is_settled(&self, now: Instant) -> bool {
        let rested = self.last.is_none_or(|last| now.saturating_duration_since(last) >= PAUSE);
        self.waiting.is_none() && self.ending.is_empty() && rested
    }
}

impl Admission {
    /// Takes an offer; it replaces the guest's that waits, unless that is a later one of the same peer.
    pub fn offer(&mut self, offer: Offer) {
        let guest = self.0.entry(offer.id.guest.clone()).or_default();
        let stale = guest
            .waiting
            .as_ref()
            .is_some_and(|waiting| waiting.id == offer.id && waiting.exchange >= offer.exchange);
        if !stale {
            guest.waiting = Some(offer);
        }
    }

    /// Keeps a candidate for an offer that waits; gives it back when that does not.
    pub fn candidate(
        &mut self,
        id: &StagePeer,
        exchange: u32,
        candidate: IceCandidate,
    ) -> Result<(), IceCandidate> {
        let waiting = self.0.get_mut(&id.guest).and_then(|guest| guest.waiting.as_mut());
        let Some(offer) = waiting.filter(|offer| offer.id == *id && offer.exchange == exchange) else {
            return Err(candidate);
        };
        if offer.candidates.len() < MOST_CANDIDATES {
            offer.candidates.push(candidate);
        }
        Ok(())
    }

    /// The peer is not wanted any more.
    pub fn withdraw(&mut self, id: &StagePeer) {
        if let Some(guest) = self.0.get_mut(&id.guest) {
            guest.waiting.take_if(|offer| offer.id == *id);
        }
    }

    /// A peer of this guest is being ended.
    pub fn ends(&mut self, id: &StagePeer) {
        self.0.entry(id.guest.clone()).or_default().ending.push(id.peer);
    }

    /// A peer has ended.
    pub fn ended(&mut self, peer: u64) {
        for guest in self.0.values_mut() {
            guest.ending.retain(|ending| *ending != peer);
        }
    }

    /// An offer to take up now.
    pub fn next(&mut self, now: Instant) -> Option<Offer> {
        self.0.retain(|_, guest| !guest.is_settled(now));
        let ending: usize = self.0.values().map(|guest| guest.ending.len()).sum();
        let guest = self.0.values_mut().find(|guest| guest.is_due(now)).filter(|_| ending < MOST_ENDING)?;
        guest.last = Some(now);
        guest.waiting.take()
    }

    /// Whether there is nothing to look after.
    pub fn is_idle(&self) -> bool {
        self.0.values().all(|guest| guest.waiting.is_none() && guest.ending.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(guest: &str, peer: u64) -> Offer {
        let guest = UserId::try_from(guest.to_owned()).expect("a good id");
        let id = StagePeer { guest, peer };
        Offer { id, exchange: 1, media: Media::Video, sdp: String::new(), candidates: Vec::new() }
    }

    fn taken(admission: &mut Admission, now: Instant) -> Vec<u64> {
        std::iter::from_fn(|| admission.next(now)).map(|offer| offer.id.peer).collect()
    }

    #[test]
    fn the_first_offer_is_taken_up_at_once_and_then_one_a_second_the_latest() {
        let (mut admission, start) = (Admission::default(), Instant::now());
        let mut all = Vec::new();
        for n in 0..150 {
            let now = start + Duration::from_millis(20) * n;
            admission.offer(offer("ada", u64::from(n)));
            all.extend(taken(&mut admission, now));
        }
        assert_eq!(all, [0, 50, 100], "fifty a second for three seconds");
    }

    #[test]
    fn one_guest_holds_up_no_other() {
        let (mut admission, now) = (Admission::default(), Instant::now());
        admission.offer(offer("ada", 1));
        assert_eq!(taken(&mut admission, now), [1]);
        admission.offer(offer("ada", 2));
        admission.offer(offer("bob", 3));
        assert_eq!(taken(&mut admission, now), [3]);
    }

    #[test]
    fn what_it_had_is_gone_first() {
        let (mut admission, start) = (Admission::default(), Instant::now());
        let first = offer("ada", 1);
        admission.ends(&first.id);
        admission.offer(offer("ada", 2));
        let later = start + PAUSE * 5;
        assert_eq!(taken(&mut admission, later), [0u64; 0]);
        admission.ended(1);
        assert_eq!(taken(&mut admission, later), [2]);
        assert!(admission.is_idle());
    }

    #[test]
    fn while_many_end_none_begins() {
        let (mut admission, now) = (Admission::default(), Instant::now());
        for n in 0..MOST_ENDING as u64 {
            admission.ends(&offer(&format!("gone-{n}"), n).id);
        }
        admission.offer(offer("ada", 1000));
        assert_eq!(taken(&mut admission, now), [0u64; 0]);
        admission.ended(7);
        assert_eq!(taken(&mut admission, now), [1000]);
    }

    #[test]
    fn what_is_withdrawn_or_older_is_not_taken_up() {
        let (mut admission, now) = (Admission::default(), Instant::now());
        let newer = Offer { exchange: 3, ..offer("ada", 1) };
        admission.offer(newer.clone());
        admission.offer(Offer { exchange: 2, ..offer("ada", 1) });
        assert_eq!(admission.next(now), Some(newer));
        admission.offer(offer("bob", 2));
        admission.withdraw(&offer("bob", 9).id);
        assert!(!admission.is_idle(), "another peer");
        admission.withdraw(&offer("bob", 2).id);
        assert_eq!(taken(&mut admission, now), [0u64; 0]);
    }

    #[test]
    fn candidates_wait_with_their_offer_and_are_bounded() {
        let (mut admission, now) = (Admission::default(), Instant::now());
        let id = offer("ada", 1).id;
        let candidate = || IceCandidate {
            candidate: String::new(),
            sdp_mid: None,
            sdp_m_line_index: Some(0),
            username_fragment: None,
        };
        assert_eq!(admission.candidate(&id, 1, candidate()), Err(candidate()), "nothing waits");
        admission.offer(offer("ada", 1));
        for _ in 0..MOST_CANDIDATES * 2 {
            assert_eq!(admission.candidate(&id, 1, candidate()), Ok(()));
        }
        assert_eq!(admission.candidate(&id, 2, candidate()), Err(candidate()), "another exchange");
        assert_eq!(admission.next(now).map(|offer| offer.candidates.len()), Some(MOST_CANDIDATES));
    }

    #[test]
    fn who_has_rested_is_forgotten() {
        let (mut admission, now) = (Admission::default(), Instant::now());
        for n in 0..100 {
            admission.offer(offer(&format!("kiosk-{n}"), n));
        }
        assert_eq!(taken(&mut admission, now).len(), 100);
        assert_eq!(admission.next(now + PAUSE), None);
        assert!(admission.0.is_empty());
    }
}
