//! How long the jitter buffers of one peer wait for a packet that is missing: as long as it takes to ask for it and to get it. Pure.

/// The least, in milliseconds: on any path packets overtake each other.
pub const LEAST_MS: u32 = 120;
/// The longest, in milliseconds; a face that lags more is no conversation.
const MOST_MS: u32 = 450;
/// Beside the round trip, in milliseconds: until a gap is noticed and asked for, and what is sent again has waited for its turn.
const BESIDE_MS: f64 = 60.0;
/// A round trip varies by this share.
const VARIES: f64 = 1.3;
/// Less of a difference changes nothing, in milliseconds.
const CHANGE_MS: u32 = 20;

/// The wait of one peer, in milliseconds.
#[derive(Debug)]
pub struct JitterWait(u32);

impl Default for JitterWait {
    /// Before anything is known of the path.
    fn default() -> Self {
        Self(LEAST_MS)
    }
}

impl JitterWait {
    /// The round trip is so long, in milliseconds. Returns the wait that is to be from now on, where that is another.
    pub fn follow(&mut self, round_trip_ms: f64) -> Option<u32> {
        // At most `MOST_MS`.
        let wanted = (round_trip_ms * VARIES + BESIDE_MS).clamp(LEAST_MS.into(), MOST_MS.into()) as u32;
        (wanted.abs_diff(self.0) >= CHANGE_MS).then(|| {
            self.0 = wanted;
            wanted
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_is_waited_for_as_long_as_it_takes_to_get_it_again() {
        for (round_trip, waits) in
            [(0.0, None), (40.0, None), (100.0, Some(190)), (300.0, Some(450)), (5_000.0, Some(450))]
        {
            assert_eq!(JitterWait::default().follow(round_trip), waits, "{round_trip}");
        }
    }

    #[test]
    fn it_follows_the_path_and_not_each_of_its_moods() {
        let mut wait = JitterWait::default();
        let waits = [200.0, 210.0, 190.0, 20.0, 25.0].map(|round_trip| wait.follow(round_trip));
        assert_eq!(waits, [Some(320), None, None, Some(120), None]);
    }
}
