//! A camera's controls: brightness, focus, exposure, power-line frequency, zoom …
//!
//! Invariant: [`Control::read`] gives only values that the control can take. Not here: reaching a camera (`devices`).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{Code, Refusal};

/// A control, as a camera describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Control {
    /// What it is called in commands and configuration: `white_balance_temperature`.
    pub name: String,
    /// What the driver calls it, for people: `White Balance Temperature`.
    pub label: String,
    /// What it takes.
    pub kind: ControlKind,
    /// What it was made with.
    pub default: i64,
    /// What it is now; `None` when it cannot be read.
    pub value: Option<i64>,
    /// Whether it can be set.
    pub access: ControlAccess,
}

/// What a control takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ControlKind {
    /// A number of a range, in steps from its least.
    Integer {
        /// The least.
        minimum: i64,
        /// The greatest.
        maximum: i64,
        /// The step; 1 at least.
        step: u64,
    },
    /// On or off.
    Boolean,
    /// One of several words, each with its number.
    Menu(Vec<(i64, String)>),
    /// Something that is done once: set to `true`.
    Button,
}

/// Whether a control can be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ControlAccess {
    /// Yes.
    Open,
    /// Yes, but another one overrules it now, as automatic exposure does the exposure time.
    Inactive,
    /// No.
    ReadOnly,
}

/// A value as somebody wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(untagged, expecting = "must be a whole number, true or false, or a word of the control's menu")]
pub enum ControlValue {
    /// On or off.
    Switch(bool),
    /// A number.
    Number(i64),
    /// A word of a menu.
    Word(String),
}

/// What is configured for cameras: by camera's id, or `*` for every one, the values by control.
pub type ControlSettings = BTreeMap<String, BTreeMap<String, ControlValue>>;

/// What is configured for this camera: what is said of it goes before what is said of every camera.
pub fn settings_for(settings: &ControlSettings, camera: &str) -> BTreeMap<String, ControlValue> {
    let mut of = settings.get("*").cloned().unwrap_or_default();
    of.extend(settings.get(camera).cloned().unwrap_or_default());
    of
}

impl Control {
    /// The number that `value` means for this control.
    ///
    /// # Errors
    /// `invalid_parameter` naming what it takes.
    pub fn read(&self, value: &ControlValue) -> Result<i64, Refusal> {
        let Self { name, kind, .. } = self;
        let wrong = |takes: String| {
            let is = serde_json::to_string(value).unwrap_or_default();
            Err(Refusal::invalid("value", format!("{name} takes {takes} (is {is})")))
        };
        if self.access == ControlAccess::ReadOnly {
            return Err(Refusal::invalid("control", format!("{name} can only be read")));
        }
        match (kind, value) {
            (ControlKind::Integer { minimum, maximum, step }, ControlValue::Number(number))
                if (minimum..=maximum).contains(&number)
                    && (i128::from(*number) - i128::from(*minimum)) % i128::from(*step).max(1) == 0 =>
            {
                Ok(*number)
            }
            (ControlKind::Boolean, ControlValue::Switch(on)) => Ok(i64::from(*on)),
            (ControlKind::Boolean, ControlValue::Number(number @ (0 | 1))) => Ok(*number),
            (ControlKind::Button, ControlValue::Switch(true)) => Ok(1),
            (ControlKind::Menu(items), ControlValue::Number(number))
                if items.iter().any(|(item, _)| item == number) =>
            {
                Ok(*number)
            }
            (ControlKind::Menu(items), ControlValue::Word(word)) => {
                match items.iter().find(|(_, label)| label.eq_ignore_ascii_case(word)) {
                    Some((item, _)) => Ok(*item),
                    None => wrong(self.takes()),
                }
            }
            (
                ControlKind::Integer { .. }
                | ControlKind::Boolean
                | ControlKind::Button
                | ControlKind::Menu(_),
                ControlValue::Switch(_) | ControlValue::Number(_) | ControlValue::Word(_),
            ) => wrong(self.takes()),
        }
    }

    /// What it takes, for people.
    fn takes(&self) -> String {
        match &self.kind {
            ControlKind::Integer { minimum, maximum, step: 0 | 1 } => {
                format!("a whole number from {minimum} to {maximum}")
            }
            ControlKind::Integer { minimum, maximum, step } => {
                format!("a whole number from {minimum} to {maximum} in steps of {step}")
            }
            ControlKind::Boolean => "true or false".to_owned(),
            ControlKind::Button => "true".to_owned(),
            ControlKind::Menu(items) => {
                let items: Vec<_> = items.iter().map(|(item, label)| format!("{item} ({label})")).collect();
                format!("one of {}", items.join(", "))
            }
        }
    }

    /// As it travels.
    pub fn json(&self) -> Value {
        let mut fields = Map::new();
        let mut put = |name: &str, value: Value| fields.insert(name.to_owned(), value);
        put("name", json!(self.name));
        put("label", json!(self.label));
        let switch = |value: i64| json!(value != 0);
        match &self.kind {
            ControlKind::Integer { minimum, maximum, step } => {
                put("type", json!("integer"));
                put("minimum", json!(minimum));
                put("maximum", json!(maximum));
                put("step", json!(step));
                put("default", json!(self.default));
                put("value", json!(self.value));
            }
            ControlKind::Boolean => {
                put("type", json!("boolean"));
                put("default", switch(self.default));
                put("value", self.value.map_or(Value::Null, switch));
            }
            ControlKind::Menu(items) => {
                let items: Map<_, _> =
                    items.iter().map(|(item, label)| (item.to_string(), json!(label))).collect();
                put("type", json!("menu"));
                put("items", Value::Object(items));
                put("default", json!(self.default));
                put("value", json!(self.value));
            }
            ControlKind::Button => {
                put("type", json!("button"));
            }
        }
        match self.access {
            ControlAccess::Open => {}
            ControlAccess::Inactive => {
                put("inactive", json!(true));
            }
            ControlAccess::ReadOnly => {
                put("read_only", json!(true));
            }
        }
        Value::Object(fields)
    }
}

/// The control of this name, among those of a camera.
///
/// # Errors
/// `invalid_parameter` with the names there are.
pub fn named<'a>(controls: &'a [Control], name: &str) -> Result<&'a Control, Refusal> {
    controls.iter().find(|control| control.name == name).ok_or_else(|| {
        let names: Vec<_> = controls.iter().map(|control| control.name.as_str()).collect();
        let there = if names.is_empty() {
            "it has none".to_owned()
        } else {
            format!("there are {}", names.join(", "))
        };
        let shown: String = name.chars().take(64).collect();
        Refusal::new(Code::InvalidParameter, format!("control: the camera has no control {shown:?}; {there}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn control(name: &str, kind: ControlKind) -> Control {
        let label = name.to_owned();
        Control { name: name.into(), label, kind, default: 0, value: Some(1), access: ControlAccess::Open }
    }

    fn number(number: i64) -> ControlValue {
        ControlValue::Number(number)
    }

    #[test]
    fn a_value_out_of_range_is_told_the_range() {
        let brightness = control("brightness", ControlKind::Integer { minimum: -64, maximum: 64, step: 1 });
        assert_eq!(brightness.read(&number(-64)), Ok(-64));
        for wrong in
            [number(65), number(i64::MIN), ControlValue::Switch(true), ControlValue::Word("1".into())]
        {
            let refusal = brightness.read(&wrong).expect_err("out of range");
            assert_eq!(refusal.code, Code::InvalidParameter);
            assert!(
                refusal.message.starts_with("value: brightness takes a whole number from -64 to 64 (is "),
                "{refusal}"
            );
        }
        let zoom = control("zoom_absolute", ControlKind::Integer { minimum: 100, maximum: 500, step: 50 });
        assert_eq!(zoom.read(&number(150)), Ok(150));
        let refusal = zoom.read(&number(120)).expect_err("no step");
        assert!(refusal.message.contains("from 100 to 500 in steps of 50 (is 120)"), "{refusal}");
        let endless =
            control("x", ControlKind::Integer { minimum: i64::MIN, maximum: i64::MAX, step: u64::MAX });
        assert_eq!(endless.read(&number(i64::MIN)), Ok(i64::MIN));
    }

    #[test]
    fn menus_take_words_and_numbers() {
        let menu = ControlKind::Menu(vec![(0, "Disabled".into()), (1, "50 Hz".into()), (2, "60 Hz".into())]);
        let frequency = control("power_line_frequency", menu);
        assert_eq!(frequency.read(&ControlValue::Word("50 hz".into())), Ok(1));
        assert_eq!(frequency.read(&number(2)), Ok(2));
        for wrong in [number(3), ControlValue::Word("70 Hz".into()), ControlValue::Switch(true)] {
            let refusal = frequency.read(&wrong).expect_err("not in the menu");
            assert!(refusal.message.contains("one of 0 (Disabled), 1 (50 Hz), 2 (60 Hz)"), "{refusal}");
        }
        assert_eq!(frequency.json()["items"]["1"], "50 Hz");
    }

    #[test]
    fn switches_and_buttons() {
        let auto = control("focus_automatic_continuous", ControlKind::Boolean);
        assert_eq!(auto.read(&ControlValue::Switch(false)), Ok(0));
        assert_eq!(auto.read(&number(1)), Ok(1));
        auto.read(&number(2)).expect_err("neither on nor off");
        assert_eq!(auto.json()["value"], true);
        let reset = control("pan_reset", ControlKind::Button);
        assert_eq!(reset.read(&ControlValue::Switch(true)), Ok(1));
        reset.read(&ControlValue::Switch(false)).expect_err("a button is only pressed");
        let read_only = Control { access: ControlAccess::ReadOnly, ..auto };
        assert!(read_only.read(&number(1)).expect_err("read only").message.contains("can only be read"));
        assert_eq!(read_only.json()["read_only"], true);
    }

    #[test]
    fn an_unknown_control_is_told_those_there_are() {
        let controls = [control("brightness", ControlKind::Boolean), control("gain", ControlKind::Boolean)];
        assert_eq!(named(&controls, "gain").map(|control| control.name.as_str()), Ok("gain"));
        let refusal = named(&controls, "bright").expect_err("unknown");
        assert_eq!(refusal.code, Code::InvalidParameter);
        assert!(refusal.message.ends_with("no control \"bright\"; there are brightness, gain"), "{refusal}");
        assert!(named(&[], "x").expect_err("unknown").message.ends_with("it has none"));
    }

    #[test]
    fn what_is_said_of_a_camera_goes_before_what_is_said_of_all() {
        let all = BTreeMap::from([("gain".to_owned(), number(1)), ("brightness".to_owned(), number(2))]);
        let one = BTreeMap::from([("gain".to_owned(), number(3))]);
        let settings = BTreeMap::from([("*".to_owned(), all.clone()), ("usb-one".to_owned(), one)]);
        let of = settings_for(&settings, "usb-one");
        assert_eq!((of.get("gain"), of.get("brightness")), (Some(&number(3)), Some(&number(2))));
        assert_eq!(settings_for(&settings, "usb-two"), all);
    }
}
