//! Cameras and microphones that are pulled out, plugged in, and stop for no reason.
//!
//! A folder stands for `/dev`: its nodes are files with one raw picture, read over and over until they are gone; its stable names are
//! links, as udev makes them; and the witness that watches it is the one that watches `/dev`.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use coguestd::devices::{Witness, cause};
use coguestd::media::publisher::{Explain, Locate, Located};
use coguestd::model::hotplug::Notice;
use coguestd::model::media::{Ask, Report};
use coguestd::model::message::DeviceKind;
use coguestd::model::{Code, Refusal};
use tokio::sync::{mpsc, oneshot};

use crate::seat::{BOTH, CAMERA, Seat, Setup};
use crate::trouble::{self, Mood};
use crate::{PLAIN, contrast, level};

/// The camera's stable name.
const ID: &str = "usb-Front-video-index0";

/// What stands for `/dev`.
struct Dev {
    folder: tempfile::TempDir,
    /// What was looked for.
    sought: Arc<Mutex<Vec<String>>>,
    /// Whether it may be opened.
    forbidden: Arc<Mutex<bool>>,
    end: Option<oneshot::Sender<()>>,
    notices: Option<mpsc::UnboundedReceiver<Notice>>,
}

impl Dev {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary directory");
        fs::create_dir_all(folder.path().join("v4l/by-id")).expect("a writable directory");
        let (end, ended) = oneshot::channel::<()>();
        let (sink, notices) = mpsc::unbounded_channel();
        let (ready, is_ready) = std::sync::mpsc::channel();
        let dev = folder.path().to_owned();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(async move {
                let mut witness = Witness::over(&dev);
                ready.send(()).expect("it is waited for");
                let watch = async { while sink.send(witness.next().await).is_ok() {} };
                tokio::select! { () = watch => {}, _ = ended => {} }
            });
        });
        is_ready.recv().expect("it watches");
        let (sought, forbidden) = (Arc::default(), Arc::default());
        Self { folder, sought, forbidden, end: Some(end), notices: Some(notices) }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn link(&self) -> PathBuf {
        self.path("v4l/by-id").join(ID)
    }

    /// Plugs the camera in; the kernel calls it so.
    fn plug(&self, name: &str) {
        let staged = self.path("staged");
        fs::write(&staged, frame()).expect("a writable directory");
        fs::rename(staged, self.path(name)).expect("ours");
        symlink(self.path(name), self.link()).expect("a writable directory");
    }

    fn pull(&self, name: &str) {
        fs::remove_file(self.path(name)).expect("it is there");
        fs::remove_file(self.link()).expect("it is there");
    }

    fn forbid(&self, forbidden: bool) {
        *self.forbidden.lock().unwrap_or_else(PoisonError::into_inner) = forbidden;
    }

    fn locate(&self) -> Locate {
        let (link, sought, forbidden) = (self.link(), Arc::clone(&self.sought), Arc::clone(&self.forbidden));
        Arc::new(move |_, choice| {
            sought.lock().unwrap_or_else(PoisonError::into_inner).push(choice.to_owned());
            let node = fs::canonicalize(&link).map_err(|_| {
                Refusal::new(Code::CameraDeviceEmpty, format!("no camera is called {choice:?}"))
            })?;
            if *forbidden.lock().unwrap_or_else(PoisonError::into_inner) {
                return Err(Refusal::new(Code::CameraNotAuthorized, "it may not be opened"));
            }
            let address = node.display().to_string();
            Ok(Located { id: ID.to_owned(), address, offers: Vec::new(), node })
        })
    }

    fn setup(&mut self, profiles: &Path) -> Setup {
        let explain: Explain =
            Arc::new(|device, located, refusal| cause(device, &located.id, &located.node, refusal));
        Setup {
            profile: "plugged",
            directories: vec![profiles.to_owned()],
            locate: Some(self.locate()),
            explain: Some(explain),
            notices: self.notices.take(),
            ..Setup::default()
        }
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        if let Some(end) = self.end.take() {
            end.send(()).unwrap_or_default();
        }
    }
}

/// One picture of 640x360 in I420 with much contrast.
fn frame() -> Vec<u8> {
    let (width, height) = (640, 360);
    let mut frame: Vec<u8> = (0..width * height).map(|at| if at / 40 % 2 == 0 { 20 } else { 220 }).collect();
    frame.resize(width * height * 3 / 2, 128);
    frame
}

/// A profile whose camera and microphone are these.
pub fn profile(name: &str, camera: &str, microphone: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("pipelines/test.toml");
    let text = fs::read_to_string(shipped).expect("a shipped profile");
    let encoders = text.find("[[encoder]]").expect("it has some");
    let captures =
        format!("description = \"for a test\"\n[[camera]]\n{camera}\n[[microphone]]\n{microphone}\n");
    let file = folder.path().join(format!("{name}.toml"));
    fs::write(file, captures + &text[encoders..]).expect("a writable directory");
    folder
}

fn plugged() -> tempfile::TempDir {
    let camera = "launch = 'multifilesrc name=camera loop=true \
                  ! rawvideoparse format=i420 width=640 height=360 framerate=15/1 ! identity sync=true \
                  ! capsfilter name=size'\naddress = \"location\"";
    profile("plugged", camera, "launch = 'audiotestsrc name=microphone is-live=true samplesperbuffer=960'")
}

fn count(seat: &Seat, is: impl Fn(&Report) -> bool) -> usize {
    seat.said.iter().filter(|said| is(said)).count()
}

fn is_lost(said: &Report) -> bool {
    matches!(said, Report::DeviceLost { .. })
}

fn is_back(said: &Report) -> bool {
    matches!(said, Report::DeviceBack { .. })
}

fn failed_with(code: Code) -> impl Fn(&Report) -> bool {
    move |said| matches!(said, Report::DeviceFailed { error, .. } if error.code == code)
}

#[test]
fn a_camera_that_is_pulled_out_comes_back_under_another_number_to_the_same_call() {
    let profiles = plugged();
    let mut dev = Dev::new();
    dev.plug("video0");
    let mut seat = Seat::open(dev.setup(profiles.path()));
    seat.sit_down(CAMERA);
    seat.live();
    seat.shows("the camera", |picture| contrast(picture) > PLAIN);
    dev.pull("video0");
    seat.wait("the loss", |seat| (count(seat, is_lost) == 1).then_some(()));
    seat.shows("the slate", |picture| contrast(picture) < PLAIN);
    let gone = failed_with(Code::CameraDeviceEmpty);
    seat.wait("the cause, once it was looked for", |seat| (count(seat, &gone) == 1).then_some(()));
    // Back, but not for everybody yet: udev has its rules still to apply.
    dev.forbid(true);
    dev.plug("video1");
    let forbidden = failed_with(Code::CameraNotAuthorized);
    seat.wait("another cause", |seat| (count(seat, &forbidden) == 1).then_some(()));
    dev.forbid(false);
    dev.pull("video1");
    dev.plug("video7");
    seat.wait("the camera back", |seat| (count(seat, is_back) == 1).then_some(()));
    seat.shows("the camera again", |picture| contrast(picture) > PLAIN);
    let back = Report::DeviceBack { epoch: 1, device: DeviceKind::Camera, id: ID.to_owned() };
    assert!(seat.said.contains(&back), "{:#?}", seat.said);
    assert_eq!((count(&seat, is_lost), count(&seat, is_back)), (1, 1), "{:#?}", seat.said);
    assert_eq!(seat.offers(), 1, "nothing was renegotiated");
    let sought = dev.sought.lock().unwrap_or_else(PoisonError::into_inner).clone();
    assert_eq!(sought.first().map(String::as_str), Some("auto"));
    assert!(sought.len() > 2 && sought[1..].iter().all(|choice| choice == ID), "{sought:?}");
    seat.close();
}

#[test]
fn a_camera_that_was_away_at_first_is_taken_when_it_is_plugged_in() {
    let profiles = plugged();
    let mut dev = Dev::new();
    let mut seat = Seat::open(dev.setup(profiles.path()));
    seat.sit_down(CAMERA);
    seat.live();
    let gone = failed_with(Code::CameraDeviceEmpty);
    seat.wait("the failure", |seat| (count(seat, &gone) == 1).then_some(()));
    dev.plug("video3");
    seat.wait("the camera", |seat| (count(seat, is_back) == 1).then_some(()));
    seat.shows("the camera", |picture| contrast(picture) > PLAIN);
    assert_eq!((count(&seat, &gone), count(&seat, is_lost)), (1, 0), "said once");
    seat.close();
}

#[test]
fn a_driver_that_goes_on_after_its_camera_was_pulled_out_is_cut_off() {
    trouble::register();
    let profiles = profile(
        "plugged",
        "launch = 'videotestsrc is-live=true ! coguesttrouble name=camera ! capsfilter name=size'\naddress = \"what\"",
        "launch = 'audiotestsrc name=microphone is-live=true samplesperbuffer=960'",
    );
    let mut dev = Dev::new();
    dev.plug("video0");
    let mut seat = Seat::open(dev.setup(profiles.path()));
    seat.sit_down(CAMERA);
    seat.live();
    seat.shows("the camera", |picture| contrast(picture) > PLAIN);
    // Another camera is none of its business.
    fs::write(dev.path("video1"), "").expect("a writable directory");
    fs::remove_file(dev.path("video1")).expect("it is there");
    dev.pull("video0");
    let why = seat.wait("the loss", |seat| {
        seat.said.iter().find_map(|said| match said {
            Report::DeviceLost { why, .. } => Some(why.clone()),
            _ => None,
        })
    });
    assert_eq!(why, format!("{ID} was unplugged"));
    seat.shows("the slate", |picture| contrast(picture) < PLAIN);
    seat.close();
}

#[test]
fn a_card_that_stops_giving_sound_is_reopened_and_another_camera_that_breaks_too() {
    trouble::register();
    let profiles = profile(
        "plugged",
        "launch = 'videotestsrc name=camera is-live=true ! capsfilter name=size ! coguesttrouble what=plugs-camera'",
        "launch = 'audiotestsrc name=microphone is-live=true samplesperbuffer=960 ! coguesttrouble what=plugs-card'",
    );
    let directories = vec![profiles.path().to_owned()];
    let mut seat = Seat::open(Setup { profile: "plugged", directories, ..Setup::default() });
    seat.sit_down(BOTH);
    seat.live();
    let loud = |stats: &coguestd::model::stage::SeatStats| {
        level(stats.audio.as_ref().and_then(|audio| audio.level_dbfs)) > -40.0
    };
    seat.sees("sound", loud);
    seat.shows("the camera", |picture| contrast(picture) > PLAIN);
    let of = |device: DeviceKind, said: &Report| match said {
        Report::DeviceLost { device: of, .. } | Report::DeviceBack { device: of, .. } => *of == device,
        _ => false,
    };
    for (what, mood, device) in [
        ("plugs-card", Mood::Silent, DeviceKind::Microphone),
        ("plugs-camera", Mood::Broken, DeviceKind::Camera),
    ] {
        let made = trouble::made(what);
        trouble::tell(what, mood);
        seat.wait("the loss", |seat| {
            seat.said.iter().any(|said| is_lost(said) && of(device, said)).then_some(())
        });
        match device {
            DeviceKind::Microphone => {
                seat.sees("silence", |stats| {
                    level(stats.audio.as_ref().and_then(|audio| audio.level_dbfs)) < -80.0
                });
            }
            DeviceKind::Camera => {
                seat.shows("the slate", |picture| contrast(picture) < PLAIN);
            }
        }
        trouble::tell(what, Mood::Fine);
        seat.wait("it back", |seat| {
            seat.said.iter().any(|said| is_back(said) && of(device, said)).then_some(())
        });
        assert!(trouble::made(what) > made, "it was opened anew");
    }
    seat.sees("sound again", loud);
    seat.shows("the camera again", |picture| contrast(picture) > PLAIN);
    assert_eq!((count(&seat, is_lost), count(&seat, is_back)), (2, 2), "{:#?}", seat.said);
    assert_eq!(seat.offers(), 1, "nothing was renegotiated");
    seat.ask(Ask::Stop { epoch: 1 });
    seat.close();
}
