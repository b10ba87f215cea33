//! Which broker a tool talks to, and as whom: that of the configuration, or one named on the command line.
//!
//! Invariant: what the configuration says of its own broker (login, certificates) is never shown to another one.

use std::path::{Path, PathBuf};

use clap::Args;

use super::ConfigurationArguments;
use crate::app;
use crate::config::{self, Settings};
use crate::mqtt::connection;

/// What the tools of an operator take.
#[derive(Debug, Args)]
#[command(next_help_heading = "Broker")]
pub(super) struct BrokerArguments {
    #[command(flatten)]
    configuration: ConfigurationArguments,
    /// Another broker than that of the configuration, whose login and certificates are not used then
    #[arg(long, value_name = "mqtt[s]://HOST[:PORT]")]
    url: Option<String>,
    /// Log in with this name
    #[arg(short, long, value_name = "NAME")]
    username: Option<String>,
    /// File with the password (one line; never give a password on a command line)
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// Certificate authorities (PEM) in place of the system's
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// Client certificate (PEM)
    #[arg(long, value_name = "FILE")]
    client_certificate_file: Option<PathBuf>,
    /// Key of the client certificate (PEM)
    #[arg(long, value_name = "FILE")]
    client_key_file: Option<PathBuf>,
    /// First part of every topic [default: that of the configuration, coguest/v1]
    #[arg(long, value_name = "TOPIC")]
    prefix: Option<String>,
}

impl BrokerArguments {
    /// The configuration with what the command line says.
    pub(super) fn load(mut self) -> Result<Settings, config::Error> {
        let more = self.flags();
        self.configuration.set.extend(more);
        self.configuration.load()
    }

    /// The same as flags of the configuration.
    fn flags(&self) -> Vec<String> {
        let mut flags = Vec::new();
        if let Some(url) = &self.url {
            flags.push(format!("mqtt.url={url}"));
            // An empty text takes a value back.
            let own = ["username", "password_file", "ca_file", "client_certificate_file", "client_key_file"];
            flags.extend(own.map(|key| format!("mqtt.{key}=")));
        } else if self.username.is_some() {
            flags.push("mqtt.password_file=".to_owned());
        }
        let texts = [("username", &self.username), ("prefix", &self.prefix)];
        flags.extend(
            texts.into_iter().filter_map(|(key, text)| Some(format!("mqtt.{key}={}", text.as_ref()?))),
        );
        let files = [
            ("password_file", &self.password_file),
            ("ca_file", &self.ca_file),
            ("client_certificate_file", &self.client_certificate_file),
            ("client_key_file", &self.client_key_file),
        ];
        flags.extend(
            files
                .into_iter()
                .filter_map(|(key, file)| Some(format!("mqtt.{key}={}", absolute(file.as_ref()?)))),
        );
        flags
    }
}

/// A relative path of a secret would be taken for a credential.
fn absolute(file: &Path) -> String {
    std::path::absolute(file).unwrap_or_else(|_| file.to_owned()).display().to_string()
}

/// How a tool of this name reaches the broker.
pub(super) fn connection(settings: &Settings, tool: &str) -> connection::Settings {
    app::connection_settings(settings, format!("coguestd-{tool}"))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        broker: BrokerArguments,
    }

    fn flags(arguments: &[&str]) -> Vec<String> {
        let line = std::iter::once("test").chain(arguments.iter().copied());
        Line::try_parse_from(line).expect("a command line").broker.flags()
    }

    #[test]
    fn another_broker_does_not_get_the_login_of_the_configuration() {
        assert_eq!(flags(&[]), Vec::<String>::new());
        let other = flags(&["--url", "mqtt://other", "--password-file", "/secret"]);
        assert_eq!(other[0], "mqtt.url=mqtt://other");
        for taken_back in ["mqtt.username=", "mqtt.password_file=", "mqtt.client_key_file="] {
            assert!(other.contains(&taken_back.to_owned()), "{other:?}");
        }
        assert_eq!(other.last().map(String::as_str), Some("mqtt.password_file=/secret"));
        assert_eq!(flags(&["-u", "me"]), ["mqtt.password_file=", "mqtt.username=me"]);
    }
}
