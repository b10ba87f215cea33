use super::*;

const PRINT: &str =
    "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF";

fn offer() -> String {
    format!(
        "v=0\r\no=- 4611 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\na=extmap-allow-mixed\r\n\
         a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\na=fingerprint:sha-256 {PRINT}\r\n\
         m=audio 9 UDP/TLS/RTP/SAVPF 111 0\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=rtcp-mux\r\na=setup:actpass\r\n\
         a=sendrecv\r\na=rtpmap:111 opus/48000/2\r\na=fmtp:111 useinbandfec=1\r\na=rtpmap:0 PCMU/8000\r\n\
         a=candidate:1 1 udp 2122260223 192.0.2.7 54321 typ host generation 0\r\n\
         a=candidate:2 1 udp 2122260223 kiosk.local 54321 typ host\r\n\
         m=video 9 UDP/TLS/RTP/SAVPF 45 96 97 98 99\r\nc=IN IP4 0.0.0.0\r\na=mid:1\r\na=rtcp-mux\r\n\
         a=setup:actpass\r\na=sendonly\r\na=x-secret:1\r\na=rtpmap:45 AV1/90000\r\na=rtpmap:96 VP8/90000\r\n\
         a=rtcp-fb:96 nack pli\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\na=rtpmap:98 H264/90000\r\n\
         a=fmtp:98 packetization-mode=1\r\na=rtpmap:99 rtx/90000\r\na=fmtp:99 apt=98\r\n"
    )
}

fn read(text: &str) -> Result<Description, Unusable> {
    Description::offer(text, |_| true)
}

#[test]
fn the_first_codec_that_can_be_decoded_is_taken_with_its_retransmissions() {
    let all = read(&offer()).expect("a good offer");
    assert_eq!(all.sections.iter().map(|s| s.codec).collect::<Vec<_>>(), [Codec::Opus, Codec::Vp8]);
    assert!(all.sdp.contains("m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\n"), "{}", all.sdp);
    let h264 = Description::offer(&offer(), |codec| codec != Codec::Vp8).expect("a good offer");
    assert!(h264.sdp.contains("m=video 9 UDP/TLS/RTP/SAVPF 98 99\r\n"), "{}", h264.sdp);
    for gone in ["AV1", "PCMU", "x-secret", "a=candidate", "VP8", "apt=96"] {
        assert!(!h264.sdp.contains(gone), "{gone} in {}", h264.sdp);
    }
    assert_eq!(h264.sdp.matches("a=ice-ufrag:abcd").count(), 2, "session attributes go into each section");
    assert_eq!(h264.bundling, Bundling::Bundled);
}

#[test]
fn candidates_inside_are_taken_out_and_names_dropped() {
    let candidates = read(&offer()).expect("a good offer").candidates;
    let good = "candidate:1 1 udp 2122260223 192.0.2.7 54321 typ host generation 0";
    assert_eq!(candidates, [(0, good.to_owned())]);
}

#[test]
fn a_candidate_finds_its_section_by_name_or_by_number() {
    let offer = read(&offer()).expect("a good offer");
    assert_eq!(offer.section_of(Some("1"), None), Some(1));
    assert_eq!(offer.section_of(Some("1"), Some(0)), Some(1));
    assert_eq!(offer.section_of(None, Some(0)), Some(0));
    assert_eq!(offer.section_of(Some("7"), Some(2)), None);
    assert_eq!(offer.section_of(None, None), None);
}

#[test]
fn what_webrtcbin_relies_on_must_be_there() {
    let long = "x".repeat(LONGEST + 1);
    let cases: [(&str, &str, &str); 11] = [
        ("v=0", "v=1", "does not begin"),
        ("a=mid:1", "a=mid:0", "one mid"),
        ("a=mid:1\r\n", "", "no mid"),
        ("a=rtcp-mux\r\n", "", "rtcp-mux"),
        ("a=ice-ufrag:abcd", "a=ice-ufrag:ab", "ice-ufrag"),
        ("a=ice-pwd:0123456789012345678901", "a=ice-pwd:%n%n%n%n%n%n%n%n%n%n%n", "ice-pwd"),
        ("sha-256 00:11", "sha-256 0:11", "fingerprint"),
        ("a=setup:actpass", "a=setup:holdconn", "setup"),
        ("m=video 9 UDP/TLS/RTP/SAVPF 45 96 97 98 99", "m=video 9 UDP/TLS/RTP/SAVPF", "incomplete"),
        ("m=video 9", "m=vi\u{e9}deo 9", "incomplete"),
        ("s=-", "s=\u{1}", "control characters"),
    ];
    for (from, to, why) in cases {
        // A group without the second section would make it one that is not taken.
        let text = offer().replace("a=group:BUNDLE 0 1\r\n", "").replace(from, to);
        let error = read(&text).expect_err(why);
        assert!(error.to_string().contains(why), "{error} is not about {why}");
    }
    assert!(read(&long).is_err());
    assert!(read("").is_err());
}

/// The places of the sections that are taken, and an answer to the offer: that of webrtcbin is made up.
fn answered(offer: &Description) -> (Vec<u32>, String) {
    let places = (0u32..).map_while(|at| offer.place_of(at)).collect();
    let own: String =
        offer.sections.iter().map(|s| format!("m=own 9 x 0\r\na=mid:{}\r\na=m=x\r\n", s.mid)).collect();
    (places, offer.complete(&format!("v=0\r\na=group:BUNDLE\r\n{own}")))
}

#[test]
fn a_section_that_is_not_taken_costs_itself_only_and_is_rejected_in_its_place() {
    let cases = [
        ("m=audio 9", "m=application 9", "m=application 0 UDP/TLS/RTP/SAVPF 111"),
        ("m=audio 9", "m=text 9", "m=text 0 UDP/TLS/RTP/SAVPF 111"),
        ("m=audio 9", "m=audio 0", "m=audio 0 UDP/TLS/RTP/SAVPF 111"),
        ("UDP/TLS/RTP/SAVPF 111", "RTP/AVP 111", "m=audio 0 RTP/AVP 111"),
        (
            "UDP/TLS/RTP/SAVPF 111 0",
            "UDP/DTLS/SCTP webrtc-datachannel",
            "m=audio 0 UDP/DTLS/SCTP webrtc-datachannel",
        ),
        ("opus/48000/2", "opus/8000/2", "m=audio 0 UDP/TLS/RTP/SAVPF 111"),
        ("BUNDLE 0 1", "BUNDLE 1", "m=audio 0 UDP/TLS/RTP/SAVPF 111"),
        ("BUNDLE 0 1", "BUNDLE 1\r\na=group:BUNDLE 0", "m=audio 0 UDP/TLS/RTP/SAVPF 111"),
    ];
    for (from, to, rejected) in cases {
        let offer = read(&offer().replace(from, to)).expect(to);
        let kinds: Vec<Kind> = offer.sections.iter().map(|section| section.kind).collect();
        assert_eq!(
            (kinds.as_slice(), offer.sdp.matches("m=").count()),
            ([Kind::Video].as_slice(), 1),
            "{to}"
        );
        assert!(offer.sdp.contains("a=group:BUNDLE 1\r\n"), "{}", offer.sdp);
        let (places, answer) = answered(&offer);
        assert_eq!(places, [1], "{to}");
        let (head, own) = answer.split_once("m=own").expect("what is taken is there");
        assert!(
            head.ends_with(&format!("\r\n{rejected}\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=inactive\r\n")),
            "{answer}"
        );
        assert!(own.ends_with("a=mid:1\r\na=m=x\r\n"), "{answer}");
        // Candidates name the places of the offer.
        assert_eq!([Some(1), Some(0)].map(|place| offer.section_of(None, place)), [Some(0), None], "{to}");
        assert_eq!(offer.section_of(Some("1"), Some(0)), Some(0));
    }
}

#[test]
fn an_offer_without_anything_that_is_taken_says_why() {
    for (from, to, why) in [
        ("m=", "m=x", "only audio and video"),
        ("SAVPF", "AVP", "RTP over DTLS"),
        ("rtpmap", "x", "no codec"),
        (" 9 UDP", " 0 UDP", "rejected"),
    ] {
        let error = read(&offer().replace(from, to)).expect_err(why);
        assert!(error.to_string().contains(why), "{error} is not about {why}");
    }
}

#[test]
fn a_port_of_zero_in_a_bundle_is_no_rejection_where_it_says_so() {
    let port = offer().replace("m=video 9", "m=video 0");
    let only = port.replace("a=mid:1", "a=bundle-only\r\na=mid:1");
    let kinds = |text: &str| read(text).expect("sound at least").sections.len();
    assert_eq!((kinds(&port), kinds(&only)), (1, 2));
    assert_eq!(kinds(&only.replace("BUNDLE 0 1", "LS 0 1")), 1, "there is no bundle: it has no way");
}

#[test]
fn what_shares_a_transport_need_not_describe_it_again() {
    // RFC 8843, section 7.1: the first names it for all; here its section itself is not taken.
    let transport =
        format!("a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\na=fingerprint:sha-256 {PRINT}\r\n");
    let sparse =
        offer().replace(&transport, "").replace("a=rtcp-mux\r\n", "").replace("a=setup:actpass\r\n", "");
    let tagged = format!("a=mid:0\r\na=rtcp-mux\r\na=setup:actpass\r\n{transport}");
    let text = sparse.replace("a=mid:0\r\n", &tagged);
    let both = read(&text).expect("one transport");
    assert_eq!((both.sections.len(), both.sdp.matches("a=ice-ufrag:abcd").count()), (2, 2), "{}", both.sdp);
    assert_eq!(both.certificates[0], both.certificates[1]);
    let data = read(&text.replace("m=audio 9 UDP/TLS/RTP/SAVPF 111 0", "m=application 9 UDP/DTLS/SCTP x"));
    assert!(data.expect("one transport").sdp.contains("a=ice-ufrag:abcd"));
    assert!(read(&text.replace("BUNDLE 0 1", "LS 0 1")).is_err(), "each has to say its own");
}

#[test]
fn sections_may_stand_in_any_order_and_of_one_kind_several() {
    let text = offer();
    let at = |what: &str| text.find(what).expect("it is there");
    let (session, audio, video) =
        (&text[..at("m=audio")], &text[at("m=audio")..at("m=video")], &text[at("m=video")..]);
    let turned = read(&format!("{session}{video}{audio}")).expect("a good offer");
    assert_eq!(turned.sections.iter().map(|s| s.kind).collect::<Vec<_>>(), [Kind::Video, Kind::Audio]);
    assert_eq!(turned.candidates[0].0, 1, "the candidate of sound");
    let more: String = (2..9).map(|mid| audio.replace("a=mid:0", &format!("a=mid:{mid}"))).collect();
    let session = session.replace("BUNDLE 0 1", "BUNDLE 0 1 2 3 4 5 6 7 8");
    let many = read(&format!("{session}{audio}{more}{video}")).expect("a good offer");
    assert_eq!(many.sections.len(), MOST_OF_A_KIND + 1, "pictures come after all of them");
    assert_eq!(many.first_sent(Kind::Audio).map(|s| s.mid.as_str()), Some("0"));
    assert_eq!(answered(&many).1.matches("m=audio 0 ").count(), 8 - MOST_OF_A_KIND);
    // What does not come from its author is not what is waited for.
    let first_mute = text.replace("a=sendrecv", "a=recvonly");
    assert_eq!(read(&first_mute).expect("a good offer").first_sent(Kind::Audio), None);
}

#[test]
fn a_direction_that_is_missing_is_that_of_the_session_or_both() {
    let ways = |text: &str| {
        let read = read(text).expect("a good offer");
        read.sdp
            .lines()
            .filter(|line| Direction::ALL.iter().any(|way| *line == format!("a={}", way.as_str())))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(ways(&offer()), ["a=sendrecv", "a=sendonly"]);
    let none = offer().replace("a=sendrecv\r\n", "").replace("a=sendonly\r\n", "");
    assert_eq!(ways(&none), ["a=sendrecv", "a=sendrecv"]);
    assert_eq!(ways(&none.replace("t=0 0", "t=0 0\r\na=inactive")), ["a=inactive", "a=inactive"]);
    assert_eq!(ways(&offer().replace("t=0 0", "t=0 0\r\na=inactive")), ["a=sendrecv", "a=sendonly"]);
}

/// What a guest offers.
fn own_offer() -> String {
    offer()
        .replace(" 45 96 97 98 99", " 98 99")
        .replace("a=setup:actpass\r\na=sendrecv", "a=setup:actpass\r\na=sendonly")
}

/// The answer of a stage that takes all.
fn answer() -> String {
    own_offer().replace("a=setup:actpass", "a=setup:active").replace("a=sendonly", "a=recvonly")
}

#[test]
fn what_an_answer_rejects_goes_nowhere_and_the_rest_goes_on() {
    let all = Description::answer(&answer(), &own_offer()).expect("a good answer");
    let taken =
        |answer: &Description| [Kind::Audio, Kind::Video].map(|kind| answer.first_received(kind).is_some());
    assert_eq!(taken(&all), [true, true]);
    // JSEP: what is rejected is in no bundle, and has no transport.
    let cut = |text: &str, mid: &str| {
        let (before, after) = text.split_once(&format!("a=mid:{mid}\r\n")).expect("it is there");
        let rest = after.find("m=").map_or("", |at| &after[at..]);
        format!("{before}a=mid:{mid}\r\n{rest}")
    };
    let no_pictures = cut(&answer(), "1").replace("m=video 9", "m=video 0").replace("BUNDLE 0 1", "BUNDLE 0");
    let no_sound = cut(&answer(), "0").replace("m=audio 9", "m=audio 0").replace("BUNDLE 0 1", "BUNDLE 1");
    for (text, expected) in [
        (no_pictures, [true, false]),
        (no_sound, [false, true]),
        (answer().replace("BUNDLE 0 1", "LS 0 1"), [true, false]),
        (answer().replace("H264", "AV1"), [true, false]),
        (answer().replacen("a=recvonly", "a=inactive", 1), [false, true]),
    ] {
        let read = Description::answer(&text, &own_offer()).expect("the other section is taken");
        assert_eq!(taken(&read), expected, "{text}");
        assert_eq!(read.sdp.matches("a=ice-ufrag:abcd").count(), 2, "webrtcbin gets both: {}", read.sdp);
        assert!(read.sdp.contains("a=group:BUNDLE 0 1\r\n"), "{}", read.sdp);
        assert_eq!(read.sdp.matches("a=inactive").count(), 1, "{}", read.sdp);
        assert_eq!(read.sdp.matches("a=recvonly").count(), 1, "{}", read.sdp);
    }
    let nothing = answer().replace("m=audio 9", "m=audio 0").replace("m=video 9", "m=video 0");
    assert_eq!(Description::answer(&nothing, &own_offer()), Err(Unusable::REJECTED));
}

#[test]
fn an_answer_without_a_direction_keeps_within_what_was_offered() {
    let none = answer().replace("a=recvonly\r\n", "");
    let read = Description::answer(&none, &own_offer()).expect("a good answer");
    assert!(read.sections.iter().all(|section| section.direction == Direction::RecvOnly), "{}", read.sdp);
    let inactive = none.replace("t=0 0", "t=0 0\r\na=inactive");
    let read = Description::answer(&inactive, &own_offer()).expect("a good answer");
    assert!(read.sections.iter().all(|section| section.direction == Direction::Inactive), "{}", read.sdp);
}

#[test]
fn an_answer_to_something_else_is_none() {
    let text = answer();
    let video = text.find("m=video").expect("it is there");
    for other in [
        text.replace("a=mid:1", "a=mid:2").replace("BUNDLE 0 1", "BUNDLE 0 2"),
        text[..video].to_owned(),
        text.replace("m=video", "m=audio"),
        format!("{text}{}", &text[video..]),
    ] {
        assert!(Description::answer(&other, &own_offer()).is_err(), "{other}");
    }
}

#[test]
fn only_candidates_with_an_address_are_taken() {
    for good in [
        "candidate:1 1 UDP 2015363327 192.0.2.2 41234 typ host",
        "a=candidate:a+/ 1 udp 1 2001:db8::1 9 typ srflx raddr 192.0.2.1 rport 9",
    ] {
        assert!(candidate(good).is_some(), "{good}");
    }
    for bad in [
        "",
        "candidate:",
        "candidate:1 1 UDP 2015363327 kiosk.local 41234 typ host",
        "candidate:1 2 UDP 2015363327 192.0.2.2 41234 typ host",
        // Whoever asks for these is sent to somebody who is no peer.
        "candidate:1 1 tcp 1 192.0.2.2 9 typ host tcptype passive",
        "candidate:1 1 UDP 1 192.0.2.2 0 typ host",
        "candidate:1 1 UDP 1 224.0.0.251 5353 typ host",
        "candidate:1 1 UDP 1 ::ffff:239.255.255.250 1900 typ host",
        "candidate:1 1 UDP 1 ff02::fb 5353 typ host",
        "candidate:1 1 UDP 1 255.255.255.255 9 typ host",
        "candidate:1 1 UDP 1 0.0.0.0 9 typ host",
        "candidate:1 1 UDP 1 :: 9 typ host",
        "candidate:1 1 UDP 99999999999 192.0.2.2 41234 typ host",
        "candidate:1 1 UDP 1 192.0.2.2 99999 typ host",
        "candidate:1 1 UDP 1 192.0.2.2 1 typ nothing",
        "candidate:1 1 UDP 1 192.0.2.2 1 typ host \r\na=x",
    ] {
        assert_eq!(candidate(bad), None, "{bad}");
    }
    let long = format!("candidate:1 1 UDP 1 192.0.2.2 1 typ host {}", "x".repeat(LONGEST_CANDIDATE));
    assert_eq!(candidate(&long), None);
}

#[test]
fn what_is_passed_on_is_bounded() {
    let many = |line: &str| line.repeat(60 * 1024 / line.len());
    for line in ["a=ssrc:1 cname:x\r\n", "a=rtcp-fb:96 x\r\n", "a=extmap:1 urn:x\r\n", "a=msid:x y\r\n"] {
        let text = format!("{}{}", offer().trim_end(), "\r\n")
            + &many(line)[..(50 * 1024 / line.len()) * line.len()];
        let read = read(&text).expect("it can be used");
        let lines = read.sdp.lines().count();
        assert!(
            lines < read.sections.len() * (section::MOST_ATTRIBUTES + 12) + 8,
            "{lines} lines for {line:?}"
        );
    }
}

proptest::proptest! {
    #[test]
    fn no_bytes_panic(text in ".{0,400}", at in 0usize..1200, with in "[a-z=: \r\n0-9]{0,12}") {
        let _ = read(&text).map(|offer| offer.sections.len());
        let mut broken = offer();
        let at = broken.floor_char_boundary(at.min(broken.len()));
        broken.insert_str(at, &with);
        let _ = read(&broken).map(|offer| offer.sections.len());
        let _ = Description::answer(&broken, &own_offer()).map(|answer| answer.sections.len());
        let _ = candidate(&text).is_some();
    }
}
