//! Why a device fails, as far as the machine knows more of it than its driver says.

use std::fs;
use std::path::Path;

use crate::model::message::DeviceKind;
use crate::model::{Code, Refusal};

/// The refusal of a driver with its cause: that the device of this node is gone, or who has it open. May take a moment.
pub fn cause(device: DeviceKind, id: &str, node: &Path, refusal: Refusal) -> Refusal {
    match refusal.code {
        Code::CameraOccupied | Code::MicrophoneOccupied => {
            let own = std::process::id();
            let others: Vec<_> = holders(node).into_iter().filter(|holder| holder.pid != own).collect();
            let names: Vec<_> = others.iter().map(ToString::to_string).collect();
            // What another user's process has open is shown to nobody but root, whatever the sandbox.
            let by = match names.as_slice() {
                [] => ": sudo coguestd doctor says by whom".to_owned(),
                names => format!(" by {}", names.join(", ")),
            };
            Refusal::new(refusal.code, format!("{id} is in use{by}"))
        }
        // A driver that lost its device says anything, but its node is gone.
        _ if !node.exists() => Refusal::new(device.device_empty(), format!("{id} was unplugged")),
        _ => refusal,
    }
}

/// A process that has a node open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// What it is called.
    pub name: String,
    /// Its number.
    pub pid: u32,
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.name, self.pid)
    }
}

/// Processes that have `node` open. Those of other users are seen by root only.
pub fn holders(node: &Path) -> Vec<Holder> {
    let Ok(processes) = fs::read_dir("/proc") else { return Vec::new() };
    let has_it = |folder: &Path| {
        let Ok(descriptors) = fs::read_dir(folder.join("fd")) else { return false };
        descriptors.flatten().any(|entry| fs::read_link(entry.path()).is_ok_and(|target| target == node))
    };
    let holder = |entry: fs::DirEntry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        let name = || fs::read_to_string(entry.path().join("comm")).unwrap_or_default().trim_end().to_owned();
        has_it(&entry.path()).then(|| Holder { name: name(), pid })
    };
    processes.flatten().filter_map(holder).collect()
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn who_has_it_open_is_named_and_not_this_program() {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let node = fs::canonicalize(folder.path()).expect("a directory").join("video0");
        fs::write(&node, "").expect("a writable directory");
        let own = fs::File::open(&node).expect("it is there");
        let busy = || Refusal::new(Code::CameraOccupied, "cam: Device 'video0' is busy");
        let said = |refusal| cause(DeviceKind::Camera, "cam", &node, refusal);
        let hidden = Refusal::new(Code::CameraOccupied, "cam is in use: sudo coguestd doctor says by whom");
        assert_eq!(said(busy()), hidden, "it is open here only");
        let mut other = Command::new("sleep")
            .arg("600")
            .stdin(own.try_clone().expect("a descriptor"))
            .stdout(Stdio::null())
            .spawn()
            .expect("sleep is there");
        // Its name changes when it becomes the program.
        let named = format!("cam is in use by sleep {}", other.id());
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
        while said(busy()).message != named && std::time::Instant::now() < deadline {
            std::thread::yield_now();
        }
        let refusal = said(busy());
        other.kill().and_then(|()| other.wait()).expect("it ends");
        assert_eq!(refusal, Refusal::new(Code::CameraOccupied, named));
    }

    #[test]
    fn a_node_that_is_gone_was_unplugged() {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let broken = || Refusal::new(Code::CameraStartFail, "cam: Could not read from resource.");
        let here = cause(DeviceKind::Camera, "cam", folder.path(), broken());
        assert_eq!(here, broken(), "its node is there");
        let node = folder.path().join("video0");
        let gone = cause(DeviceKind::Camera, "cam", &node, broken());
        assert_eq!(gone, Refusal::new(Code::CameraDeviceEmpty, "cam was unplugged"));
        let gone = cause(DeviceKind::Microphone, "mic", &node, broken());
        assert_eq!(gone.code, Code::MicrophoneDeviceEmpty);
    }
}
