//! What GStreamer and GLib complain about in this process: the lines that a journal would get.

use std::sync::{Arc, Mutex};

use gstreamer as gst;
use gstreamer::glib;

/// Every complaint since it began to listen.
#[derive(Clone)]
pub struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    /// Warnings and failed assertions.
    pub fn listen() -> Self {
        gst::init().expect("GStreamer starts");
        let log = Self(Arc::default());
        let kept = log.clone();
        glib::log_set_default_handler(move |domain, level, message| match level {
            glib::LogLevel::Error | glib::LogLevel::Critical | glib::LogLevel::Warning => {
                kept.keep(format!("{level:?} {}: {message}", domain.unwrap_or_default()));
            }
            glib::LogLevel::Message | glib::LogLevel::Info | glib::LogLevel::Debug => {}
        });
        log
    }

    fn keep(&self, line: String) {
        self.0.lock().expect("nobody panics here").push(line);
    }

    pub fn heard(&self) -> Vec<String> {
        self.0.lock().expect("nobody panics here").clone()
    }
}
