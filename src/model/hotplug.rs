//! What is said of the nodes of devices that come and go while the daemon runs.

use std::path::PathBuf;

use super::message::DeviceKind;

/// Something about one node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// What it is a node of.
    pub device: DeviceKind,
    /// The node, such as `/dev/video0`.
    pub node: PathBuf,
    /// What became of it.
    pub change: Change,
}

/// What became of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It is there now, or who may open it has changed.
    Came,
    /// It is there no more.
    Went,
}
