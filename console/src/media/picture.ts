// Where the picture of a tile comes from. A tile shows a stream in its video element and does not know what makes it.

export interface Picture {
  /** It may become another. */
  readonly stream: MediaStream
  /** What it is called on a tile, where a person should know that it does not move by itself; empty where it does. */
  readonly kind: string
  /** When the last picture came, in ms of Date.now(); null before the first. */
  readonly at: number | null
  /** Why none comes, as a sentence. */
  readonly why: string | null
  /** Whether somebody looks: what nobody sees is not fetched. */
  see(seen: boolean): void
  close(): void
}

export interface PictureSource {
  open(guest: string, changed: () => void): Picture
}
