//! What was found, in words.

use serde::Serialize;

use crate::foreign;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Verdict {
    /// As it should be.
    Good,
    /// Works, but somebody should know.
    Warning,
    /// Does not work.
    Wrong,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    pub(super) verdict: Verdict,
    /// What was looked at: `broker`, `camera` …
    pub(super) what: &'static str,
    /// What is, and where it is not as it should be, what to do.
    pub(super) sentence: String,
}

impl Finding {
    pub(super) fn good(what: &'static str, sentence: impl Into<String>) -> Self {
        Self { verdict: Verdict::Good, what, sentence: sentence.into() }
    }

    pub(super) fn warning(what: &'static str, sentence: impl Into<String>) -> Self {
        Self { verdict: Verdict::Warning, what, sentence: sentence.into() }
    }

    pub(super) fn wrong(what: &'static str, sentence: impl Into<String>) -> Self {
        Self { verdict: Verdict::Wrong, what, sentence: sentence.into() }
    }

    /// One line.
    pub(super) fn line(&self) -> String {
        let mark = match self.verdict {
            Verdict::Good => "ok",
            Verdict::Warning => "warning",
            Verdict::Wrong => "WRONG",
        };
        format!("{mark:<8} {:<14} {}", self.what, foreign::escape(&self.sentence))
    }
}
