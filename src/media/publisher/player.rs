//! Plays what the stage sends back, as long as a peer lasts.
//!
//! ```text
//! quiet ── the stage sends ─► opening ── open ─► playing ── its card fails, or is pulled out ─► lost
//!                               │ there is none, or it does not open                             │
//!                               └────────────────────────────────► lost ◄── as `search` says ────┤
//!                               ▲                                                                │
//!                               └────────────────────────────────────────────────────────────────┘
//! ```
//! What is sent while no speaker is open is thrown away. Invariant: a stage that sends nothing costs nothing; only the first of its
//! streams is played; one speaker at a time is open or being opened.

use std::time::{Duration, Instant};

use gstreamer as gst;

use super::events::Tell;
use super::knob::Knob;
use super::playback::{self, Heard, Outlet, Playback, PutIn, Speaker};
use super::playout::Playout;
use super::search::{Pause, Search};
use crate::media::streams::Stream;
use crate::model::Volume;
use crate::model::sound::SpeakerStatus;
use crate::model::volume::{Loudness, Taken};

#[derive(Debug)]
enum State {
    /// Nothing is sent, or nothing is to be played.
    Quiet,
    Opening,
    Playing {
        since: Instant,
        heard: Heard,
    },
    Lost {
        pause: Pause,
    },
}

/// The player of a peer.
pub(super) struct Player {
    pipeline: gst::Pipeline,
    speaker: Speaker,
    volume: Loudness,
    knob: Knob,
    outlet: Option<Outlet>,
    playout: Playout,
    state: State,
    search: Search,
    /// Why nothing is played, as it was last said.
    said: Option<String>,
    tell: Tell,
}

impl Player {
    pub(super) fn new(pipeline: &gst::Pipeline, speaker: Speaker, volume: Loudness, tell: Tell) -> Self {
        Self {
            pipeline: pipeline.clone(),
            speaker,
            volume,
            knob: Knob::Pipeline,
            outlet: None,
            playout: Playout::new(),
            state: State::Quiet,
            search: Search::default(),
            said: None,
            tell,
        }
    }

    /// The stage sends something.
    pub(super) fn stream(&mut self, now: Instant, stream: Stream) {
        match Outlet::take(&self.pipeline, stream) {
            Ok(outlet) if self.outlet.is_none() => {
                self.outlet = Some(outlet);
                self.open(now);
            }
            Ok(_) => {}
            Err(error) => tracing::warn!("what the stage sends is not taken: {}", error.message),
        }
    }

    fn open(&mut self, now: Instant) {
        self.state = match self.speaker {
            Speaker::None => {
                tracing::info!("nothing is played: media.speaker is \"none\"");
                State::Quiet
            }
            Speaker::Is(..) => State::Opening,
        };
        if let State::Opening = self.state
            && let Err(error) = playback::open(self.speaker.clone(), self.volume, &self.tell)
        {
            self.lost(now, format!("there is no thread for the speaker ({error})"));
        }
    }

    /// The speaker is open, or not.
    pub(super) fn opened(&mut self, now: Instant, playback: Result<Playback, String>) {
        let (State::Opening, Some(outlet)) = (&self.state, &self.outlet) else { return };
        let put_in = playback.and_then(|mut playback| {
            outlet.put_in(&self.pipeline, &mut playback).map_err(|error| error.message.to_string())
        });
        match put_in {
            Ok(PutIn { knob, heard, name }) => {
                match self.said.take() {
                    Some(_) => tracing::info!("the speaker plays again"),
                    None => tracing::info!("the room is played by the speaker {name}"),
                }
                self.knob = knob;
                self.state = State::Playing { since: now, heard };
                self.follow_volume();
            }
            Err(why) => self.lost(now, why),
        }
    }

    /// What the speaker does.
    pub(super) fn status(&self, now: Instant) -> SpeakerStatus {
        match &self.state {
            State::Quiet | State::Opening | State::Lost { .. } => SpeakerStatus::Off,
            State::Playing { heard, .. } if heard.is_loud(now) => SpeakerStatus::Playing,
            State::Playing { .. } => SpeakerStatus::Silent,
        }
    }

    /// What plays has failed.
    pub(super) fn failed(&mut self, now: Instant, why: String) {
        if let State::Playing { .. } = self.state {
            self.lost(now, why);
        }
    }

    fn lost(&mut self, now: Instant, why: String) {
        let since = match self.state {
            State::Playing { since, .. } => Some(since),
            State::Quiet | State::Opening | State::Lost { .. } => None,
        };
        if self.said.as_ref() != Some(&why) {
            tracing::warn!("nothing is played: {why}");
            self.said = Some(why);
        }
        if let Some(outlet) = &self.outlet {
            outlet.take_out(&self.pipeline);
        }
        self.knob = Knob::Pipeline;
        self.state = State::Lost { pause: self.search.lost(now, since) };
    }

    /// How long what comes is to be held back, if that has changed.
    pub(super) fn delay(&mut self, now: Instant) -> Option<Duration> {
        let late = self.outlet.as_ref()?.lateness();
        self.playout.look(now, late)
    }

    /// A sound card came or went.
    pub(super) fn heard(&mut self, now: Instant) {
        if let State::Lost { pause } = &mut self.state {
            pause.heard(now);
        }
    }

    /// Looks for a lost speaker, if it is time.
    pub(super) fn tick(&mut self, now: Instant) {
        if let State::Lost { pause } = self.state
            && pause.is_over(now)
        {
            self.open(now);
        }
    }

    pub(super) fn set_volume(&mut self, volume: Volume) {
        self.volume = Loudness::Set(volume);
        self.follow_volume();
    }

    /// Its mixer was turned to this, or not.
    pub(super) fn turned(&mut self, wanted: Loudness, taken: &Taken) {
        self.knob.turned(wanted, taken);
        self.follow_volume();
    }

    fn follow_volume(&mut self) {
        let (volume, pipeline, tell) = (self.volume, &self.pipeline, &self.tell);
        let turn = |card| {
            let turned = playback::turn(card, volume, tell);
            turned.map_err(|error| format!("there is no thread for its mixer ({error})"))
        };
        self.knob.follow(volume, |gain| playback::set_gain(pipeline, gain), turn);
    }
}

#[cfg(test)]
mod tests;
