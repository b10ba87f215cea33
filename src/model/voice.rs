//! What is done to a voice before it is sent.

/// What is done to a voice before it is sent; the names are those of W3C Media Capture and Streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Voice {
    /// What the speaker plays is taken out of what the microphone hears.
    pub echo_cancellation: bool,
    /// Steady noise is taken out.
    pub noise_suppression: bool,
    /// Quiet voices are made louder.
    pub auto_gain_control: bool,
}

impl Voice {
    /// As the microphone gives it.
    pub const UNTOUCHED: Self =
        Self { echo_cancellation: false, noise_suppression: false, auto_gain_control: false };
}
