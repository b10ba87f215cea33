//! Which ways the media of a section go.

use super::section::Attributes;

/// Which ways the media of a section go, as the author of the description sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Both.
    SendRecv,
    /// From the author only.
    SendOnly,
    /// To the author only.
    RecvOnly,
    /// None.
    Inactive,
}

impl Direction {
    pub(super) const ALL: [Self; 4] = [Self::SendRecv, Self::SendOnly, Self::RecvOnly, Self::Inactive];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::SendRecv => "sendrecv",
            Self::SendOnly => "sendonly",
            Self::RecvOnly => "recvonly",
            Self::Inactive => "inactive",
        }
    }

    pub(super) fn of(section: &Attributes, session: &Attributes) -> Self {
        let said = |attributes: &Attributes| {
            let names = attributes.0.iter().map(|(name, _)| *name);
            names.into_iter().find_map(|name| Self::ALL.into_iter().find(|way| way.as_str() == name))
        };
        // RFC 8866, 6.7: both ways where nothing is said.
        said(section).or_else(|| said(session)).unwrap_or(Self::SendRecv)
    }

    /// Whether something comes from its author.
    pub fn sends(self) -> bool {
        match self {
            Self::SendRecv | Self::SendOnly => true,
            Self::RecvOnly | Self::Inactive => false,
        }
    }

    /// Whether its author takes something.
    pub fn receives(self) -> bool {
        match self {
            Self::SendRecv | Self::RecvOnly => true,
            Self::SendOnly | Self::Inactive => false,
        }
    }

    /// Of an answer, what this offer leaves of it (RFC 3264, section 6.1).
    pub(super) fn within(self, offered: Self) -> Self {
        match (self.sends() && offered.receives(), self.receives() && offered.sends()) {
            (true, true) => Self::SendRecv,
            (true, false) => Self::SendOnly,
            (false, true) => Self::RecvOnly,
            (false, false) => Self::Inactive,
        }
    }
}
