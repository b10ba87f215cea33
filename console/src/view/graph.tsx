// A small graph of numbers over time, with the last one in words.

interface GraphProps {
  name: string
  unit: string
  digits: number
  samples: Array<{ at: number; value: number | null }>
  /** The lower edge; 0 unless said. */
  floor?: number
}

const WIDTH = 160
const HEIGHT = 36

export function Graph({ name, unit, digits, samples, floor = 0 }: GraphProps) {
  const values = samples.flatMap(one => (one.value === null ? [] : [one.value]))
  const last = samples.at(-1)?.value ?? null
  const top = Math.max(...values, floor + 1e-6)
  const from = samples[0]?.at ?? 0
  const span = Math.max(1, (samples.at(-1)?.at ?? 0) - from)
  const place = (one: { at: number; value: number }) => `${(((one.at - from) / span) * WIDTH).toFixed(1)},${(HEIGHT - 2 - (Math.max(0, one.value - floor) / (top - floor)) * (HEIGHT - 4)).toFixed(1)}`
  const points = samples.flatMap(one => (one.value === null ? [] : [place({ at: one.at, value: one.value })])).join(' ')
  const shown = last === null ? 'unknown' : `${last.toFixed(digits)} ${unit}`
  return (
    <figure class="graph">
      <figcaption>
        {name} <b>{shown}</b>
      </figcaption>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={`${name}: ${shown}, at most ${values.length ? top.toFixed(digits) : 'unknown'}`}>
        <polyline points={points} vector-effect="non-scaling-stroke" />
      </svg>
    </figure>
  )
}
