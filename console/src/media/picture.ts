// Where the picture of a tile comes from. A tile shows a stream in its video element and does not know what makes it.

export interface Picture {
  readonly stream: MediaStream
  /** When the last picture came, in ms of Date.now(); null before the first. */
  readonly at: number | null
  /** Why none comes, as a sentence. */
  readonly why: string | null
  /** Whether somebody looks: what nobody sees is not fetched. */
  see(seen: boolean): void
  close(): void
}

export interface PictureSource {
  /** What its pictures are called on a tile, where a person should know that they do not move by themselves. */
  readonly kind: string
  open(guest: string, changed: () => void): Picture
}
