//! The text of an offer to a viewer: what it says of a codec, and its candidates. Pure.

use crate::media::codec::Codec;
use crate::media::description::{Description, Kind};

/// H.264 that says nothing of itself is constrained baseline, as every browser takes it (RFC 6184).
const USUAL_PROFILE: &str = "42e01f";

/// What a guest sends of one kind, as far as an offer says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentStream {
    /// What it is encoded with.
    pub codec: Codec,
    /// Of H.264 `profile-level-id`: six hexadecimal digits.
    pub profile: String,
}

impl SentStream {
    /// Of the first section of a kind that its author sends.
    pub fn of(description: &Description, kind: Kind) -> Option<Self> {
        let section = description.first_sent(kind)?;
        let says = format!("a=fmtp:{} ", section.payload);
        let parameters =
            description.sdp.lines().find_map(|line| line.strip_prefix(&says)).unwrap_or_default();
        let profile = parameters.split(';').find_map(|parameter| {
            let (name, value) = parameter.trim().split_once('=')?;
            let is_one = value.len() == 6 && value.bytes().all(|digit| digit.is_ascii_hexdigit());
            (name == "profile-level-id" && is_one).then(|| value.to_owned())
        });
        Some(Self { codec: section.codec, profile: profile.unwrap_or_else(|| USUAL_PROFILE.to_owned()) })
    }
}

/// The offer with these candidates, each in the section of its index, and no more to come.
pub fn with_candidates(sdp: &str, candidates: &[(u32, String)]) -> String {
    let lines: Vec<&str> = sdp.lines().filter(|line| !line.starts_with("a=candidate:")).collect();
    let mut out = String::with_capacity(sdp.len() + 128 * candidates.len());
    // The session's own lines come first.
    for (part, lines) in lines.chunk_by(|_, next| !next.starts_with("m=")).enumerate() {
        lines.iter().for_each(|line| out.extend([line, "\r\n"]));
        let Some(section) = part.checked_sub(1) else { continue };
        let own = candidates.iter().filter(|(line, _)| usize::try_from(*line) == Ok(section));
        own.for_each(|(_, candidate)| out.extend(["a=", candidate, "\r\n"]));
        out.push_str("a=end-of-candidates\r\n");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidates_stand_in_their_sections() {
        let sdp =
            "v=0\r\ns=-\r\nm=audio 9 X 111\r\na=mid:0\r\na=candidate:old\r\nm=video 9 X 96\r\na=mid:1\r\n";
        let all = [(0, "candidate:1 a".to_owned()), (1, "candidate:2 b".to_owned()), (7, "x".to_owned())];
        assert_eq!(
            with_candidates(sdp, &all),
            "v=0\r\ns=-\r\nm=audio 9 X 111\r\na=mid:0\r\na=candidate:1 a\r\na=end-of-candidates\r\n\
             m=video 9 X 96\r\na=mid:1\r\na=candidate:2 b\r\na=end-of-candidates\r\n"
        );
    }
}
