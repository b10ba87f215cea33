//! The witness: says at once when the node of a camera or a microphone comes or goes.
//!
//! It watches `/dev` and `/dev/snd` with inotify. That needs no udev, no netlink socket and no right but to read `/dev`, so it works
//! within a unit that is shut in, and it costs nothing while nothing happens. The kernel makes the node first, and udev its group and
//! its stable name moments later: who wants to open what came waits until nothing more is said of it.
//!
//! Invariant: what is said is the difference to what was known, so an event that was lost, a folder that vanished and came back
//! (`/dev/snd` does, with the last card) or a queue that overflowed is made good by a look at the folder. Not here: which device is
//! meant (`camera`, `microphone`), how long to wait (`media`).

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};
use tokio::io::unix::AsyncFd;

use crate::model::hotplug::{Change, Notice};
use crate::model::message::DeviceKind;

/// Where sound cards are, below the folder of devices.
const SOUND: &str = "snd";
/// Room for what is read at once; an event with its name takes at most 272 bytes.
const BUFFER: usize = 4096;

/// A witness.
#[derive(Debug)]
pub struct Witness {
    watch: Option<Watch>,
    said: VecDeque<Notice>,
}

impl Witness {
    /// Watches the devices of this machine. Where that cannot be done it says so in the log and sees nothing.
    ///
    /// # Panics
    /// Outside of an asynchronous runtime.
    pub fn start() -> Self {
        Self::over(Path::new("/dev"))
    }

    /// Watches such a folder.
    ///
    /// # Panics
    /// Outside of an asynchronous runtime.
    pub fn over(dev: &Path) -> Self {
        let watch = Watch::start(dev)
            .inspect_err(|error| {
                let dev = dev.display();
                tracing::warn!("{dev} cannot be watched ({error}): a lost device is looked for now and then");
            })
            .ok();
        Self { watch, said: VecDeque::new() }
    }

    /// One that sees nothing.
    pub fn blind() -> Self {
        Self { watch: None, said: VecDeque::new() }
    }

    /// The next notice. Nothing is lost when this is given up and asked again.
    pub async fn next(&mut self) -> Notice {
        loop {
            if let Some(notice) = self.said.pop_front() {
                return notice;
            }
            let Some(watch) = &mut self.watch else { return std::future::pending().await };
            match watch.look().await {
                Ok(notices) => self.said.extend(notices),
                Err(error) => {
                    tracing::error!(
                        "devices are watched no more ({error}): a lost one is looked for now and then"
                    );
                    self.watch = None;
                }
            }
        }
    }
}

/// The folders under watch.
#[derive(Debug)]
struct Watch {
    events: AsyncFd<OwnedFd>,
    folders: BTreeMap<i32, PathBuf>,
    ledger: Ledger,
}

impl Watch {
    fn start(dev: &Path) -> io::Result<Self> {
        let events = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
        let ledger = Ledger { dev: dev.to_owned(), nodes: BTreeSet::new() };
        let mut watch = Self { events: registered(events)?, folders: BTreeMap::new(), ledger };
        watch.add(dev.to_owned())?;
        // What is there already is no news.
        watch.add(dev.join(SOUND)).map(|_| ()).unwrap_or_default();
        Ok(watch)
    }

    /// Watches a folder from now on; what it holds that was not known.
    fn add(&mut self, folder: PathBuf) -> io::Result<Vec<Notice>> {
        let flags = WatchFlags::CREATE
            | WatchFlags::DELETE
            | WatchFlags::ATTRIB
            | WatchFlags::MOVED_FROM
            | WatchFlags::MOVED_TO
            | WatchFlags::ONLYDIR;
        // Watched first and looked at then: what comes in between is seen twice rather than never.
        let number = inotify::add_watch(self.events.get_ref(), &folder, flags)?;
        let notices = self.ledger.listed(&folder, names(&folder));
        self.folders.insert(number, folder);
        Ok(notices)
    }

    /// Waits for something to happen.
    async fn look(&mut self) -> io::Result<Vec<Notice>> {
        let mut guard = self.events.readable().await?;
        let sights = guard.try_io(|events| read(events.get_ref()));
        let Ok(sights) = sights else { return Ok(Vec::new()) };
        drop(guard);
        Ok(sights?.into_iter().flat_map(|sight| self.see(sight)).collect())
    }

    fn see(&mut self, Sight { folder, what, name }: Sight) -> Vec<Notice> {
        let path = || self.folders.get(&folder).map(|place| place.join(&name));
        match what {
            What::Here => match path() {
                Some(path) if path == self.ledger.dev.join(SOUND) => self.add(path).unwrap_or_default(),
                path => path.and_then(|path| self.ledger.came(path)).into_iter().collect(),
            },
            What::Gone => path().and_then(|path| self.ledger.went(&path)).into_iter().collect(),
            What::Unwatched => {
                let gone = self.folders.remove(&folder);
                gone.map(|place| self.ledger.listed(&place, Vec::new())).unwrap_or_default()
            }
            What::Lost => {
                let ledger = &mut self.ledger;
                self.folders.values().flat_map(|place| ledger.listed(place, names(place))).collect()
            }
        }
    }
}

#[expect(unsafe_code, reason = "tokio leaves it to its caller that a descriptor stays the same")]
fn registered(events: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: an `OwnedFd` is an open descriptor and remains the same one until it is dropped, which the `AsyncFd` does.
    Ok(unsafe { AsyncFd::register(events) }?)
}

/// One event.
struct Sight {
    folder: i32,
    what: What,
    name: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    /// It is there, or may be opened by others than before.
    Here,
    Gone,
    /// The folder itself is gone.
    Unwatched,
    /// There was more than the kernel keeps.
    Lost,
}

/// Everything that is to be read; at least one thing, or it would block.
fn read(events: &OwnedFd) -> io::Result<Vec<Sight>> {
    let mut buffer = [MaybeUninit::uninit(); BUFFER];
    let mut reader = Reader::new(events, &mut buffer);
    let mut sights = Vec::new();
    loop {
        let event = match reader.next() {
            Ok(event) => event,
            Err(error) if error == rustix::io::Errno::INTR => continue,
            Err(_) if !sights.is_empty() => return Ok(sights),
            Err(error) => return Err(error.into()),
        };
        let flags = event.events();
        let what = if flags.contains(ReadFlags::QUEUE_OVERFLOW) {
            What::Lost
        } else if flags.contains(ReadFlags::IGNORED) {
            What::Unwatched
        } else if flags.intersects(ReadFlags::DELETE | ReadFlags::MOVED_FROM) {
            What::Gone
        } else {
            What::Here
        };
        let name = event.file_name().map_or(OsStr::new(""), |name| OsStr::from_bytes(name.to_bytes()));
        sights.push(Sight { folder: event.wd(), what, name: name.into() });
    }
}

fn names(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}

/// The nodes that are there, as far as they are of interest.
#[derive(Debug)]
struct Ledger {
    dev: PathBuf,
    nodes: BTreeSet<PathBuf>,
}

impl Ledger {
    /// What a path is the node of.
    fn kind(&self, path: &Path) -> Option<DeviceKind> {
        let name = path.strip_prefix(&self.dev).ok()?.to_str()?;
        let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if name.strip_prefix("video").is_some_and(number) {
            return Some(DeviceKind::Camera);
        }
        // `pcmC1D0c`: card 1, device 0, capture.
        let sound = name.strip_prefix("snd/pcmC")?.strip_suffix('c')?;
        let (card, device) = sound.split_once('D')?;
        (number(card) && number(device)).then_some(DeviceKind::Microphone)
    }

    fn came(&mut self, node: PathBuf) -> Option<Notice> {
        let device = self.kind(&node)?;
        self.nodes.insert(node.clone());
        Some(Notice { device, node, change: Change::Came })
    }

    fn went(&mut self, node: &Path) -> Option<Notice> {
        let device = self.kind(node)?;
        let known = self.nodes.take(node)?;
        Some(Notice { device, node: known, change: Change::Went })
    }

    /// All that a folder holds.
    fn listed(&mut self, folder: &Path, paths: Vec<PathBuf>) -> Vec<Notice> {
        let here: BTreeSet<PathBuf> = paths.into_iter().filter(|path| self.kind(path).is_some()).collect();
        let within = self.nodes.iter().filter(|node| node.parent() == Some(folder));
        let gone: Vec<PathBuf> = within.filter(|node| !here.contains(*node)).cloned().collect();
        let fresh: Vec<PathBuf> = here.into_iter().filter(|node| !self.nodes.contains(node)).collect();
        let mut notices: Vec<Notice> = gone.iter().filter_map(|node| self.went(node)).collect();
        notices.extend(fresh.into_iter().filter_map(|node| self.came(node)));
        notices
    }
}

#[cfg(test)]
mod tests;
