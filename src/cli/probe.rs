//! `coguestd probe`: what this machine has, and what would be chosen of it.

use std::fmt::Write as _;

use clap::Args;
use serde_json::{Value, json};

use super::{ConfigurationArguments, print_json, print_lines};
use crate::app::probe::{CameraFacts, EncoderFacts, ProbeReport, SoundFacts, probe};

pub(super) const EXAMPLES: &str = "\
Examples:
  coguestd probe
  coguestd probe --json
  coguestd probe --set media.quality=1080p       # what would be captured for it
  sudo -u coguestd coguestd probe                # as the daemon, to see what it may open";

#[derive(Debug, Args)]
pub(super) struct ProbeArguments {
    /// Print everything as one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    configuration: ConfigurationArguments,
}

/// Looks, and prints it.
pub(super) fn run(arguments: ProbeArguments) -> anyhow::Result<()> {
    let settings = arguments.configuration.load()?;
    let found = probe(&settings);
    if arguments.json {
        return print_json(&json!(found));
    }
    print_lines(table(&found).lines().map(ToOwned::to_owned))
}

fn table(probe: &ProbeReport) -> String {
    let mut table = Table::default();
    let board = &probe.board;
    let names = board.compatible.join(", ");
    match (board.model.as_str(), names.as_str()) {
        ("", "") => table.line("board", "unknown"),
        (model, names) => table.line("board", &format!("{model} ({names})")),
    }
    match &probe.profile.name {
        Some(name) => {
            table.line("profile", &format!("{name}: {}", probe.profile.description));
            table.line("", &format!("because {}", probe.profile.why));
        }
        None => table.line("profile", &format!("none can be used: {}", probe.profile.why)),
    }
    for camera in &probe.cameras {
        describe_camera(&mut table, camera);
    }
    for path in &probe.forbidden_cameras {
        let why = "may not be opened: add the user to the group video";
        table.line("camera", &format!("{}: {why}", path.display()));
    }
    if probe.cameras.is_empty() && probe.forbidden_cameras.is_empty() {
        table.line("camera", "none");
    }
    describe_sounds(&mut table, "microphone", &probe.microphones);
    describe_sounds(&mut table, "speaker", &probe.speakers);
    for encoder in &probe.encoders {
        table.line("encoder", &describe_encoder(encoder));
    }
    for late in &probe.late {
        table.line("late", &format!("{late} did not come in time: the machine is busy, or a driver hangs"));
    }
    table.text
}

fn describe_camera(table: &mut Table, camera: &CameraFacts) {
    table.line("camera", &format!("{} ({})", camera.name, camera.id));
    let own = if camera.encodes_h264 { "; encodes H.264 itself" } else { "" };
    table.line("", &format!("{}, {} at {}{own}", camera.path.display(), camera.driver, camera.bus));
    match &camera.capture {
        Some(choice) => table.line("", &format!("captured as {choice}: {}", camera.why)),
        None => table.line("", &camera.why),
    }
    for offer in &camera.formats {
        let rates: Vec<_> = offer.rates.iter().map(ToString::to_string).collect();
        let (encoding, width, height) = (offer.encoding.to_string(), offer.width, offer.height);
        table.line("", &format!("  {encoding:<6} {width}x{height} at {}", rates.join(", ")));
    }
    for control in &camera.controls {
        table.line("", &format!("  {}", describe_control(control)));
    }
}

fn describe_control(control: &Value) -> String {
    let word = |field: &str| control[field].as_str().unwrap_or_default().to_owned();
    let mut text = word("name");
    if !control["value"].is_null() {
        write!(text, " = {}", control["value"]).unwrap_or_default();
    }
    if let Some(items) = control["items"].as_object() {
        let items: Vec<_> = items.iter().map(|(item, label)| format!("{item} {label}")).collect();
        write!(text, " of {}", items.join(", ")).unwrap_or_default();
    } else if !control["minimum"].is_null() {
        write!(text, " of {} to {}", control["minimum"], control["maximum"]).unwrap_or_default();
    }
    for state in ["inactive", "read_only"] {
        if control[state] == true {
            write!(text, " ({})", state.replace('_', " ")).unwrap_or_default();
        }
    }
    text
}

fn describe_sounds(table: &mut Table, what: &str, sounds: &[SoundFacts]) {
    for sound in sounds {
        table.line(what, &format!("{} ({})", sound.name, sound.id));
        let abilities = &sound.abilities;
        if let Some((least, most)) = abilities.channels {
            let rates: Vec<_> = abilities.rates.iter().map(ToString::to_string).collect();
            let channels = if least == most { format!("{most}") } else { format!("{least} to {most}") };
            table.line("", &format!("{channels} channels at {}", rates.join(", ")));
        }
        if let Some(why) = &abilities.why {
            table.line("", why);
        }
        for control in &abilities.mixer {
            let volume = control.volume.map_or_else(String::new, |volume| format!(" {volume} %"));
            table.line("", &format!("mixer: {}{volume}", control.name));
        }
        if abilities.mixer.is_empty() {
            table.line("", "its mixer has no volume: the pipeline does it");
        }
    }
    if sounds.is_empty() {
        table.line(what, "none");
    }
}

fn describe_encoder(encoder: &EncoderFacts) -> String {
    let by = if encoder.hardware { "the board's" } else { "software" };
    let state = match (encoder.state, encoder.milliseconds, &encoder.why) {
        ("works", Some(time), _) => format!("works (three pictures in {time} ms)"),
        ("missing", _, _) => "not installed".to_owned(),
        (state, _, Some(why)) => format!("{state}: {why}"),
        (state, _, None) => state.to_owned(),
    };
    format!("{:<14} {by:<12} {state}", encoder.element)
}

/// Lines under headings.
#[derive(Default)]
struct Table {
    text: String,
    heading: String,
}

impl Table {
    /// A heading is written once for all the lines in a row that have it, and things are told apart by it.
    fn line(&mut self, heading: &str, line: &str) {
        let shown = if heading == self.heading && heading == "encoder" { "" } else { heading };
        let line = format!("{shown:<11} {line}");
        self.text.push_str(line.trim_end());
        self.text.push('\n');
        if !heading.is_empty() {
            heading.clone_into(&mut self.heading);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::probe::ProfileFacts;
    use crate::model::board::Board;
    use crate::model::capture::{Drawing, Encoding, Offer, Pixels, Rate, choices, reason};
    use crate::model::media::Quality;

    fn kiosk() -> ProbeReport {
        let offers = vec![
            Offer {
                encoding: Encoding::Raw(Pixels::Yuy2),
                width: 640,
                height: 480,
                rates: vec![Rate::per_second(30), Rate { frames: 15, seconds: 2 }],
            },
            Offer { encoding: Encoding::Jpeg, width: 1280, height: 720, rates: vec![Rate::per_second(30)] },
        ];
        let choices = choices(&offers, Quality::P720, Drawing::Needed);
        ProbeReport {
            board: Board { model: "Raspberry Pi 4".into(), compatible: vec!["raspberrypi,4-model-b".into()] },
            profile: ProfileFacts {
                name: Some("raspberry-pi-4".into()),
                description: "by the board".into(),
                why: "the board is raspberrypi,4-model-b".into(),
            },
            quality: Quality::P720,
            cameras: vec![CameraFacts {
                id: "usb-Front-video-index0".into(),
                name: "Front".into(),
                path: "/dev/video0".into(),
                bus: "usb-1.2".into(),
                driver: "uvcvideo".into(),
                encodes_h264: false,
                capture: choices.first().copied(),
                why: reason(&choices, Quality::P720),
                formats: offers,
                controls: vec![json!({"name": "brightness", "value": 3, "minimum": 0, "maximum": 9})],
            }],
            forbidden_cameras: vec!["/dev/video7".into()],
            microphones: vec![],
            speakers: vec![],
            encoders: vec![EncoderFacts {
                element: "v4l2h264enc".into(),
                hardware: true,
                state: "fails",
                milliseconds: None,
                why: Some("no such device".into()),
            }],
            late: vec!["speakers"],
        }
    }

    #[test]
    fn a_table_for_people() {
        let table = table(&kiosk());
        for line in [
            "board       Raspberry Pi 4 (raspberrypi,4-model-b)",
            "profile     raspberry-pi-4: by the board",
            "            because the board is raspberrypi,4-model-b",
            "camera      Front (usb-Front-video-index0)",
            "            captured as MJPEG 1280x720 at 30/s: the best raw format is YUY2 640x480 at 30/s",
            "              YUY2   640x480 at 30, 7.5",
            "              brightness = 3 of 0 to 9",
            "camera      /dev/video7: may not be opened: add the user to the group video",
            "microphone  none",
            "encoder     v4l2h264enc    the board's  fails: no such device",
            "late        speakers did not come in time: the machine is busy, or a driver hangs",
        ] {
            assert!(table.lines().any(|printed| printed == line), "{line:?} is not in\n{table}");
        }
    }

    #[test]
    fn an_object_for_programs() {
        let probe = json!(kiosk());
        let capture = &probe["cameras"][0]["capture"];
        assert_eq!(capture["encoding"], "MJPEG");
        assert_eq!((capture["width"].as_u64(), capture["rate"].as_f64()), (Some(1280), Some(30.0)));
        assert_eq!(probe["cameras"][0]["formats"][0]["rates"], json!([30.0, 7.5]));
        assert_eq!(probe["encoders"][0]["state"], "fails");
        assert_eq!(probe["profile"]["name"], "raspberry-pi-4");
    }
}
