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

use super::event::Event;
use super::playout::Playout;
use super::speaker::{self, AudibleSound, Playback, PutIn, Speaker, SpeakerSink};
use crate::media::core::event_sender::EventSender;
use crate::media::core::job;
use crate::media::publisher::capture::{Card, Pause, Search, VolumeControl};
use crate::media::streams::Stream;
use crate::model::Volume;
use crate::model::sound::SpeakerStatus;
use crate::model::volume::Loudness;

#[derive(Debug)]
enum PlayerState {
    /// Nothing is sent, or nothing is to be played.
    Quiet,
    Opening,
    Playing {
        since: Instant,
        heard: AudibleSound,
    },
    Lost {
        pause: Pause,
    },
}

/// The player of a peer.
pub struct Player {
    pipeline: gst::Pipeline,
    speaker: Speaker,
    volume: Loudness,
    control: VolumeControl,
    sink: Option<SpeakerSink>,
    playout: Playout,
    state: PlayerState,
    search: Search,
    /// Why nothing is played, as it was last said.
    said: Option<String>,
    events: EventSender<Event>,
}

impl Player {
    pub fn new(
        pipeline: &gst::Pipeline,
        speaker: Speaker,
        volume: Loudness,
        events: EventSender<Event>,
    ) -> Self {
        Self {
            pipeline: pipeline.clone(),
            speaker,
            volume,
            control: VolumeControl::Pipeline,
            sink: None,
            playout: Playout::new(),
            state: PlayerState::Quiet,
            search: Search::default(),
            said: None,
            events,
        }
    }

    /// The stage sends something.
    pub fn stream(&mut self, now: Instant, stream: Stream) {
        match SpeakerSink::take(&self.pipeline, stream) {
            Ok(sink) if self.sink.is_none() => {
                self.sink = Some(sink);
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
                PlayerState::Quiet
            }
            Speaker::Is(..) => PlayerState::Opening,
        };
        if let PlayerState::Opening = self.state
            && let Err(error) = self.spawn_open()
        {
            self.lost(now, format!("there is no thread for the speaker ({error})"));
        }
    }

    fn spawn_open(&self) -> std::io::Result<()> {
        let (speaker, volume) = (self.speaker.clone(), self.volume);
        job::spawn_job("speaker", &self.events, move || Event::Opened(speaker::open(&speaker, volume)))
    }

    /// Takes what happened outside the loop's thread.
    pub fn event(&mut self, now: Instant, event: Event) {
        match event {
            Event::Opened(playback) => self.opened(now, playback),
            Event::VolumeApplied { wanted, by } => {
                self.control.applied(wanted, &by);
                self.follow_volume();
            }
            Event::Failed(why) => self.failed(now, why),
        }
    }

    fn opened(&mut self, now: Instant, playback: Result<Playback, String>) {
        let (PlayerState::Opening, Some(sink)) = (&self.state, &self.sink) else { return };
        let put_in = playback.and_then(|mut playback| {
            sink.put_in(&self.pipeline, &mut playback).map_err(|error| error.message.to_string())
        });
        match put_in {
            Ok(PutIn { volume, heard, name }) => {
                match self.said.take() {
                    Some(_) => tracing::info!("the speaker plays again"),
                    None => tracing::info!("the room is played by the speaker {name}"),
                }
                self.control = volume;
                self.state = PlayerState::Playing { since: now, heard };
                self.follow_volume();
            }
            Err(why) => self.lost(now, why),
        }
    }

    /// What the speaker does.
    pub fn status(&self, now: Instant) -> SpeakerStatus {
        match &self.state {
            PlayerState::Quiet | PlayerState::Opening | PlayerState::Lost { .. } => SpeakerStatus::Off,
            PlayerState::Playing { heard, .. } if heard.is_loud(now) => SpeakerStatus::Playing,
            PlayerState::Playing { .. } => SpeakerStatus::Silent,
        }
    }

    fn failed(&mut self, now: Instant, why: String) {
        if let PlayerState::Playing { .. } = self.state {
            self.lost(now, why);
        }
    }

    fn lost(&mut self, now: Instant, why: String) {
        let since = match self.state {
            PlayerState::Playing { since, .. } => Some(since),
            PlayerState::Quiet | PlayerState::Opening | PlayerState::Lost { .. } => None,
        };
        if self.said.as_ref() != Some(&why) {
            tracing::warn!("nothing is played: {why}");
            self.said = Some(why);
        }
        if let Some(sink) = &self.sink {
            sink.take_out(&self.pipeline);
        }
        self.control = VolumeControl::Pipeline;
        self.state = PlayerState::Lost { pause: self.search.lost(now, since) };
    }

    /// How long what comes is to be held back, if that has changed.
    pub fn delay(&mut self, now: Instant) -> Option<Duration> {
        let late = self.sink.as_ref()?.lateness();
        self.playout.look(now, late)
    }

    /// A sound card came or went.
    pub fn heard(&mut self, now: Instant) {
        if let PlayerState::Lost { pause } = &mut self.state {
            pause.heard(now);
        }
    }

    /// Looks for a lost speaker, if it is time.
    pub fn tick(&mut self, now: Instant) {
        if let PlayerState::Lost { pause } = self.state
            && pause.is_over(now)
        {
            self.open(now);
        }
    }

    pub fn set_volume(&mut self, volume: Volume) {
        self.volume = Loudness::Set(volume);
        self.follow_volume();
    }

    fn follow_volume(&mut self) {
        let (wanted, pipeline, events) = (self.volume, &self.pipeline, &self.events);
        let apply = |card: Card| {
            let apply = move || Event::VolumeApplied { wanted, by: card.apply(wanted) };
            let spawned = job::spawn_job("speaker-volume", events, apply);
            spawned.map_err(|error| format!("there is no thread for its mixer ({error})"))
        };
        self.control.follow(wanted, |gain| speaker::set_gain(pipeline, gain), apply);
    }
}

#[cfg(test)]
mod tests;
