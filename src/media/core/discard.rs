//! Throwing a result away, said aloud.

/// Discards a result on purpose. `why` is for the reader: what makes a failure here of no interest.
pub fn ignore<T, E>(_: Result<T, E>, _why: &'static str) {}
