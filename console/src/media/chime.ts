// The sound for a new applicant: two short tones, made here. Before a gesture a browser plays nothing; *Enter* is one.

let context: AudioContext | null = null

export function chime(): void {
  try {
    context ??= new AudioContext()
    const start = context.currentTime
    for (const [n, hertz] of [660, 880].entries()) {
      const tone = new OscillatorNode(context, { frequency: hertz })
      const volume = new GainNode(context, { gain: 0 })
      volume.gain.setValueAtTime(0.12, start + n * 0.14)
      volume.gain.exponentialRampToValueAtTime(0.001, start + n * 0.14 + 0.13)
      tone.connect(volume).connect(context.destination)
      tone.start(start + n * 0.14)
      tone.stop(start + n * 0.14 + 0.14)
    }
  } catch {
    // A machine without sound: the badge and the words are there.
  }
}
