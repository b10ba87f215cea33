//! A camera's controls, read and set on its node.
//!
//! A node takes this beside a running capture. Opening it for a moment starts no picture and no light: a camera that is closed stays
//! closed. The camera keeps what is set until it loses its power, so what is configured is set again whenever it is opened.

use std::collections::BTreeMap;
use std::io;

use super::camera::Camera;
use super::v4l2::{Node, RawControl, Width};
use crate::model::controls::{Control, ControlAccess, ControlKind, ControlValue, named};
use crate::model::{Code, Refusal};

/// Types of controls, of videodev2.h.
const INTEGER: u32 = 1;
const BOOLEAN: u32 = 2;
const MENU: u32 = 3;
const BUTTON: u32 = 4;
const INTEGER_64: u32 = 5;
const INTEGER_MENU: u32 = 9;

/// Flags of controls: disabled, read only, inactive, write only.
const DISABLED: u32 = 1;
const READ_ONLY: u32 = 4;
const INACTIVE: u32 = 16;
const WRITE_ONLY: u32 = 64;

/// All controls of a camera. May block.
///
/// # Errors
/// The camera's codes, when its node cannot be opened.
pub fn controls(camera: &Camera) -> Result<Vec<Control>, Refusal> {
    let node = open(camera)?;
    Ok(all(&node).into_iter().map(|(_, control)| control).collect())
}

/// Sets one control. May block.
///
/// # Errors
/// `invalid_parameter` naming the controls there are, or what this one takes; the camera's codes.
pub fn set_control(camera: &Camera, name: &str, value: &ControlValue) -> Result<Control, Refusal> {
    let node = open(camera)?;
    set(&node, name, value)
}

/// Sets what is configured for this camera; what it does not take is said in the log. May block.
pub fn set_controls(camera: &Camera, values: &BTreeMap<String, ControlValue>) {
    if values.is_empty() {
        return;
    }
    let node = match open(camera) {
        Ok(node) => node,
        Err(refusal) => return tracing::warn!("the controls of {} are not set: {refusal}", camera.id),
    };
    // Automatic things go first: while they are on, the others are refused.
    let (automatic, rest): (Vec<_>, Vec<_>) = values.iter().partition(|(name, _)| name.contains("auto"));
    for (name, value) in automatic.into_iter().chain(rest) {
        if let Err(refusal) = set(&node, name, value) {
            tracing::warn!("media.controls, {}: {}", camera.id, refusal.message);
        }
    }
}

fn open(camera: &Camera) -> Result<Node, Refusal> {
    Node::open(&camera.path).map_err(|error| {
        let code = match error.kind() {
            io::ErrorKind::PermissionDenied => Code::CameraNotAuthorized,
            io::ErrorKind::NotFound => Code::CameraDeviceEmpty,
            io::ErrorKind::ResourceBusy => Code::CameraOccupied,
            _ => Code::CameraStartFail,
        };
        Refusal::new(code, format!("{}: {error}", camera.path.display()))
    })
}

fn set(node: &Node, name: &str, value: &ControlValue) -> Result<Control, Refusal> {
    let all = all(node);
    let controls: Vec<Control> = all.iter().map(|(_, control)| control.clone()).collect();
    let control = named(&controls, name)?;
    let number = control.read(value)?;
    let raw = all.iter().find(|(_, other)| other.name == control.name).map(|(raw, _)| raw);
    let Some(raw) = raw else { return Ok(control.clone()) };
    node.set_value(raw.id, width(raw), number).map_err(|error| {
        let why = match control.access {
            ControlAccess::Inactive => "another control overrules it now, such as an automatic one",
            ControlAccess::Open | ControlAccess::ReadOnly => "the camera refuses it",
        };
        Refusal::invalid("value", format!("{name}: {why} ({error})"))
    })?;
    Ok(Control { value: node.value(raw.id, width(raw)).ok(), ..control.clone() })
}

fn all(node: &Node) -> Vec<(RawControl, Control)> {
    let controls = node.controls().into_iter();
    controls
        .filter_map(|raw| {
            let control = control(node, &raw)?;
            Some((raw, control))
        })
        .collect()
}

/// A control that has a single value; others, headings and those that are switched off are left out.
fn control(node: &Node, raw: &RawControl) -> Option<Control> {
    if raw.flags & DISABLED != 0 {
        return None;
    }
    let kind = match raw.kind {
        INTEGER | INTEGER_64 => {
            ControlKind::Integer { minimum: raw.minimum, maximum: raw.maximum, step: raw.step.max(1) }
        }
        BOOLEAN => ControlKind::Boolean,
        BUTTON => ControlKind::Button,
        MENU | INTEGER_MENU => {
            let index = |bound: i64| u32::try_from(bound).unwrap_or(0);
            let items = node.menu(raw.id, index(raw.minimum)..=index(raw.maximum));
            let label = |item: super::v4l2::MenuItem| match raw.kind {
                MENU => item.name,
                _ => item.value.to_string(),
            };
            ControlKind::Menu(
                items.into_iter().map(|(index, item)| (i64::from(index), label(item))).collect(),
            )
        }
        _ => return None,
    };
    let readable = raw.flags & WRITE_ONLY == 0 && kind != ControlKind::Button;
    let value = if readable { node.value(raw.id, width(raw)).ok() } else { None };
    let access = match (raw.flags & READ_ONLY != 0, raw.flags & INACTIVE != 0) {
        (true, _) => ControlAccess::ReadOnly,
        (false, true) => ControlAccess::Inactive,
        (false, false) => ControlAccess::Open,
    };
    let label = raw.name.clone();
    Some(Control { name: slug(&label), label, kind, default: raw.default, value, access })
}

fn width(raw: &RawControl) -> Width {
    if raw.kind == INTEGER_64 { Width::Bits64 } else { Width::Bits32 }
}

/// A driver's name as `v4l2-ctl` writes it: small letters and digits, everything between them one `_`.
fn slug(label: &str) -> String {
    let mut slug = String::new();
    for char in label.chars() {
        if char.is_ascii_alphanumeric() {
            slug.push(char.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('_') {
            slug.push('_');
        }
    }
    slug.trim_end_matches('_').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_as_v4l2_ctl_writes_them() {
        for (label, name) in [
            ("Brightness", "brightness"),
            ("White Balance Temperature, Auto", "white_balance_temperature_auto"),
            ("Focus, Automatic Continuous", "focus_automatic_continuous"),
            ("  Power Line Frequency ", "power_line_frequency"),
            ("\u{fffd}?", ""),
        ] {
            assert_eq!(slug(label), name);
        }
    }

    #[test]
    fn a_camera_that_is_gone_has_its_code() {
        let gone = Camera {
            id: "usb-gone".into(),
            name: "Gone".into(),
            path: "/dev/video77".into(),
            driver: "uvcvideo".into(),
            bus: "usb-1".into(),
        };
        assert_eq!(controls(&gone).map_err(|refusal| refusal.code), Err(Code::CameraDeviceEmpty));
        let value = ControlValue::Number(1);
        let set = set_control(&gone, "brightness", &value).map_err(|refusal| refusal.code);
        assert_eq!(set, Err(Code::CameraDeviceEmpty));
        set_controls(&gone, &BTreeMap::from([("brightness".to_owned(), value)]));
    }
}
