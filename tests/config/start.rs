//! What a start is refused for: the check says the same, and nothing is waited for.

use std::fs;
use std::process::Output;

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
        let flags = ["--set", "user.id=x"];
        let (checked, started) = (bench.told("check-config", &[], &flags), bench.told("run", &[], &flags));
        assert_refused(&checked, expected, &text);
        let last =
            |output: &Output| String::from_utf8_lossy(&output.stderr).lines().last().map(str::to_owned);
        assert_eq!((started.status.code(), last(&started)), (Some(78), last(&checked)), "{text}");
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
