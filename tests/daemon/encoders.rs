//! Where no encoder works any more the seat is left, and the program ends so that systemd starts another.

use std::fs;

use serde_json::json;

use crate::support::eventually;
use crate::support::stand::Stand;

/// One encoder, which breaks with every tenth picture.
const PROFILE: &str = r#"
description = "a camera and an encoder that breaks"
[[camera]]
launch = "videotestsrc name=camera is-live=true ! capsfilter name=size"
[[microphone]]
launch = "audiotestsrc name=microphone is-live=true samplesperbuffer=960"
[[encoder]]
codec = "h264"
launch = "x264enc name=encoder tune=zerolatency speed-preset=ultrafast ! identity error-after=10 ! capsfilter caps=video/x-h264,profile=constrained-baseline"
bitrate = { property = "bitrate", unit = 1000 }
[audio_encoder]
launch = "opusenc bitrate=32000"
[speaker]
launch = "fakesink name=speaker"
"#;

#[test]
fn without_an_encoder_the_seat_is_left_and_the_program_ends_for_another_to_start() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    fs::write(folder.path().join("breaking.toml"), PROFILE).expect("a writable directory");
    let stand = Stand::open();
    let _host = stand.host(&["host.accept_applications=always"]);
    let directory = format!("media.profile_directory={}", folder.path().display());
    let mut guest = stand.guest_inside("ada", &["media.profile=breaking", &directory]);
    let mark = stand.operator.mark();
    stand.ok("ada", "apply_for_seat", json!({}));
    let why = stand.event("ada", "media_failed", mark)["why"].clone();
    assert!(why.as_str().is_some_and(|why| why.starts_with("x264enc broke: ")), "{why}");
    assert_eq!(stand.event("ada", "unseated", mark)["reason"], "media_failed");
    let status = eventually("the end of the program", || guest.ended());
    assert_eq!(status.code(), Some(1), "systemd starts it again: not the status of a wrong configuration");
    stand.status("ada", mark, "offline");
    stand.room(mark, |room| {
        room["seats"].as_array().is_some_and(|seats| seats.iter().all(|s| s["user"].is_null()))
    });
    let log = guest.log();
    for said in
        ["it is built anew", "the camera is opened anew", "there is no other encoder left", "media gave up"]
    {
        assert!(log.contains(said), "{said:?}:\n{log}");
    }
}
