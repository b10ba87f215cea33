//! Values with bounds that the protocol fixes: names, notes, timeouts, volumes.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

macro_rules! bounded_text {
    ($(#[$doc:meta])* $name:ident, $max:literal, $why:literal, $control:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// The text, untouched.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = &'static str;
            fn try_from(text: String) -> Result<Self, &'static str> {
                let allowed: fn(char) -> bool = $control;
                if text.len() <= $max && text.chars().all(allowed) { Ok(Self(text.into())) } else { Err($why) }
            }
        }
    };
}

bounded_text!(
    /// What the asker wants the other side to know; passed through untouched. At most 1,024 bytes.
    ExtraInfo,
    1024,
    "extra_info must be a string of at most 1024 bytes",
    |_| true
);
bounded_text!(
    /// Who at a shared host acted; comes back as `by.operator`. At most 64 bytes.
    Operator,
    64,
    "operator must be a string of at most 64 bytes",
    |_| true
);
bounded_text!(
    /// Why a stage ended a peer connection, in a sentence: at most 256 bytes of UTF-8 without control characters.
    ByeReason,
    256,
    "reason must be at most 256 bytes without control characters",
    |c| !c.is_control()
);

/// How long a request stays open: 0–3600 whole seconds, 0 for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "i64")]
pub struct RequestTimeout(u32);

impl RequestTimeout {
    /// The default of every request: 30 s.
    pub const DEFAULT: Self = Self(30);
    /// A request that never expires.
    pub const NEVER: Self = Self(0);
    /// Longest timeout in seconds.
    pub const MAX: u32 = 3600;

    /// `seconds`, cut to 3600.
    pub fn seconds(seconds: u32) -> Self {
        Self(seconds.min(Self::MAX))
    }

    /// What is left, rounded up to whole seconds; at least 1, because 0 would say "never".
    pub fn left(left: Option<Duration>) -> Self {
        match left {
            None => Self::NEVER,
            Some(left) => {
                let seconds = left.as_millis().div_ceil(1000).clamp(1, u128::from(Self::MAX));
                Self(u32::try_from(seconds).expect("clamped to 3600"))
            }
        }
    }

    /// The duration; `None` for a request that never expires.
    pub fn duration(self) -> Option<Duration> {
        (self.0 > 0).then(|| Duration::from_secs(self.0.into()))
    }
}

impl TryFrom<i64> for RequestTimeout {
    type Error = &'static str;
    fn try_from(seconds: i64) -> Result<Self, &'static str> {
        u32::try_from(seconds)
            .ok()
            .filter(|s| *s <= Self::MAX)
            .map(Self)
            .ok_or("timeout must be 0 to 3600 seconds (0: never expires)")
    }
}

/// A volume in percent, 0–100.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "i64")]
pub struct Volume(u8);

impl Volume {
    /// Full volume.
    pub const FULL: Self = Self(100);

    /// The volume in percent.
    pub fn percent(self) -> u8 {
        self.0
    }
}

impl TryFrom<i64> for Volume {
    type Error = &'static str;
    fn try_from(percent: i64) -> Result<Self, &'static str> {
        u8::try_from(percent).ok().filter(|p| *p <= 100).map(Self).ok_or("volume must be 0 to 100")
    }
}
