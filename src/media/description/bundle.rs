//! Which sections share one transport (RFC 8843).

use super::Bundling;
use super::section::{Attributes, MediaLine};

/// A description's bundle: its first group that has a section in it, as webrtcbin knows one only.
pub(super) struct Bundle<'a> {
    session: &'a Attributes<'a>,
    /// The names in it; `None`: each section has a transport of its own.
    mids: Option<Vec<&'a str>>,
    /// The section whose transport it is; it alone has to describe it.
    tagged: Option<&'a Attributes<'a>>,
}

impl<'a> Bundle<'a> {
    pub(super) fn of(session: &'a Attributes<'a>, sections: &'a [(MediaLine<'a>, Attributes<'a>)]) -> Self {
        // Each section is looked through once: a group has room for thousands of names.
        let named: Vec<_> =
            sections.iter().filter_map(|(_, section)| Some((section.get("mid")?, section))).collect();
        let of = |mid: &str| named.iter().find(|(name, _)| *name == mid).map(|(_, section)| *section);
        let groups = session.all("group").filter_map(|group| group.strip_prefix("BUNDLE "));
        let groups = groups.map(|group| group.split_whitespace().filter(|mid| of(mid).is_some()));
        let mids = groups.map(Iterator::collect::<Vec<_>>).find(|mids| !mids.is_empty());
        let tagged = mids.iter().flatten().find_map(|mid| of(mid));
        Self { session, mids, tagged }
    }

    pub(super) fn bundling(&self) -> Bundling {
        match self.mids {
            Some(_) => Bundling::Bundled,
            None => Bundling::Separate,
        }
    }

    /// Whether a section is in it.
    pub(super) fn has(&self, section: &Attributes) -> bool {
        let mid = section.get("mid");
        self.mids.iter().flatten().any(|named| mid == Some(named))
    }

    pub(super) fn session(&self) -> &'a Attributes<'a> {
        self.session
    }

    /// Where an attribute of a section's transport stands: in the section itself, in the one whose transport it shares, or in the session.
    pub(super) fn transport(&self, section: &'a Attributes<'a>, name: &str) -> &'a Attributes<'a> {
        let shared = self.tagged.filter(|_| self.has(section));
        let parts = [Some(section), shared].into_iter().flatten();
        parts.into_iter().find(|part| part.get(name).is_some()).unwrap_or(self.session)
    }
}
