//! Which ways the media of a section go.

use super::Attributes;

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
    const ALL: [Self; 4] = [Self::SendRecv, Self::SendOnly, Self::RecvOnly, Self::Inactive];

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
}
