//! Identifiers, valid by construction, and the source of new ones.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngCore, SeedableRng};
use serde::{Deserialize, Serialize};

/// Longest id of a user or a room, in characters.
const MAX_ID: usize = 64;

/// A string that is no valid id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} must be 1 to 64 characters of A-Z a-z 0-9 _ . -, and not \".\" or \"..\" (got {got:?})")]
pub struct InvalidId {
    what: &'static str,
    got: String,
}

macro_rules! name_id {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(text: String) -> Result<Self, InvalidId> {
                text.as_str().parse()
            }
        }

        impl std::str::FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let fits = !text.is_empty()
                    && text.len() <= MAX_ID
                    // In a path and in an address they mean another place (RFC 3986, 5.2.4).
                    && !matches!(text, "." | "..")
                    && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'));
                if fits {
                    Ok(Self(text.into()))
                } else {
                    Err(InvalidId { what: $what, got: text.chars().take(MAX_ID).collect() })
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }
    };
}

name_id!(
    /// A device or a person: 1–64 characters of `A–Z a–z 0–9 _ . -`, but neither `.` nor `..`.
    UserId,
    "user_id"
);
name_id!(
    /// A live room: 1–64 characters of `A–Z a–z 0–9 _ . -`, but neither `.` nor `..`.
    LiveId,
    "live_id"
);

macro_rules! token_id {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// The token as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = &'static str;
            fn try_from(text: String) -> Result<Self, &'static str> {
                if text.is_empty() || text.chars().count() > MAX_ID {
                    Err(concat!($what, " must be a string of 1 to 64 characters"))
                } else {
                    Ok(Self(text.into()))
                }
            }
        }
    };
}

token_id!(
    /// Names one room-plane request of one guest; its `result` carries it back. Any string of 1–64 characters.
    RequestId,
    "request_id"
);
token_id!(
    /// Names one invitation of one host. Any string of 1–64 characters.
    InvitationId,
    "invitation_id"
);
token_id!(
    /// Names one session of a viewer. Any string of 1–64 characters; those that a host makes cannot be guessed.
    SessionId,
    "session"
);

/// Makes new random ids from a seed, so that a machine that uses it stays a pure function of its inputs.
#[derive(Debug)]
pub struct IdSource(StdRng);

impl IdSource {
    /// A source for `seed`: 32 random bytes from the operating system, or any fixed ones in a test.
    pub fn new(seed: [u8; 32]) -> Self {
        Self(StdRng::from_seed(seed))
    }

    /// A new random UUID (version 4) as text, 36 characters.
    pub fn uuid(&mut self) -> String {
        let mut bytes = [0; 16];
        self.0.fill_bytes(&mut bytes);
        uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
    }

    /// A pause somewhere between three quarters of `most` and `most`, so that many who wait do not come back at once.
    pub fn pause(&mut self, most: Duration) -> Duration {
        most.mul_f64(0.75 + 0.25 * f64::from(self.0.next_u32()) / f64::from(u32::MAX))
    }

    /// A new id for a request.
    pub fn request(&mut self) -> RequestId {
        RequestId(self.uuid().into())
    }

    /// A new id for an invitation.
    pub fn invitation(&mut self) -> InvitationId {
        InvitationId(self.uuid().into())
    }

    /// A new id for a session, which begins with `kind`: at most 28 characters of ASCII.
    pub fn session(&mut self, kind: &str) -> SessionId {
        SessionId(format!("{kind}{}", self.uuid()).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_names_mean_another_place_and_are_none() {
        for id in [".", "..", "", "a/b", "a b", "ö", &"a".repeat(65)] {
            assert!(id.parse::<UserId>().is_err() && id.parse::<LiveId>().is_err(), "{id}");
        }
        for id in ["...", ".a", "a.", "..a", "-", "_", &".".repeat(64)] {
            assert!(id.parse::<UserId>().is_ok() && id.parse::<LiveId>().is_ok(), "{id}");
        }
    }
}
