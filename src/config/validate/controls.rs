//! `[media.controls."CAMERA"]`: what is set at a camera.
//!
//! Which controls a camera has is known only when it is there: names and values are checked for their shape here, and against the camera
//! when it is opened.

use ::config::{Value, ValueKind};

use super::super::Error;
use super::super::reader::Found;
use crate::model::controls::{ControlSettings, ControlValue};

pub(super) fn read(found: &Found) -> Result<ControlSettings, Error> {
    let ValueKind::Table(cameras) = &found.kind else {
        return Err(found
            .refuse("must be tables: [media.controls.\"*\"] on a line of its own, control = value below"));
    };
    let of_camera = |(camera, controls): (&String, &Value)| {
        let key = format!("media.controls.{camera:?}");
        let found = Found::new(&key, controls);
        let ValueKind::Table(controls) = &controls.kind else {
            return Err(found.refuse("must be a table with the camera's id or \"*\" for its name"));
        };
        let of_control = |(control, value): (&String, &Value)| {
            let found = Found::new(&format!("{key}.{control}"), value);
            Ok((control.clone(), value_of(&found)?))
        };
        Ok((camera.clone(), controls.iter().map(of_control).collect::<Result<_, Error>>()?))
    };
    cameras.iter().map(of_camera).collect()
}

fn value_of(found: &Found) -> Result<ControlValue, Error> {
    match &found.kind {
        ValueKind::Boolean(value) => Ok(ControlValue::Switch(*value)),
        ValueKind::I64(value) => Ok(ControlValue::Number(*value)),
        ValueKind::String(value) => Ok(ControlValue::Word(value.clone())),
        _ => Err(found.refuse("must be a whole number, true or false, or a word of the control's menu")),
    }
}
