//! How much of something one viewer may have: a token bucket. Pure.

use std::time::{Duration, Instant};

/// So many at once, and so many more each second.
#[derive(Debug)]
pub struct TokenBucket {
    most: f64,
    per_second: f64,
    left: f64,
    at: Option<Instant>,
}

impl TokenBucket {
    /// A full one.
    pub fn new(most: u32, per_second: u32) -> Self {
        let most = f64::from(most);
        Self { most, per_second: f64::from(per_second), left: most, at: None }
    }

    /// Takes one, if it is there.
    pub fn take(&mut self, now: Instant) -> bool {
        let passed = self.at.replace(now).map_or(Duration::ZERO, |at| now.saturating_duration_since(at));
        self.left = (self.left + passed.as_secs_f64() * self.per_second).min(self.most);
        let is_there = self.left >= 1.0;
        if is_there {
            self.left -= 1.0;
        }
        is_there
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_storm_gets_what_is_left_and_then_what_comes_back() {
        let (mut bucket, now) = (TokenBucket::new(5, 10), Instant::now());
        let taken = |bucket: &mut TokenBucket, now| (0..1_000).filter(|_| bucket.take(now)).count();
        assert_eq!(taken(&mut bucket, now), 5);
        assert_eq!(taken(&mut bucket, now + Duration::from_millis(210)), 2);
        assert_eq!(taken(&mut bucket, now + Duration::from_secs(60)), 5);
    }
}
