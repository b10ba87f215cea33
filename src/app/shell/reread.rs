//! SIGHUP: the configuration is read again while the daemon runs.

use std::time::Instant;

use super::Shell;
use crate::app::background::{CameraLookup, Reread};
use crate::app::reload::Changes;
use crate::app::role::RoleAdapter;
use crate::logging;
use crate::model::command::{Command, DeviceCommand, SwitchCamera};

impl<R: RoleAdapter> Shell<R> {
    /// Asked to read it again; the files are read elsewhere.
    pub(super) fn reread(&mut self) {
        self.systemd.reloading();
        self.background.reread(self.sources.clone(), self.settings.media.camera.clone());
    }

    /// It was read.
    pub(super) fn configure(&mut self, now: Instant, reread: Reread) {
        match reread {
            Ok((written, camera)) => {
                let changes = Changes::between(&self.running, &written.effective, written.role);
                for warning in &written.warnings {
                    tracing::warn!("{warning}");
                }
                self.role.configure(now, &written, &changes);
                match camera {
                    CameraLookup::Same => {}
                    CameraLookup::Found(camera) => {
                        self.camera.clone_from(&camera);
                        let wish = Command::Device(DeviceCommand::SwitchCamera(SwitchCamera { camera }));
                        if let Err(refusal) = self.role.command(now, wish, &self.port) {
                            tracing::warn!("media.camera: {refusal}");
                        }
                    }
                    CameraLookup::Missing(refusal) => tracing::warn!("media.camera: {}", refusal.message),
                }
                if changes.has("media.output_volume") {
                    self.home.set_output_volume(written.media.output_volume);
                }
                self.home.configure(&self.port, &written);
                if changes.has("log.level") {
                    logging::set_level(written.log.level);
                }
                changes.apply(&mut self.running, &written.effective);
                tracing::info!("configuration read again: {}", changes.summary());
                self.settings = *written;
            }
            Err(error) => tracing::error!("the configuration was not taken, the old one stays: {error}"),
        }
        // systemd waits for it.
        self.systemd.ready();
    }
}
