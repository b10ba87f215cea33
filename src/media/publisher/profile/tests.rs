use super::*;

#[test]
fn every_shipped_profile_can_be_used() {
    for (name, _) in SHIPPED.into_iter().filter(|(name, _)| *name != "csi") {
        let profile = Profile::examine(name, &[]).expect(name);
        assert_eq!(profile.name(), name);
        assert!(!profile.description().is_empty());
        assert!(profile.offered(Codec::H264) == Codec::H264, "{name}");
        assert!(profile.offered(Codec::Vp8) == Codec::Vp8, "{name}");
    }
    assert_eq!(Profile::load("auto", &[]).expect("auto").name(), "generic");
}

fn test_profile() -> &'static str {
    SHIPPED.iter().find(|(name, _)| *name == "test").expect("shipped").1
}

fn wrong(from: &str, to: &str) -> String {
    gst::init().expect("GStreamer starts");
    let text = test_profile().replace(from, to);
    assert_ne!(text, test_profile(), "{from} is not there");
    Written::read("test", "my.toml".to_owned(), Origin::Person, &text)
        .and_then(Written::check)
        .expect_err(to)
        .to_string()
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    assert_eq!(wrong("videotestsrc", "notthere"), "my.toml: the GStreamer element notthere is missing");
    assert!(wrong("name=size", "name=other").contains("my.toml: camera: it has no element named size"));
    assert!(wrong("description", "descripton").starts_with("my.toml:"));
    assert!(wrong("property = \"bitrate\"", "property = \"speed\"").contains("no property \"speed\""));
    assert!(wrong("! ", "!! ").contains("my.toml: "));
}

#[test]
fn a_file_takes_the_place_of_a_shipped_profile() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let text = test_profile().replace("pattern=", "foreground-color=1 pattern=");
    fs::write(directory.path().join("test.toml"), &text).expect("a writable directory");
    let own = Profile::load("test", &[directory.path().to_owned()]).expect("a profile");
    assert!(own.cameras[0].launch.contains("foreground-color"));
    let error = Profile::load("tset", &[directory.path().to_owned()]).expect_err("no such profile");
    assert!(error.to_string().contains("file, generic, "), "{error}");
    Profile::load("../test", &[directory.path().to_owned()]).expect_err("no path");
}
