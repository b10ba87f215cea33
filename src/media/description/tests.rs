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
    Description::read(text, |_| true)
}

#[test]
fn the_first_codec_that_can_be_decoded_is_taken_with_its_retransmissions() {
    let all = read(&offer()).expect("a good offer");
    assert_eq!(all.sections.iter().map(|s| s.codec).collect::<Vec<_>>(), [Codec::Opus, Codec::Vp8]);
    assert!(all.sdp.contains("m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\n"), "{}", all.sdp);
    let h264 = Description::read(&offer(), |codec| codec != Codec::Vp8).expect("a good offer");
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
    let cases: [(&str, &str, &str); 14] = [
        ("v=0", "v=1", "does not begin"),
        ("a=mid:1", "a=mid:0", "one mid"),
        ("a=mid:1\r\n", "", "no mid"),
        ("a=rtcp-mux\r\n", "", "rtcp-mux"),
        ("a=ice-ufrag:abcd", "a=ice-ufrag:ab", "ice-ufrag"),
        ("a=ice-pwd:0123456789012345678901", "a=ice-pwd:%n%n%n%n%n%n%n%n%n%n%n", "ice-pwd"),
        ("sha-256 00:11", "sha-256 0:11", "fingerprint"),
        ("a=setup:actpass", "a=setup:holdconn", "setup"),
        ("m=video 9", "m=application 9", "only audio and video"),
        ("m=video 9", "m=video 0", "RTP over DTLS"),
        ("UDP/TLS/RTP/SAVPF 45", "RTP/AVP 45", "RTP over DTLS"),
        ("BUNDLE 0 1", "BUNDLE 0 1 2", "bundle"),
        ("opus/48000/2", "opus/8000/2", "no codec"),
        ("s=-", "s=\u{1}", "control characters"),
    ];
    for (from, to, why) in cases {
        let error = read(&offer().replace(from, to)).expect_err(why);
        assert!(error.to_string().contains(why), "{error} is not about {why}");
    }
    assert!(read(&long).is_err());
    assert!(read("").is_err());
}

#[test]
fn only_candidates_with_an_address_are_taken() {
    for good in [
        "candidate:1 1 UDP 2015363327 192.0.2.2 41234 typ host",
        "a=candidate:a+/ 1 tcp 1 2001:db8::1 9 typ srflx raddr 192.0.2.1 rport 9 tcptype active",
    ] {
        assert!(candidate(good).is_some(), "{good}");
    }
    for bad in [
        "",
        "candidate:",
        "candidate:1 1 UDP 2015363327 kiosk.local 41234 typ host",
        "candidate:1 3 UDP 2015363327 192.0.2.2 41234 typ host",
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
        assert!(lines < read.sections.len() * (MOST_ATTRIBUTES + 12) + 8, "{lines} lines for {line:?}");
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
        let _ = candidate(&text).is_some();
    }
}
