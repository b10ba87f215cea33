//! What a start is refused for: the check says the same, and nothing is waited for.

use std::fs;

use super::{Bench, assert_accepted, assert_refused};

/// The head of a PNG of 30000 by 30000 pixels.
const LARGE: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\x75\x30\0\0\x75\x30\x01\0\0\0\0\0\0\0\0";

/// Everything that a start may be refused for is refused by the check, in the same words: it would be no check otherwise.
#[test]
fn the_check_refuses_what_a_start_refuses() {
    let no_pem = concat!(env!("CARGO_MANIFEST_DIR"), "/systemd/coguestd.toml");
    let tls = "[user]\nid = 'x'\n[mqtt]\nurl = 'mqtts://127.0.0.1:1'\n";
    for (text, expected) in [
        ("[user]\nid = 'x'\nbogus = 1".to_owned(), "unknown key `user.bogus`"),
        ("[media]\nprofile = 'nosuch'".to_owned(), "there is no profile \"nosuch\""),
        ("[media]\nprofile = 'own'\nprofile_directory = 'own'".to_owned(), "own.toml:1: "),
        ("[media]\nprofile = 'wrong'\nprofile_directory = 'own'".to_owned(), "wrong.toml"),
        ("[media]\nprofile = 'pipe'\nprofile_directory = 'own'".to_owned(), "it is a FIFO"),
        ("[media]\nprofile = 'player'\nprofile_directory = 'own'".to_owned(), "set media.file to its path"),
        (
            "[media]\nprofile = 'test'\nprofile_directory = 'nowhere'".to_owned(),
            "`media.profile_directory` cannot read",
        ),
        (
            "[media]\nprofile = 'test'\nprofile_directory = 'config.toml'".to_owned(),
            "`media.profile_directory` cannot read",
        ),
        ("[media]\nprofile = 'file'\nfile = 'nowhere.mp4'".to_owned(), "`media.file` cannot read"),
        ("[media]\nprofile = 'file'\nfile = 'own'".to_owned(), "it is a folder"),
        (
            "[media]\nprofile = 'file'\nfile = 'large.png'".to_owned(),
            "it has 30000 x 30000 pixels, and at most 16",
        ),
        (format!("{tls}ca_file = '{no_pem}'"), "is neither PEM nor DER"),
        (format!("role = 'host'\n{tls}ca_file = '{no_pem}'"), "is neither PEM nor DER"),
        (format!("{tls}client_certificate_file = 'a'"), "`mqtt.client_certificate_file` needs"),
        (
            format!("{tls}client_certificate_file = '{no_pem}'\nclient_key_file = '{no_pem}'"),
            "is neither PEM nor DER",
        ),
    ] {
        let bench = Bench::new(&text);
        bench.write("own/own.toml", "this is no TOML");
        bench.write("own/wrong.toml", "description = 'incomplete'\n");
        let player = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/pipelines/file.toml"));
        bench.write("own/player.toml", &player.expect("the profile is there"));
        bench.pipe("own/pipe.toml");
        fs::write(bench.path("large.png"), LARGE).expect("writable");
        assert_refused(&bench.check(&[], &["--set", "user.id=x"]), expected, &text);
    }
}

/// Every key that there is, as the check itself lists them.
fn keys() -> Vec<String> {
    let listed = assert_accepted(&Bench::new("[user]\nid = 'x'").check(&[], &[]));
    let mut section = String::new();
    let mut keys = Vec::new();
    for line in listed.lines() {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.split(']').next()) {
            section = format!("{name}.");
        }
        let unset = line.strip_prefix("# ").and_then(|line| line.strip_suffix(" is not set"));
        if let Some(key) = unset.or_else(|| Some(line.split_once(" = ")?.0)) {
            keys.push(format!("{section}{key}"));
        }
    }
    keys
}

#[test]
fn every_key_refuses_what_it_cannot_be_in_both() {
    let keys = keys();
    assert!(keys.len() > 50 && keys.iter().any(|key| key == "webrtc.turn"), "{keys:?}");
    for key in keys {
        // No key is a list of lists.
        let output = Bench::new(&format!("{key} = [[1]]")).check(&[], &[]);
        assert_refused(&output, &format!("config.toml:1: `{key}` "), &key);
    }
}

#[test]
fn what_is_not_installed_is_named_with_its_package_by_both() {
    let profile = "profile test: the GStreamer element videotestsrc is missing: apt-get install gstreamer1.0-plugins-base";
    let stage = "the GStreamer element webrtcbin is missing: apt-get install gstreamer1.0-plugins-bad";
    for (role, expected) in [("guest", profile), ("host", stage)] {
        let bench = Bench::new("[user]\nid = 'x'\n[media]\nprofile = 'test'\n");
        let registry = bench.path("registry.bin");
        let empty = bench.path("plugins");
        fs::create_dir(&empty).expect("a folder of our own");
        let (registry, empty) = (registry.to_str().expect("UTF-8"), empty.to_str().expect("UTF-8"));
        let variables = [("GST_REGISTRY", registry), ("GST_PLUGIN_SYSTEM_PATH_1_0", empty)];
        let output = bench.check(&variables, &["--set", &format!("role={role}")]);
        assert_refused(&output, expected, role);
    }
}

#[test]
fn what_is_no_regular_file_is_named_and_not_waited_for() {
    let no_secret = "[user]\nid = 'x'\n";
    for (name, text) in [
        ("conf.d/10.toml", String::new()),
        ("config.toml", String::new()),
        ("pipe", "[mqtt]\npassword_file = 'PIPE'".to_owned()),
        ("pipe", "[mqtt]\nurl = 'mqtts://b'\nca_file = 'PIPE'".to_owned()),
        (
            "pipe",
            "[mqtt]\nurl = 'mqtts://b'\nclient_certificate_file = 'PIPE'\nclient_key_file = 'PIPE'"
                .to_owned(),
        ),
        ("pipe", "[room]\ntransport = 'whip'\ntoken_file = 'PIPE'".to_owned()),
        ("pipe", "[webrtc]\nturn = [{ url = 'turn:a', username = 'b', password_file = 'PIPE' }]".to_owned()),
        ("pipe", "[media]\nprofile = 'file'\nfile = 'PIPE'".to_owned()),
    ] {
        let bench = Bench::new(no_secret);
        let pipe = bench.pipe(name);
        if name == "pipe" {
            bench.write("config.toml", &text.replace("PIPE", pipe.to_str().expect("a UTF-8 path")));
        }
        for subcommand in ["check-config", "run"] {
            let expected = format!("{}: it is a FIFO, and only a regular file is read", pipe.display());
            assert_refused(&bench.told(subcommand, &[], &[]), &expected, &text);
        }
    }
}

#[test]
fn a_picture_that_is_no_regular_file_is_named_and_done_without() {
    let bench =
        Bench::new("[user]\nid = 'x'\navatar = 'face.png'\n[layers]\nbackground_template = 'back.svg'\n");
    bench.pipe("face.png");
    bench.pipe("back.svg");
    let output = bench.check(&[], &[]);
    assert_accepted(&output);
    let warnings = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(warnings.matches("it is a FIFO, and only a regular file is read").count(), 2, "{warnings}");
}
