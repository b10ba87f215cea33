//! How late what was played is heard: found by how loud both are, bin by bin.
//!
//! Stamps say how long the cards hold a sound as far as their drivers know. What a television set, a radio link or a sound server holds
//! beside that is found here: the way by which what is heard is most like what was played.
//!
//! Invariant: nothing is said that was not found twice. A voice in front of the microphone, or a room without echo, is like nothing.

/// Samples of a bin, 5 ms.
const BIN: usize = 240;
/// Bins that are known of each side, 5 s.
const KNOWN: i64 = 1024;
/// Bins that are compared, 2 s.
const COMPARED: i64 = 400;
/// They are compared so often, each half second.
const EVERY: i64 = 100;
/// The ways that are tried, in bins: what is heard so long after, or before, it is given to the canceller.
const WAYS: std::ops::RangeInclusive<i64> = -16..=60;
/// Less like than this is by chance; 1 is the same.
const LIKE: f64 = 0.5;
/// As quiet as nothing, −70 dBFS.
const QUIET: f32 = 1e-7;
/// Sound that is always as loud as this varies is like anything.
const EVEN: f64 = 0.01;

/// Compares what was played with what is heard.
#[derive(Debug, Default)]
pub struct DelayEstimator {
    played: LevelEnvelope,
    heard: LevelEnvelope,
    next: i64,
    found: Option<i64>,
}

impl DelayEstimator {
    /// Given to the canceller when the microphone has given so many samples.
    pub fn played(&mut self, at: i64, power: &[f32]) {
        self.played.put(at, power);
    }

    /// Heard from so many samples on; how many samples after it was given to the canceller what was played is heard, once that is sure.
    pub fn heard(&mut self, at: i64, power: &[f32]) -> Option<i64> {
        self.heard.put(at, power);
        if self.heard.newest < self.next {
            return None;
        }
        self.next = self.heard.newest + EVERY;
        let best = WAYS.filter_map(|way| Some((way, self.like(way)?))).max_by(|a, b| a.1.total_cmp(&b.1));
        let found = best.filter(|(_, like)| *like >= LIKE).map(|(way, _)| way);
        let before = std::mem::replace(&mut self.found, found);
        let (found, before) = (found?, before?);
        (found.abs_diff(before) <= 1).then_some(found * BIN as i64)
    }

    /// How like what is heard is to what was played so many bins before; `None` where one of them says nothing.
    fn like(&self, way: i64) -> Option<f64> {
        let newest = self.heard.newest;
        if newest - way > self.played.newest {
            return None;
        }
        let pairs: Vec<(f64, f64)> = (newest - COMPARED + 1..=newest)
            .map(|at| Some((self.heard.at(at)?, self.played.at(at - way)?)))
            .collect::<Option<_>>()?;
        let count = COMPARED as f64;
        let (x, y) = pairs.iter().fold((0.0, 0.0), |(x, y), pair| (x + pair.0 / count, y + pair.1 / count));
        let of = |f: &dyn Fn(&(f64, f64)) -> f64| pairs.iter().map(f).sum::<f64>() / count;
        let (xx, yy) = (of(&|pair| (pair.0 - x).powi(2)), of(&|pair| (pair.1 - y).powi(2)));
        let xy = of(&|pair| (pair.0 - x) * (pair.1 - y));
        (xx > EVEN && yy > EVEN).then(|| xy / (xx * yy).sqrt())
    }
}

/// How loud one side is, over time.
#[derive(Debug)]
struct LevelEnvelope {
    /// The last bin that is known.
    newest: i64,
    /// The first one.
    oldest: Option<i64>,
    bins: Vec<f32>,
}

impl Default for LevelEnvelope {
    fn default() -> Self {
        Self { newest: 0, oldest: None, bins: vec![0.0; usize::try_from(KNOWN).unwrap_or_default()] }
    }
}

impl LevelEnvelope {
    /// From so many samples on; what was left out was silence.
    fn put(&mut self, at: i64, power: &[f32]) {
        let first = at.div_euclid(BIN as i64);
        for (bin, power) in (first..).zip(power) {
            if self.oldest.is_none() {
                (self.oldest, self.newest) = (Some(bin), bin);
            }
            for silent in (self.newest + 1..bin).rev().take(self.bins.len()) {
                self.set(silent, 0.0);
            }
            self.newest = self.newest.max(bin);
            self.set(bin, *power);
        }
    }

    fn set(&mut self, bin: i64, power: f32) {
        let place = usize::try_from(bin.rem_euclid(KNOWN)).unwrap_or_default();
        if let Some(known) = self.bins.get_mut(place) {
            *known = power;
        }
    }

    fn at(&self, bin: i64) -> Option<f64> {
        let is_known = self.oldest.is_some_and(|oldest| oldest <= bin) && bin <= self.newest;
        let place =
            usize::try_from(bin.rem_euclid(KNOWN)).ok().filter(|_| is_known && bin > self.newest - KNOWN)?;
        self.bins.get(place).map(|power| f64::from((power + QUIET).ln()))
    }
}

/// The power of each bin; full scale is 1.
pub fn power(sound: &[i16]) -> Vec<f32> {
    let full = |sample: &i16| f32::from(*sample) / 32_768.0;
    let of = |bin: &[i16]| bin.iter().map(full).map(|sample| sample * sample).sum::<f32>() / bin.len() as f32;
    sound.chunks(BIN).map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As loud as a voice is, now and then; the same each time.
    fn voice(seed: u32) -> impl FnMut() -> f32 {
        let (mut seed, mut level) = (seed, 0.0_f32);
        move || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let wanted = if seed >> 29 == 0 { (seed >> 8 & 0xffff) as f32 / 65_536.0 } else { level * 0.8 };
            level += 0.5 * (wanted - level);
            level
        }
    }

    /// All that is found in 20 s of a voice that is heard so many bins later, beside another.
    fn found(way: i64, echo: f32, other: f32) -> Vec<i64> {
        let (mut far, mut near, mut likeness) = (voice(1), voice(9), DelayEstimator::default());
        let mut played: Vec<f32> = Vec::new();
        let mut found = Vec::new();
        for at in 0..4_000_i64 {
            played.push(far());
            // It is given to the canceller 70 ms after it was played.
            likeness.played((at + 14) * BIN as i64, &played[played.len() - 1..]);
            let heard = usize::try_from(at - 14 - way).ok().and_then(|then| played.get(then));
            let power = heard.map_or(0.0, |power| power * echo) + near() * other;
            found.extend(likeness.heard(at * BIN as i64, &[power]).map(|samples| samples / BIN as i64));
        }
        found
    }

    #[test]
    fn the_way_of_an_echo_is_found() {
        for way in [-10, 0, 7, 40] {
            for (echo, other) in [(0.1, 0.0), (0.001, 0.0), (0.1, 0.01)] {
                let found = found(way, echo, other);
                assert!(found.len() > 10, "{way} {echo} {other}: {found:?}");
                assert!(
                    found.iter().all(|found| found.abs_diff(way) <= 1),
                    "{way} {echo} {other}: {found:?}"
                );
            }
        }
    }

    #[test]
    fn where_there_is_no_echo_none_is_found() {
        assert_eq!(found(7, 0.0, 0.0), [0_i64; 0], "silence");
        assert_eq!(found(7, 0.0, 0.1), [0_i64; 0], "another voice");
        assert_eq!(found(200, 0.1, 0.0), [0_i64; 0], "later than anything is tried");
    }

    #[test]
    fn power_is_of_each_bin() {
        assert_eq!(power(&[16_384; 2 * BIN]), [0.25, 0.25]);
        assert_eq!(power(&[i16::MIN; BIN + 1]), [1.0, 1.0], "what is left is a bin");
        assert!(power(&[]).is_empty());
    }
}
