// What a picture is made of: boxes in a grid, frames around them, and arrows between neighbours.

export interface Box {
  title: string;
  text?: string;
  /** Names and paths, one per line. A long one is broken after a slash, a colon or a hyphen. */
  code?: readonly string[];
  /** "strong": what the picture is about. "soft": outside of it, or only there for a while. */
  kind?: "strong" | "soft";
}

/** A frame around boxes that are neighbours in every layout. */
export interface Frame {
  label: string;
  boxes: readonly string[];
}

export interface Arrow {
  from: string;
  to: string;
  label?: string;
  /** Has a head at both ends. */
  both?: boolean;
  /** Drawn in this layout only. */
  only?: keyof Layouts;
}

/** The rows of the grid, as in CSS grid-template-areas: names of boxes, and a dot for an empty cell. */
export interface Layouts {
  wide: readonly string[];
  narrow: readonly string[];
}

export interface Picture {
  title: string;
  /** What the picture shows, for a reader who does not see it. */
  description: string;
  boxes: Readonly<Record<string, Box>>;
  frames?: readonly Frame[];
  arrows: readonly Arrow[];
  layouts: Layouts;
}

/** The width of the text on the site, in a window of 1280 px and on a phone of 390 px. */
export const widths: Record<keyof Layouts, number> = { wide: 624, narrow: 342 };
