//! Commands, from their message to their replies, and what came back from a background task that one of them began.

use std::time::Instant;

use serde_json::{Value, json};

use super::Shell;
use crate::app::background::TaskResult;
use crate::app::commands::{CommandSlot, Received};
use crate::app::role::RoleAdapter;
use crate::model::Refusal;
use crate::model::command::{Answer, Command, DeviceCommand, Settled};
use crate::mqtt::connection::Message;
use crate::mqtt::wire::command;

impl<R: RoleAdapter> Shell<R> {
    pub(super) fn command(&mut self, now: Instant, name: &str, message: &Message) {
        if !self.identity.is_speaking() {
            return;
        }
        let topics = &self.port.topics;
        match self.pending.receive(now, topics, name, message, R::PLANE, self.opening) {
            Received::Answered(reply) => {
                tracing::debug!(command = name, "answered without being done");
                self.port.publish(reply);
            }
            Received::Waits => {}
            Received::Do(slot, command) => self.carry_out(now, slot, command),
        }
    }

    pub(super) fn carry_out(&mut self, now: Instant, slot: CommandSlot, command: Command) {
        match command {
            Command::Device(DeviceCommand::ListDevices) => self.background.list_devices(slot),
            Command::Device(DeviceCommand::SwitchCamera(wish)) => {
                self.background.find_camera(slot, wish.camera)
            }
            Command::Device(DeviceCommand::GetCameraControls(wish)) => {
                let choice = wish.camera.unwrap_or_else(|| self.camera.clone());
                self.background.camera_controls(slot, choice);
            }
            Command::Device(DeviceCommand::SetCameraControl(wish)) => {
                let choice = wish.camera.clone().unwrap_or_else(|| self.camera.clone());
                self.background.set_camera_control(slot, choice, wish);
            }
            Command::Device(_) | Command::Guest(_) | Command::Host { .. } => {
                self.home.note(&command);
                let settled = self.role.command(now, command, &self.port);
                self.settle(now, slot, settled);
            }
        }
    }

    pub(super) fn settle(&mut self, now: Instant, slot: CommandSlot, settled: Settled) {
        let outcome: Result<Value, Refusal> = match settled {
            Ok(Answer::Pending(ticket)) => return self.pending.pend(slot, ticket),
            Ok(Answer::Done) => Ok(json!({})),
            Ok(Answer::State) => {
                let mut state = self.role.state(now);
                self.trouble.cover_state(&mut state);
                Ok(state)
            }
            Ok(Answer::Picture(picture)) => {
                self.home.picture(&self.port, &picture);
                Ok(command::picture(&picture))
            }
            Ok(Answer::Watch(offer)) => Ok(command::watch(&offer)),
            Err(refusal) => {
                tracing::debug!(%refusal, "command refused");
                Err(refusal)
            }
        };
        self.answer(now, slot, outcome);
    }

    fn answer(&mut self, now: Instant, slot: CommandSlot, outcome: Result<Value, Refusal>) {
        for reply in self.pending.settle(now, slot, outcome) {
            self.port.publish(reply);
        }
    }

    pub(super) fn result(&mut self, now: Instant, result: TaskResult) {
        match result {
            TaskResult::Noticed(notice) => self.noticed(now, notice),
            TaskResult::Surveyed(devices) => {
                let news = self.info.set_devices(&devices);
                self.home.cameras(&self.port, &devices.cameras);
                if news && self.identity.is_speaking() {
                    self.keep_info();
                }
            }
            TaskResult::Answered(slot, outcome) => self.answer(now, slot, outcome),
            TaskResult::Reread(reread) => self.configure(now, reread),
            TaskResult::Found(slot, found) => {
                let settled = found.and_then(|camera| {
                    self.camera.clone_from(&camera);
                    let wish = crate::model::command::SwitchCamera { camera };
                    let command = Command::Device(DeviceCommand::SwitchCamera(wish));
                    self.role.command(now, command, &self.port)
                });
                self.settle(now, slot, settled);
            }
        }
    }
}
