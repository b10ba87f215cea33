// Templates → boxes, in the units of the canvas. Pure: the same seats in the same canvas are in the same places.

export type Template = 600 | 601 | 800 | 801 | 200

export const TEMPLATES: ReadonlyArray<{ id: Template; name: string; what: string }> = [
  { id: 800, name: 'All seats', what: 'every seat, free ones too' },
  { id: 600, name: 'Grid', what: 'who is seated' },
  { id: 601, name: 'Float', what: 'one large, the others over it' },
  { id: 801, name: 'Stage', what: 'one large, a column of six' },
  { id: 200, name: 'Side by side', what: 'one large, a column of three' },
]

export interface Box {
  index: number
  x: number
  y: number
  width: number
  height: number
}

export interface Canvas {
  width: number
  height: number
}

export interface Shape {
  boxes: Box[]
  /** Free seats that this template does not draw. */
  left: number[]
  /** What the boxes take up; higher than the canvas where it scrolls. */
  height: number
}

export interface Place {
  index: number
  taken: boolean
}

const GAP = 8
const RATIO = 16 / 9
/** Below this width a tile cannot be worked with. */
const NARROWEST = 168

export function layout(template: Template, places: Place[], canvas: Canvas, pinned: number | null): Shape {
  const taken = places.filter(place => place.taken).map(place => place.index)
  const all = places.map(place => place.index)
  const free = all.filter(index => !taken.includes(index))
  if (template === 800) return { ...grid(all, canvas, 'row'), left: [] }
  if (template === 600 || taken.length < 2) return { ...grid(taken, canvas, 'beside'), left: free }
  const first = pinned !== null && taken.includes(pinned) ? pinned : taken[0]!
  const others = taken.filter(index => index !== first)
  if (template === 601) return { ...float(first, others, canvas), left: free }
  return { ...column(first, others, canvas, template === 801 ? { share: 0.77, rows: 6 } : { share: 0.75, rows: 3 }), left: free }
}

/** 1; 2 side by side; 3 one left, two right; 4 in 2×2; 6 in 3×2; 9 in 3×3; the last row stands in the middle. */
function grid(indices: number[], canvas: Canvas, three: 'row' | 'beside'): Omit<Shape, 'left'> {
  const n = indices.length
  if (n === 0) return { boxes: [], height: canvas.height }
  const columns = columnsOf(n, canvas)
  if (n === 3 && three === 'beside' && canvas.width > canvas.height) return beside(indices as [number, number, number], canvas)
  const rows = Math.ceil(n / columns)
  const width = (canvas.width - GAP * (columns - 1)) / columns
  const fits = (canvas.height - GAP * (rows - 1)) / rows
  const height = Math.max(fits, Math.min(width / RATIO, NARROWEST))
  const boxes = indices.map((index, at) => {
    const row = Math.floor(at / columns)
    const here = row === rows - 1 ? n - row * columns : columns
    const shift = ((columns - here) * (width + GAP)) / 2
    return { index, x: shift + (at % columns) * (width + GAP), y: row * (height + GAP), width, height }
  })
  return { boxes, height: rows * height + GAP * (rows - 1) }
}

/** On a canvas that is narrow two columns and scrolling are better than many tiles of a thumb's size. */
function columnsOf(n: number, canvas: Canvas): number {
  const most = Math.max(2, Math.floor((canvas.width + GAP) / (NARROWEST + GAP)))
  return Math.min(n, most, n <= 4 ? 2 : Math.ceil(Math.sqrt(n)))
}

function beside([left, above, below]: [number, number, number], canvas: Canvas): Omit<Shape, 'left'> {
  const width = (canvas.width - GAP) / 2
  const height = (canvas.height - GAP) / 2
  const right = [above, below].map((index, at) => ({ index, x: width + GAP, y: at * (height + GAP), width, height }))
  return { boxes: [{ index: left, x: 0, y: 0, width, height: canvas.height }, ...right], height: canvas.height }
}

function float(first: number, others: number[], canvas: Canvas): Omit<Shape, 'left'> {
  const width = Math.min(canvas.width * 0.22, 320)
  const height = width / RATIO
  const perColumn = Math.max(1, Math.floor((canvas.height - GAP) / (height + GAP)))
  const small = others.map((index, at) => ({
    index,
    x: canvas.width - (Math.floor(at / perColumn) + 1) * (width + GAP),
    y: canvas.height - ((at % perColumn) + 1) * (height + GAP),
    width,
    height,
  }))
  return { boxes: [{ index: first, x: 0, y: 0, ...canvas }, ...small], height: canvas.height }
}

function column(first: number, others: number[], canvas: Canvas, { share, rows }: { share: number; rows: number }): Omit<Shape, 'left'> {
  const main = canvas.width * share
  const width = canvas.width - main - GAP
  const height = (canvas.height - GAP * (rows - 1)) / rows
  const small = others.map((index, at) => ({ index, x: main + GAP, y: at * (height + GAP), width, height }))
  const total = others.length * (height + GAP) - GAP
  return { boxes: [{ index: first, x: 0, y: 0, width: main, height: canvas.height }, ...small], height: Math.max(canvas.height, total) }
}
