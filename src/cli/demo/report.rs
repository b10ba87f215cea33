//! What the demonstration has to show: pictures, times, and the table of what the stage decoded.

use std::fs;
use std::path::PathBuf;

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::say;
use super::sound::HEARD;
use crate::media::pictures::{self, Look, Shown};

/// The report.
pub(super) struct Report {
    folder: PathBuf,
    pictures: Vec<(String, Shown)>,
    times: Vec<(String, i64, i64)>,
    seats: Vec<[String; 8]>,
    heard: Vec<[String; 4]>,
}

impl Report {
    /// Into this folder.
    pub(super) fn new(folder: PathBuf) -> anyhow::Result<Self> {
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        Ok(Self { folder, pictures: Vec::new(), times: Vec::new(), seats: Vec::new(), heard: Vec::new() })
    }

    /// Keeps a picture (the result of `take_seat_snapshot`).
    pub(super) fn picture(&mut self, caption: &str, result: &Value) -> anyhow::Result<()> {
        let jpeg = jpeg(result)?;
        let name: String = caption.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        let number = self.pictures.len() + 1;
        fs::write(self.folder.join(format!("{number}-{name}.jpg")), &jpeg)?;
        self.pictures.push((format!("{number}. {caption}"), Shown::Picture(jpeg)));
        Ok(())
    }

    /// Keeps a step without a picture, in words.
    pub(super) fn note(&mut self, caption: &str, words: &str) {
        let number = self.pictures.len() + 1;
        self.pictures.push((format!("{number}. {caption}"), Shown::Words(words.to_owned())));
    }

    /// From the accept to the first packet and to the first decoded frame or sound, in milliseconds.
    pub(super) fn times(&mut self, who: &str, first_packet: i64, first_decoded: i64) {
        self.times.push((who.to_owned(), first_packet, first_decoded));
    }

    /// What the stage says of a seat now.
    pub(super) fn seat(&mut self, step: &str, seat: &Value, level: &Value) {
        let text = |value: &Value, unit: &str| match value {
            Value::Null => "–".to_owned(),
            Value::Number(number) => format!("{:.1}{unit}", number.as_f64().unwrap_or_default()),
            other => other.to_string(),
        };
        let video = &seat["video"];
        let size = match (video["width"].as_u64(), video["height"].as_u64()) {
            (Some(width), Some(height)) => format!("{width}x{height}"),
            _ => "–".to_owned(),
        };
        self.seats.push([
            step.to_owned(),
            seat["user_id"].as_str().unwrap_or("?").to_owned(),
            seat["seat_index"].to_string(),
            size,
            text(&video["frame_rate"], "/s"),
            video["frames"].as_u64().map_or("–".to_owned(), |frames| frames.to_string()),
            text(level, " dBFS"),
            seat["loss"].as_f64().map_or("–".to_owned(), |loss| format!("{:.1} %", loss * 100.0)),
        ]);
    }

    /// How loud either tone is in what the speaker of a guest was given, in dBFS.
    pub(super) fn heard(&mut self, step: &str, guest: &str, levels: [f64; 2]) {
        let [a, b] =
            levels.map(|level| if level > HEARD { format!("{level:.0} dBFS") } else { "–".to_owned() });
        self.heard.push([step.to_owned(), guest.to_owned(), a, b]);
    }

    /// Prints the tables and writes the sheet.
    pub(super) fn finish(&self) -> anyhow::Result<()> {
        say("\nwhat the stage decoded");
        table(["step", "guest", "seat", "picture", "rate", "frames", "sound", "loss"], &self.seats);
        say("\nwhat the speakers were given of each guest's tone");
        table(["step", "guest", "tone of A", "tone of B"], &self.heard);
        say("\nfrom the accept");
        for (who, packet, decoded) in &self.times {
            say(&format!(
                "  {who:<10} first packet sent after {packet} ms, first decoded at the stage after {decoded} ms"
            ));
        }
        let sheet = self.folder.join("contact-sheet.jpg");
        fs::write(&sheet, pictures::sheet(&self.pictures)?)?;
        say(&format!(
            "\nall of it was seen; pictures: {}, together: {}",
            self.folder.display(),
            sheet.display()
        ));
        Ok(())
    }
}

fn table<const N: usize>(head: [&str; N], rows: &[[String; N]]) {
    let head = head.map(str::to_owned);
    let rows: Vec<&[String; N]> = std::iter::once(&head).chain(rows).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    for row in rows {
        let cells: Vec<String> =
            row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        say(&format!("  {}", cells.join("  ").trim_end()));
    }
}

/// What is in a picture (the result of `take_seat_snapshot`).
pub(super) fn look(result: &Value) -> anyhow::Result<Look> {
    Ok(pictures::look(&jpeg(result)?)?)
}

fn jpeg(result: &Value) -> anyhow::Result<Vec<u8>> {
    Ok(STANDARD.decode(result["data"].as_str().context("a picture")?)?)
}
