use std::time::Duration;

use super::*;

/// Generous: the machine may have other work.
const PATIENCE: Duration = Duration::from_secs(30);

fn ledger() -> Ledger {
    Ledger { dev: PathBuf::from("/dev"), nodes: BTreeSet::new() }
}

fn paths(names: &[&str]) -> Vec<PathBuf> {
    names.iter().map(PathBuf::from).collect()
}

/// As `+/dev/video0` and `-/dev/video0`.
fn written(notices: impl IntoIterator<Item = Notice>) -> Vec<String> {
    let sign = |change| match change {
        Change::Came => '+',
        Change::Went => '-',
    };
    notices.into_iter().map(|n| format!("{}{}", sign(n.change), n.node.display())).collect()
}

#[test]
fn nodes_of_cameras_and_microphones_are_told_from_the_rest() {
    let ledger = ledger();
    let kind = |path: &str| ledger.kind(Path::new(path));
    for camera in ["/dev/video0", "/dev/video63"] {
        assert_eq!(kind(camera), Some(DeviceKind::Camera), "{camera}");
    }
    for microphone in ["/dev/snd/pcmC0D0c", "/dev/snd/pcmC11D12c"] {
        assert_eq!(kind(microphone), Some(DeviceKind::Microphone), "{microphone}");
    }
    for other in [
        "/dev/video",
        "/dev/videos",
        "/dev/video0x",
        "/dev/v4l",
        "/dev/media0",
        "/dev/snd",
        "/dev/snd/pcmC0D0p",
        "/dev/snd/pcmC0c",
        "/dev/snd/pcmCxDyc",
        "/dev/snd/controlC0",
        "/dev/snd/video0",
        "/elsewhere/video0",
    ] {
        assert_eq!(kind(other), None, "{other}");
    }
}

#[test]
fn what_is_said_is_the_difference_to_what_was_known() {
    let mut ledger = ledger();
    let dev = Path::new("/dev");
    let first = ledger.listed(dev, paths(&["/dev/video0", "/dev/null"]));
    assert_eq!(written(first), ["+/dev/video0"]);
    assert_eq!(written(ledger.listed(dev, paths(&["/dev/video0"]))), Vec::<String>::new());
    assert_eq!(written(ledger.came("/dev/video1".into())), ["+/dev/video1"]);
    // Its group has changed.
    assert_eq!(written(ledger.came("/dev/video1".into())), ["+/dev/video1"]);
    assert_eq!(written(ledger.went(Path::new("/dev/video7"))), Vec::<String>::new(), "nobody knew it");
    let microphone = ledger.listed(Path::new("/dev/snd"), paths(&["/dev/snd/pcmC0D0c", "/dev/snd/timer"]));
    assert_eq!(written(microphone), ["+/dev/snd/pcmC0D0c"]);
    let after = ledger.listed(dev, paths(&["/dev/video1", "/dev/video2"]));
    assert_eq!(written(after), ["-/dev/video0", "+/dev/video2"], "the sound cards are in another folder");
    assert_eq!(written(ledger.listed(Path::new("/dev/snd"), Vec::new())), ["-/dev/snd/pcmC0D0c"]);
    assert_eq!(written(ledger.went(Path::new("/dev/video2"))), ["-/dev/video2"]);
}

/// Does something to a folder and hears of it.
async fn hears(witness: &mut Witness, dev: &Path, act: impl FnOnce(), expected: &[&str]) {
    act();
    let mut heard = Vec::new();
    while heard.len() < expected.len() {
        let notice = tokio::time::timeout(PATIENCE, witness.next()).await;
        heard.push(notice.unwrap_or_else(|_| panic!("{expected:?} was to come, and {heard:?} came")));
    }
    let prefix = format!("{}/", dev.display());
    let heard: Vec<String> = written(heard).iter().map(|said| said.replace(&prefix, "")).collect();
    assert_eq!(heard, expected);
}

#[tokio::test]
async fn a_real_folder_is_watched_through_everything_that_udev_does() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let dev = folder.path();
    let make = |name: &str| fs::write(dev.join(name), "").expect("a writable directory");
    let remove = |name: &str| fs::remove_file(dev.join(name)).expect("it is there");
    make("video0");
    let mut witness = Witness::over(dev);
    // What was there before, and what is no camera, is no news.
    make("null");
    hears(&mut witness, dev, || make("video1"), &["+video1"]).await;
    hears(&mut witness, dev, || remove("video0"), &["-video0"]).await;
    let rename = || fs::rename(dev.join("video1"), dev.join("video2")).expect("it is there");
    hears(&mut witness, dev, rename, &["-video1", "+video2"]).await;
    let allow = || {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::Permissions::from_mode(0o660);
        fs::set_permissions(dev.join("video2"), mode).expect("ours");
    };
    hears(&mut witness, dev, allow, &["+video2"]).await;
    for _ in 0..2 {
        // The first card brings its folder, and the last one takes it away.
        let card = || {
            fs::create_dir(dev.join("snd")).expect("a writable directory");
            make("snd/controlC0");
            make("snd/pcmC0D0p");
            make("snd/pcmC0D0c");
        };
        card();
        let first = tokio::time::timeout(PATIENCE, witness.next()).await.expect("it is seen");
        assert_eq!((first.device, first.change), (DeviceKind::Microphone, Change::Came));
        let gone = || fs::remove_dir_all(dev.join("snd")).expect("it is there");
        gone();
        loop {
            let notice = tokio::time::timeout(PATIENCE, witness.next()).await.expect("it is seen");
            assert!(notice.node.ends_with("snd/pcmC0D0c"), "{notice:?}");
            if notice.change == Change::Went {
                break;
            }
        }
    }
    hears(&mut witness, dev, || remove("video2"), &["-video2"]).await;
}

#[tokio::test]
async fn where_nothing_can_be_watched_nothing_is_said() {
    for mut witness in [Witness::blind(), Witness::over(Path::new("/nowhere/at/all"))] {
        let said = tokio::time::timeout(Duration::from_millis(20), witness.next()).await;
        assert!(said.is_err(), "{said:?}");
    }
}
