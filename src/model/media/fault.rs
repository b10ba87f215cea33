//! What breaks in the world.

use crate::model::Code;

/// What broke in the world, as a plain value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Where: `ice`, `dtls`, `encoder`, `sdp`, `capture`, `whip` …
    pub stage: &'static str,
    /// The nearest code.
    pub code: Code,
    /// One English sentence.
    pub detail: String,
}

impl Fault {
    /// With its sentence.
    pub fn new(stage: &'static str, code: Code, detail: impl Into<String>) -> Self {
        Self { stage, code, detail: detail.into() }
    }

    /// The description of the far side is of no use.
    pub fn of_description(detail: impl Into<String>) -> Self {
        Self::new(Self::DESCRIPTION, Code::InvalidParameter, detail)
    }

    /// Whether the description of the far side is of no use.
    pub fn is_of_description(&self) -> bool {
        self.stage == Self::DESCRIPTION && self.code == Code::InvalidParameter
    }

    const DESCRIPTION: &str = "sdp";
}
