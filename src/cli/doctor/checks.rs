//! The judgements: from facts about this machine to sentences. Pure, so that every fault can be staged.

use super::facts::{Account, Clock, Encoder, Facts, Node};
use super::finding::Finding;
use super::limits;
use crate::config::Machine;
use crate::devices::{Level, Setting};
use crate::model::{Code, Refusal};

/// A clock before this is wrong: 2025-01-01, in seconds since 1970. The program is younger.
const LEAST_TIME: i64 = 1_735_689_600;

/// A microphone below this can hardly be heard, in percent of its mixer's range.
const QUIET: u8 = 10;

/// All of them, in the order in which people look.
pub(super) fn judge(facts: &Facts) -> Vec<Finding> {
    let mut findings = vec![clock(&facts.clock)];
    findings.extend(media(facts));
    if let Some(camera) = &facts.camera {
        findings.push(self::camera(camera));
    }
    if let Some(microphone) = &facts.microphone {
        findings.push(sound("microphone", "cap", microphone));
    }
    if let Some(speaker) = &facts.speaker {
        findings.push(sound("speaker", "unmute", speaker));
    }
    findings.extend(groups(&facts.account));
    findings.extend(facts.room.as_ref().map(limits::judge));
    findings
}

/// What tells this machine from others: of an id that is made from it (`user.id = "auto"`) and of `machine` in `info`.
pub(super) fn identity(machine: &Machine) -> Finding {
    let passed_over = machine.passed_over.as_deref();
    match (machine.source, passed_over) {
        (Some(source), None) => Finding::good("machine", format!("{}, by {source}", machine.hash)),
        (Some(source), Some(why)) => Finding::warning(
            "machine",
            format!(
                "{why}; {} is made from {source} instead: keep a machine id (systemd-machine-id-setup --commit, while \
                 the root can be written), or set user.id = \"auto:serial\"",
                machine.hash
            ),
        ),
        (None, why) => Finding::warning(
            "machine",
            format!(
                "{}nothing here survives a restart, so {} is another at each: systemd-machine-id-setup, while the root \
                 can be written",
                why.map(|why| format!("{why}; ")).unwrap_or_default(),
                machine.hash
            ),
        ),
    }
}

fn clock(clock: &Clock) -> Finding {
    let shown = jiff::Timestamp::from_second(clock.now).map_or_else(|_| "?".to_owned(), |at| at.to_string());
    if clock.now < LEAST_TIME {
        return Finding::wrong(
            "clock",
            format!(
                "the clock says {shown}: certificates cannot be checked; connect the machine to a time server \
                 (timedatectl set-ntp true) or set it (timedatectl set-time)"
            ),
        );
    }
    match clock.synchronized {
        Some(false) => Finding::warning(
            "clock",
            format!("the clock says {shown}, but no time server has been heard: timedatectl set-ntp true"),
        ),
        Some(true) => Finding::good("clock", format!("{shown}, synchronized")),
        None => Finding::good("clock", shown),
    }
}

fn media(facts: &Facts) -> Vec<Finding> {
    let mut findings = vec![match &facts.profile {
        Ok(name) => Finding::good("profile", name.clone()),
        Err(why) => Finding::wrong("profile", why.clone()),
    }];
    findings.push(encoder(&facts.encoders));
    findings
}

fn encoder(encoders: &[Encoder]) -> Finding {
    const INSTALL: &str = "apt-get install gstreamer1.0-plugins-ugly (x264enc) or gstreamer1.0-plugins-good (v4l2h264enc, vp8enc)";
    if encoders.is_empty() {
        return Finding::wrong("encoder", format!("there is no video encoder: {INSTALL}"));
    }
    let works = |encoder: &&Encoder| encoder.fault.is_none();
    let (sound, sick): (Vec<_>, Vec<_>) = encoders.iter().partition(works);
    let names: Vec<&str> = sound.iter().map(|encoder| encoder.element.as_str()).collect();
    let faults: Vec<String> = sick
        .iter()
        .filter_map(|encoder| Some(format!("{} fails ({})", encoder.element, encoder.fault.as_ref()?)))
        .collect();
    match (names.as_slice(), faults.as_slice()) {
        ([], faults) => {
            Finding::wrong("encoder", format!("no encoder works: {}; {INSTALL}", faults.join(", ")))
        }
        // A board's own that fails is what the software is there for.
        (names, faults) => {
            let said: Vec<String> = std::iter::once(names.join(", ")).chain(faults.to_vec()).collect();
            Finding::good("encoder", said.join("; "))
        }
    }
}

fn camera(node: &Result<Node, Refusal>) -> Finding {
    match node {
        Ok(node) => taken("camera", node).unwrap_or_else(|| {
            let by = if node.holders.is_empty() { "" } else { ", in use by this daemon" };
            Finding::good("camera", format!("{}{by}", node.name))
        }),
        Err(refusal) => missing("camera", refusal),
    }
}

/// Another program than this daemon has it open.
fn taken(what: &'static str, node: &Node) -> Option<Finding> {
    let holder = node.holders.iter().find(|holder| !holder.starts_with("coguestd "))?;
    let name = &node.name;
    let remedy = format!("stop that program, or name another {what} in media.{what}");
    Some(Finding::wrong(what, format!("{name} is in use by {holder}: {remedy}")))
}

/// `open` is amixer's word for a switch that is on.
fn sound(what: &'static str, open: &str, node: &Result<Node, Refusal>) -> Finding {
    match node {
        Ok(node) => {
            if let Some(finding) = taken(what, node) {
                return finding;
            }
            let name = &node.name;
            let Some(Setting { card, control, level }) = &node.mixer else {
                return Finding::good(what, name.clone());
            };
            let percent = if *level == Level::SwitchedOff { "" } else { " 80%" };
            let remedy = format!(
                "sudo amixer -c {card} sset '{control}'{percent} {open}; sudo alsactl store keeps it so"
            );
            match level {
                Level::Muted | Level::SwitchedOff => {
                    Finding::wrong(what, format!("{name} is muted in its mixer: {remedy}"))
                }
                Level::Open(percent) if *percent < QUIET => Finding::warning(
                    what,
                    format!("{name} is turned down to {percent} % in its mixer: {remedy}"),
                ),
                Level::Open(percent) => Finding::good(what, format!("{name}, mixer at {percent} %")),
            }
        }
        Err(refusal) => missing(what, refusal),
    }
}

fn missing(what: &'static str, refusal: &Refusal) -> Finding {
    let why = &refusal.message;
    match refusal.code {
        Code::CameraDeviceEmpty | Code::MicrophoneDeviceEmpty => {
            Finding::wrong(what, format!("{why}: plug one in, or set media.{what} = \"none\""))
        }
        _ => Finding::wrong(what, why.clone()),
    }
}

/// Groups matter for who is not root and has something to open.
fn groups(account: &Account) -> Option<Finding> {
    if account.is_root {
        return None;
    }
    let lacking: Vec<&str> = account
        .needed
        .iter()
        .copied()
        .filter(|group| !account.groups.iter().any(|own| own == group))
        .collect();
    let name = &account.name;
    Some(if lacking.is_empty() {
        Finding::good("groups", format!("{name} is in {}", account.groups.join(", ")))
    } else {
        let lacking = lacking.join(",");
        Finding::wrong(
            "groups",
            format!(
                "{name} is not in the group {lacking}: sudo usermod -aG {lacking} {name}, then restart the daemon"
            ),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::finding::Verdict;

    fn node(name: &str) -> Node {
        Node { name: name.to_owned(), holders: Vec::new(), mixer: None }
    }

    fn mixed(name: &str, level: Level) -> Node {
        let setting = Setting { card: "Stick".to_owned(), control: name.to_owned(), level };
        Node { mixer: Some(setting), ..node(name) }
    }

    fn tried(element: &str, fault: Option<&str>) -> Encoder {
        Encoder { element: element.to_owned(), fault: fault.map(ToOwned::to_owned) }
    }

    fn healthy() -> Facts {
        Facts {
            clock: Clock { now: 1_800_000_000, synchronized: Some(true) },
            profile: Ok("generic".into()),
            encoders: vec![tried("x264enc", None)],
            camera: Some(Ok(node("Front (usb-Front)"))),
            microphone: Some(Ok(mixed("Mic", Level::Open(80)))),
            speaker: Some(Ok(node("Speaker"))),
            account: Account {
                name: "coguestd".into(),
                is_root: false,
                groups: vec!["audio".into(), "video".into()],
                needed: vec!["video", "audio"],
            },
            room: None,
        }
    }

    /// The one finding that is not good.
    fn complaint(facts: &Facts) -> (Verdict, &'static str, String) {
        let mut bad = judge(facts).into_iter().filter(|finding| finding.verdict != Verdict::Good);
        let found = bad.next().expect("something is wrong");
        assert_eq!(bad.next(), None, "one fault is one sentence");
        (found.verdict, found.what, found.sentence)
    }

    fn wrong(facts: &Facts, what: &str, parts: &[&str]) {
        let (verdict, of, sentence) = complaint(facts);
        assert_eq!((verdict, of), (Verdict::Wrong, what), "{sentence}");
        assert!(parts.iter().all(|part| sentence.contains(part)), "{sentence}");
    }

    #[test]
    fn a_healthy_machine_has_nothing_to_complain_of() {
        assert!(judge(&healthy()).iter().all(|finding| finding.verdict == Verdict::Good));
        let used = Node { holders: vec!["coguestd 77".into()], ..node("Front") };
        let facts = Facts { camera: Some(Ok(used)), ..healthy() };
        assert!(judge(&facts).iter().any(|finding| finding.sentence == "Front, in use by this daemon"));
    }

    #[test]
    fn an_encoder_that_fails_beside_one_that_works_is_no_fault() {
        let encoders = vec![tried("v4l2h264enc", Some("no such device")), tried("x264enc", None)];
        let said = "x264enc; v4l2h264enc fails (no such device)";
        assert_eq!(encoder(&encoders), Finding::good("encoder", said));
    }

    #[test]
    fn each_fault_of_the_machine_has_its_own_sentence() {
        let old = Clock { now: 12, synchronized: Some(false) };
        wrong(&Facts { clock: old, ..healthy() }, "clock", &["1970-01-01", "timedatectl"]);
        wrong(&Facts { encoders: vec![], ..healthy() }, "encoder", &["no video encoder", "apt-get install"]);
        let broken = vec![tried("x264enc", Some("out of memory"))];
        let parts = ["no encoder works: x264enc fails (out of memory)", "apt-get install"];
        wrong(&Facts { encoders: broken, ..healthy() }, "encoder", &parts);
        let busy = Node { holders: vec!["cheese 4711".into()], ..node("Front") };
        wrong(&Facts { camera: Some(Ok(busy)), ..healthy() }, "camera", &["Front is in use by cheese 4711"]);
        let busy = |name| Some(Ok(Node { holders: vec!["pipewire 812".into()], ..node(name) }));
        let parts = ["Mic is in use by pipewire 812", "another microphone in media.microphone"];
        wrong(&Facts { microphone: busy("Mic"), ..healthy() }, "microphone", &parts);
        let parts = ["Box is in use by pipewire 812", "another speaker in media.speaker"];
        wrong(&Facts { speaker: busy("Box"), ..healthy() }, "speaker", &parts);
        let refusal = |code, why: &str| Some(Err(Refusal::new(code, why)));
        let none = refusal(Code::CameraDeviceEmpty, "there is no camera");
        wrong(&Facts { camera: none, ..healthy() }, "camera", &["plug one in", "media.camera = \"none\""]);
        let denied =
            refusal(Code::CameraNotAuthorized, "/dev/video0 may not be opened: add … to the group video");
        wrong(&Facts { camera: denied, ..healthy() }, "camera", &["group video"]);
        let muted = |name| Some(Ok(mixed(name, Level::Muted)));
        let parts = ["Mic is muted in its mixer: sudo amixer -c Stick sset 'Mic' 80% cap"];
        wrong(&Facts { microphone: muted("Mic"), ..healthy() }, "microphone", &parts);
        let off = Some(Ok(mixed("Mic", Level::SwitchedOff)));
        let parts = ["Mic is muted in its mixer: sudo amixer -c Stick sset 'Mic' cap;"];
        wrong(&Facts { microphone: off, ..healthy() }, "microphone", &parts);
        let parts = ["PCM is muted in its mixer: sudo amixer -c Stick sset 'PCM' 80% unmute"];
        wrong(&Facts { speaker: muted("PCM"), ..healthy() }, "speaker", &parts);
        let none = refusal(Code::MicrophoneDeviceEmpty, "there is no microphone");
        wrong(&Facts { microphone: none, ..healthy() }, "microphone", &["plug one in"]);
        let mut lonely = healthy();
        lonely.account.groups = vec!["audio".into()];
        wrong(&lonely, "groups", &["not in the group video", "usermod -aG video coguestd"]);
    }

    #[test]
    fn an_identity_that_only_looks_stable_is_named() {
        let machine = |source, passed_over: Option<&str>| {
            identity(&Machine {
                hash: "0a1b2c3d".into(),
                source,
                passed_over: passed_over.map(str::to_owned),
            })
        };
        assert_eq!(
            machine(Some("the machine id"), None),
            Finding::good("machine", "0a1b2c3d, by the machine id")
        );
        let why = "/etc/machine-id does not survive a restart";
        let found = machine(Some("the board's serial number"), Some(why));
        assert!(found.verdict == Verdict::Warning && found.sentence.starts_with(why), "{}", found.sentence);
        assert!(found.sentence.contains("made from the board's serial number instead"), "{}", found.sentence);
        let found = machine(None, Some(why));
        assert!(found.sentence.contains("nothing here survives a restart"), "{}", found.sentence);
    }

    #[test]
    fn what_only_may_matter_is_a_warning() {
        let unheard = Clock { now: 1_800_000_000, synchronized: Some(false) };
        let (verdict, what, _) = complaint(&Facts { clock: unheard, ..healthy() });
        assert_eq!((verdict, what), (Verdict::Warning, "clock"));
        let quiet = mixed("Mic", Level::Open(3));
        let (verdict, _, sentence) = complaint(&Facts { microphone: Some(Ok(quiet)), ..healthy() });
        assert!(verdict == Verdict::Warning && sentence.contains("3 %"), "{sentence}");
    }
}
