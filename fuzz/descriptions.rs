//! Any bytes as an offer, as an answer and as a candidate: what is handed to webrtcbin keeps to its rules.
//!
//! It builds the program's own readers again, as `wire` does. Of what is read it holds:
//!
//! * What is written for webrtcbin is read as the same again, with nothing left to reject.
//! * An answer has as many sections as the offer; each place is taken or rejected, and candidates find their way there and back.
//! * An answer is to what was offered, section by section, or none.
#![no_main]
#![allow(dead_code, missing_docs, reason = "only the readers are used of what is built here")]

#[path = "../src/media"]
pub mod media {
    pub mod codec;
    pub mod description;
    pub mod fingerprint;
}

use media::description::{Description, candidate};

/// What a guest offers.
const OFFER: &str = include_str!("sdp/offer.sdp");

fn sections(sdp: &str) -> usize {
    sdp.lines().filter(|line| line.starts_with("m=")).count()
}

fn offer(text: &str) {
    let Ok(read) = Description::offer(text, |_| true) else { return };
    let again = Description::offer(&read.sdp, |_| true).expect("what is written can be read");
    assert_eq!((&again.sections, again.bundling), (&read.sections, read.bundling));
    assert_eq!(again.sdp, read.sdp);
    // As webrtcbin answers: what it was given, and no more.
    let answer = read.complete(&read.sdp);
    assert_eq!(sections(&answer), sections(text));
    for at in 0..u32::try_from(read.sections.len()).expect("a few") {
        let place = read.place_of(at).expect("it stands somewhere");
        assert_eq!(read.section_of(None, Some(place)), Some(at));
    }
}

fn answer(text: &str) {
    let Ok(read) = Description::answer(text, OFFER) else { return };
    assert_eq!(sections(&read.sdp), sections(OFFER));
    assert!(!read.sections.is_empty() && read.certificates.iter().all(|named| named.first().is_some()));
    let again = Description::answer(&read.sdp, OFFER).expect("what is written can be read");
    assert_eq!(again.sdp.lines().count(), read.sdp.lines().count());
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    offer(&text);
    answer(&text);
    let _ = candidate(&text).map(str::len);
});
