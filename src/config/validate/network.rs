//! `[mqtt]` and `[webrtc]`: addresses, logins and certificates.

use ::config::{Value, ValueKind};

use super::super::reader::Found;
use super::super::settings::{ClientCertificate, IcePolicy, Login, Mqtt, Security, Tls, Turn, WebRtc};
use super::super::{Error, Warning, address, schema, secret};
use super::{Check, cannot_read, name, readable};
use crate::files;
use crate::model::UserId;

/// Kilobits a second; more than any picture takes.
const MOST_START_BITRATE: i64 = 10_000;
const MOST_MIN_BITRATE: i64 = 1_000;
const MOST_BITRATE: i64 = 20_000;

fn bitrate(found: &Found, least: i64, most: i64) -> Result<u32, Error> {
    Ok(u32::try_from(found.whole(least, most)?).unwrap_or_default())
}

impl Check<'_> {
    pub(super) fn mqtt(&mut self, user_id: &UserId) -> Result<Mqtt, Error> {
        let url = self.reader.get("mqtt.url");
        let broker = address::broker(&url.text()?).map_err(|problem| url.refuse(problem))?;
        let security = if broker.encrypted {
            Security::Tls(self.tls()?)
        } else {
            let keys = ["mqtt.ca_file", "mqtt.client_certificate_file", "mqtt.client_key_file"];
            if let Some(found) = keys.iter().find_map(|key| self.reader.find(key)) {
                return Err(found.refuse("needs an encrypted connection: set `mqtt.url` to mqtts://…"));
            }
            Security::Plain
        };
        let login = self.login(user_id)?;
        let password = login.as_ref().and_then(|login| login.password.as_ref());
        if password.is_some() && !broker.encrypted && !address::is_loopback(&broker.host) {
            self.warnings.push(Warning::SecretInClear { key: "mqtt.url".into(), scheme: "mqtts" });
        }
        Ok(Mqtt {
            host: broker.host,
            port: broker.port,
            security,
            login,
            prefix: self.topic_prefix("mqtt.prefix")?,
            keep_alive: self.reader.get("mqtt.keep_alive").seconds(5.0, 3600.0)?,
        })
    }

    fn tls(&mut self) -> Result<Tls, Error> {
        let ca = self.reader.find("mqtt.ca_file").map(|found| readable(&found)).transpose()?;
        let certificate = self.reader.find("mqtt.client_certificate_file");
        let key = self.reader.find("mqtt.client_key_file");
        let client = match (certificate, key) {
            (None, None) => None,
            (Some(certificate), Some(key)) => {
                let certificate = readable(&certificate)?;
                let file = self.secret_file(&key)?;
                files::open(&file).map_err(|error| cannot_read(&key, &file, &error))?;
                if secret::exposure(&file) == secret::Exposure::Public {
                    self.warnings.push(Warning::ReadableByOthers { key: key.key, file: file.clone() });
                }
                Some(ClientCertificate { certificate, key: file })
            }
            (Some(found), None) => return Err(found.refuse("needs `mqtt.client_key_file` too")),
            (None, Some(found)) => return Err(found.refuse("needs `mqtt.client_certificate_file` too")),
        };
        Ok(Tls { ca, client })
    }

    fn login(&mut self, user_id: &UserId) -> Result<Option<Login>, Error> {
        let username = self.reader.find("mqtt.username").map(|found| name(&found)).transpose()?;
        let password = self.reader.find("mqtt.password_file").map(|found| self.secret(&found)).transpose()?;
        if username.is_none() && password.is_none() {
            return Ok(None);
        }
        Ok(Some(Login { username: username.unwrap_or_else(|| user_id.to_string()), password }))
    }

    pub(super) fn webrtc(&mut self) -> Result<WebRtc, Error> {
        let mut stun = Vec::new();
        for item in self.reader.get("webrtc.stun").items()? {
            let url = address::plain_zone(&item.text()?);
            address::check_stun(&url).map_err(|problem| item.refuse(problem))?;
            stun.push(url);
        }
        let list = self.reader.get("webrtc.turn");
        let turn = list.items()?.iter().map(|item| self.turn(item)).collect::<Result<Vec<_>, _>>()?;
        let policy = self.reader.get("webrtc.policy");
        let ice = policy.word(&[("all", IcePolicy::All), ("relay", IcePolicy::Relay)])?;
        if ice == IcePolicy::Relay && turn.is_empty() {
            return Err(policy.refuse("is \"relay\": name a TURN server in `webrtc.turn`"));
        }
        let start = self.reader.get("webrtc.start_bitrate");
        let [start_bitrate, min_bitrate, max_bitrate] = [
            bitrate(&start, 100, MOST_START_BITRATE)?,
            bitrate(&self.reader.get("webrtc.min_bitrate"), 50, MOST_MIN_BITRATE)?,
            bitrate(&self.reader.get("webrtc.max_bitrate"), 0, MOST_BITRATE)?,
        ];
        if max_bitrate != 0 && max_bitrate < start_bitrate {
            return Err(start.refuse("must not be above `webrtc.max_bitrate`"));
        }
        if min_bitrate > start_bitrate {
            return Err(start.refuse("must not be below `webrtc.min_bitrate`"));
        }
        Ok(WebRtc { stun, turn, policy: ice, start_bitrate, min_bitrate, max_bitrate })
    }

    fn turn(&mut self, item: &Found) -> Result<Turn, Error> {
        let ValueKind::Table(table) = &item.kind else {
            return Err(item
                .refuse("must list tables: { url = \"turn:…\", username = \"…\", password_file = \"…\" }"));
        };
        let mut written: Vec<(&String, &Value)> = table.iter().collect();
        written.sort_unstable_by_key(|(key, _)| *key);
        for (key, value) in written {
            let name = format!("webrtc.turn.{key}");
            if schema::file_of_secret(&name).is_some() {
                let problem = "is refused: write the secret to a file of its own (mode 0600) and name it in `password_file`";
                return Err(Found::new(&name, value).refuse(problem));
            }
            if !schema::TURN_KEYS.contains(&key.as_str()) {
                let place = value.origin().unwrap_or_default().to_owned();
                return Err(Error::UnknownKey { place, key: name, remedy: schema::turn_remedy(key) });
            }
        }
        let part = |key: &str| {
            let value =
                table.get(key).ok_or_else(|| item.refuse(format!("needs `{key}` in each of its tables")))?;
            Ok(Found::new(&format!("webrtc.turn.{key}"), value))
        };
        let found = part("url")?;
        let url = address::plain_zone(&found.text()?);
        address::check_turn(&url).map_err(|problem| found.refuse(problem))?;
        Ok(Turn { url, username: name(&part("username")?)?, password: self.secret(&part("password_file")?)? })
    }
}
