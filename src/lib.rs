//! coguestd: a kiosk's camera and microphone as a guest in live rooms. This page is the architecture.
//!
//! # The idea
//!
//! [`guest::Guest`] and [`host::Host`] are plain structs that decide everything about rooms. They are told what happened and when,
//! and say what should happen next; they never wait, read a clock, touch a socket or a pipeline. One task owns one of them: the
//! shell in [`app`]. Everything else is an adapter that translates, keeps its own connection alive, and decides nothing.
//!
//! ```text
//!   broker ◄──► mqtt ──┐                      ┌── devices ◄──► V4L2, ALSA
//!                      ├── app::shell ────────┤
//!  systemd ◄── systemd ┘   guest::Guest  or   └── media ◄──► GStreamer ◄──► the far peer
//!                          host::Host
//! ```
//!
//! # Who may import whom
//!
//! ```text
//! main → cli → app → { mqtt, signal, media, devices, systemd, config } → { guest, host } → model
//!      → { logging, authorities } → { files, foreign, certificates, limits, memory, environment, network }
//! ```
//! An arrow may skip steps; members of a group do not import each other. [`limits`], [`memory`] and [`environment`] are this process's
//! share of the system, [`network`] is how this machine's own addresses change. GStreamer is used in [`media`] only, the MQTT client in [`mqtt`], HTTP in [`signal`], V4L2 and ALSA in
//! [`devices`], and `anyhow` in `main` and [`cli`]. `tests/layering` compares this picture with the sources.
//!
//! # Where to look
//!
//! | to change | look in |
//! |---|---|
//! | a word of the protocol: ids, codes, messages, events | [`model`] |
//! | a topic, or how a word is spelt in JSON | [`mqtt::topics`], [`mqtt::wire`] |
//! | what is said to a WHIP server | [`signal`] |
//! | what a guest does and when | [`guest`]; one stay on a seat is `guest/stay.rs` |
//! | who gets a seat | [`host`] |
//! | what is captured and sent | [`media::publisher`], and the profiles in `pipelines/` |
//! | how much is sent, and how large the pictures are | [`media::rate`] |
//! | what encodes, and what is done when it fails | [`media::encoder`], `slot.rs` and `escalation.rs` |
//! | what a host sees and measures | [`media::stage`] |
//! | what a name of a camera or a card means | [`devices`] |
//! | the order of a turn, of a shutdown, of a reply | [`app`] |
//! | a key of the configuration | [`config`], and `systemd/coguestd.toml` beside it |
//! | a subcommand | [`cli`] |
//!
//! # The contract of a machine
//!
//! ```text
//! handle_command(now, Command) -> Result<Answer, Refusal>   done, or Pending(ticket): then exactly one output settles it
//! handle_input(now, Input)                                  cannot fail
//! handle_timeout(now)
//! poll_output() -> Option<Output>                           drained to None after each of the above
//! poll_timeout() -> Option<(Instant, Timer)>                a named timer, so that every wake-up can be explained
//! snapshot()                                                a level: published when it differs
//! ```
//!
//! # What always holds
//!
//! * A device is open only while the plan of the present stay wants it. Media stop first, everybody is told after.
//! * A request that fails changes nothing, and every command has exactly one reply.
//! * What can be late carries the [`model::media::Session`] it belongs to, and is dropped in one place when that is over.
//! * Media are asked for by level ([`model::media::Plan`]): the latest wish wins. Only SDP and candidates are edges.
//! * Losing a camera changes the plan, never the phase of the stay; every phase but `live` has a deadline.
//! * Every wait has a cap, every queue a bound, every retry a growing pause. The shell's routing never waits.
//! * No value becomes part of a GStreamer launch text: values are set as properties on elements that a profile names.
//!
//! # Three flows
//!
//! *Accept to first packet.* Bytes on `command/accept_invitation` → [`mqtt::wire`] → `Command` → `Guest`: the invitation is known and
//! alive → request to the host → its `seated` with a grant → a new epoch, `preparing` → `Ask::Start`: capture opens and the peer
//! makes its offer → signalled to the stage → answer, ICE, DTLS → the first RTP packet leaves → `live`, and the event has the milliseconds.
//!
//! *The camera falls out.* Its pipeline errs, its frames stop, or [`devices::Witness`] sees its node go → the bridge gives the turn to the slate, same encoder and same session → `camera_lost`
//! → the device's own thread looks for it when it is back and stable, and now and then → its frames cross again → `camera_back`. The stay is `live` throughout.
//!
//! *The encoder hangs.* Frames go in and none comes out → `EncoderSlot` escalates: a key frame, a new one in its place (made on a
//! thread of its own, the payloader and the session stay), the camera again, the next encoder → `encoder_replaced`; or `media_failed`.
//!
//! *A kick.* The host's `unseated` → `Ask::Stop`: cut off at the bridge, then closed → `Report::Stopped` (or one second) → `bye`, events, standby.
//!
//! # Errors, by who acts
//!
//! | kind | type | who acts |
//! |---|---|---|
//! | cannot start | [`config::Error`], [`app::Error`] | a person: one line, exit status 78, systemd does not retry |
//! | asked for the impossible | [`model::Refusal`] | the sender: a stable code in the reply |
//! | the world broke | [`model::media::Fault`], a device's report | the machine: recover, degrade, or leave |
//! | we broke | a panic, which aborts | systemd: the kernel closes the camera, the will says `offline` |

pub mod app;
pub mod authorities;
pub mod certificates;
pub mod cli;
pub mod config;
pub mod devices;
pub mod environment;
pub mod files;
pub mod foreign;
pub mod guest;
pub mod host;
pub mod limits;
pub mod logging;
pub mod media;
pub mod memory;
pub mod model;
pub mod mqtt;
pub mod network;
pub mod signal;
pub mod systemd;
