//! What the program says when a part of GStreamer is not installed.

mod support;

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};

use support::{run, tool};

/// A role with all of GStreamer's plugins but some, and the folder with what it has instead.
fn command(plugins: &[&str], role: &str, profile: &str) -> (Command, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let installed = run(tool("pkg-config", "pkg-config").args(["--variable=pluginsdir", "gstreamer-1.0"]));
    for entry in fs::read_dir(Path::new(installed.trim())).expect("GStreamer's plugins").flatten() {
        let name = entry.file_name().into_string().expect("plain names");
        if !plugins.iter().any(|plugin| name == format!("libgst{plugin}.so")) {
            symlink(entry.path(), folder.path().join(name)).expect("writable");
        }
    }
    let file = folder.path().join("config.toml");
    let text = format!(
        "role = \"{role}\"\n[user]\nid = \"kiosk-7\"\n[mqtt]\nurl = \"mqtt://127.0.0.1:9\"\n[media]\nprofile = \"{profile}\"\n"
    );
    fs::write(&file, text).expect("writable");
    let mut command = Command::new(env!("CARGO_BIN_EXE_coguestd"));
    command
        .args(["run", "--config"])
        .arg(&file)
        .env("GST_PLUGIN_SYSTEM_PATH", folder.path())
        .env("GST_PLUGIN_SYSTEM_PATH_1_0", folder.path())
        .env("GST_REGISTRY", folder.path().join("registry"))
        .env("GST_REGISTRY_1_0", folder.path().join("registry"))
        .stdin(Stdio::null());
    (command, folder)
}

/// Runs it; its exit status and its last line.
fn without(plugins: &[&str], role: &str) -> (Option<i32>, String) {
    let (mut command, _folder) = command(plugins, role, "test");
    let output = command.output().expect("it starts");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), said.lines().last().unwrap_or_default().to_owned())
}

#[test]
fn a_missing_element_is_named_with_its_package_in_one_line() {
    for (plugins, role, element, package) in [
        (&["nice"][..], "guest", "nice", "gstreamer1.0-nice"),
        (&["webrtc"], "host", "webrtcbin", "gstreamer1.0-plugins-bad"),
        (&["opus"], "guest", "opusenc", "gstreamer1.0-plugins-base"),
        (&["libav", "openh264", "vpx"], "host", "avdec_h264", "gstreamer1.0-libav"),
        (&["x264", "openh264", "vpx"], "guest", "x264enc", "gstreamer1.0-plugins-ugly"),
    ] {
        let (status, line) = without(plugins, role);
        assert!(
            line.contains(&format!("the GStreamer element {element}"))
                && line.contains(&format!("apt-get install {package}")),
            "without {plugins:?}, a {role} says: {line}"
        );
        assert!(matches!(status, Some(1 | 78)), "{status:?}: {line}");
    }
}

#[test]
fn without_the_processing_of_voices_they_are_sent_as_they_are_and_that_is_said_once() {
    // A profile with real microphones, whether there are any or not.
    let (mut command, _folder) = command(&["webrtcdsp"], "guest", "generic");
    let mut guest = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it starts");
    let mut lines = BufReader::new(guest.stderr.take().expect("piped")).lines().map_while(Result::ok);
    let said = lines.find(|line| line.contains("voices are sent as they are"));
    // It goes on: there is a broker to be waited for.
    let again: Vec<_> = lines.by_ref().take_while(|line| !line.contains("mqtt")).collect();
    let running = guest.try_wait().expect("it is ours");
    guest.kill().and_then(|()| guest.wait()).expect("it ends");
    let said = said.expect("the line");
    assert!(said.contains("webrtcdsp is missing: apt-get install gstreamer1.0-plugins-bad"), "{said}");
    assert!(again.iter().all(|line| !line.contains("voices")), "{again:?}");
    assert_eq!(running, None);
}
