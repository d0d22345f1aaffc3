// Computes where the boxes, frames and arrows of a picture are.

import type { Arrow, Box, Frame, Layouts, Picture } from "./picture.ts";
import { widths } from "./picture.ts";
import { balanced, type Face, lineHeight, widthOf, wrapped } from "./text.ts";

/** Rows and columns, both ends included. */
interface Area {
  top: number;
  bottom: number;
  left: number;
  right: number;
}

interface Line {
  text: string;
  face: Face;
}

export interface Placed {
  x: number;
  y: number;
  width: number;
  height: number;
  area: Area;
}

export interface PlacedBox extends Placed {
  lines: readonly Line[];
  kind: Box["kind"];
}

export interface PlacedFrame extends Placed {
  label: string;
}

export interface Grid {
  height: number;
  boxes: ReadonlyMap<string, PlacedBox>;
  frames: readonly PlacedFrame[];
}

const margin = { wide: 22, narrow: 14 };
/** Between boxes, also where an arrow without a label fits in. */
const gaps = { wide: { across: 30, down: 22 }, narrow: { across: 14, down: 14 } };
/** What the shortest arrow needs. */
const shortest = 30;
const padding = { x: 10, y: 9 };
/** Within a frame: at its sides and its bottom, and above the first box for the label. */
const inset = 12;
const labelHeight = 26;
/** Left of the boxes, for an arrow between boxes that are no neighbours. */
export const lane = 16;

function areasOf(rows: readonly string[]): Map<string, Area> {
  const areas = new Map<string, Area>();
  for (const [row, names] of rows.entries()) {
    for (const [column, name] of names.trim().split(/\s+/).entries()) {
      if (name === ".") continue;
      const { top, bottom, left, right } = areas.get(name) ?? { top: row, bottom: row, left: column, right: column };
      areas.set(name, {
        top,
        bottom: Math.max(bottom, row),
        left: Math.min(left, column),
        right: Math.max(right, column),
      });
    }
  }
  return areas;
}

type Direction = "down" | "up" | "right" | "left" | "around";

/** How an arrow runs. Throws if two boxes in different columns are no neighbours. */
export function directionOf(from: Area, to: Area): Direction {
  const shares = from.left <= to.right && to.left <= from.right;
  if (shares && to.top === from.bottom + 1) return "down";
  if (shares && from.top === to.bottom + 1) return "up";
  if (from.top === to.top && to.left === from.right + 1) return "right";
  if (from.top === to.top && from.left === to.right + 1) return "left";
  if (from.left === 0 && to.left === 0) return "around";
  throw new Error("an arrow leads between boxes that are no neighbours");
}

/** Returns the arrows of a layout. */
export function arrowsOf({ arrows }: Picture, layout: keyof Layouts): Arrow[] {
  return arrows.filter(({ only }) => only === undefined || only === layout);
}

export function gridOf(picture: Picture, layout: keyof Layouts): Grid {
  const areas = areasOf(picture.layouts[layout]);
  const areaOf = (name: string): Area => {
    const area = areas.get(name);
    if (area === undefined) throw new Error(`there is no box '${name}' in the layout`);
    return area;
  };
  const frames = (picture.frames ?? []).map((frame) => ({ ...frame, area: around(frame, areas) }));
  const arrows = arrowsOf(picture, layout).map((arrow) => {
    const [from, to] = [areaOf(arrow.from), areaOf(arrow.to)];
    return { ...arrow, from, to, direction: directionOf(from, to) };
  });
  const columns = 1 + Math.max(...[...areas.values()].map(({ right }) => right));
  const rows = 1 + Math.max(...[...areas.values()].map(({ bottom }) => bottom));
  const lanes = arrows.some(({ direction }) => direction === "around") ? lane : 0;

  // The space before each column, and the one after the last.
  const across = Array.from({ length: columns + 1 }, (_, at) => {
    const isEdge = at === 0 || at === columns;
    const crossing = arrows.filter(
      ({ direction, from, to }) => ["left", "right"].includes(direction) && Math.max(from.left, to.left) === at,
    );
    const needed = crossing.map(({ label }) => (label === undefined ? shortest : widthOf(label, "text") + 20));
    const framed =
      frames.filter(({ area }) => area.left === at).length + frames.filter(({ area }) => area.right === at - 1).length;
    const least = isEdge ? margin[layout] : framed > 0 ? gaps.narrow.across : gaps[layout].across;
    return Math.max(least, ...needed) + inset * Math.min(framed, 2) + (at === 0 ? lanes : 0);
  });
  const width = (widths[layout] - sum(across)) / columns;
  const xs = across.map((_, at) => sum(across.slice(0, at + 1)) + at * width);
  const spanOf = ({ left, right }: Area) => ({
    x: xs[left] ?? 0,
    width: (xs[right] ?? 0) + width - (xs[left] ?? 0),
  });

  const texts = new Map([...areas].map(([name, area]) => [name, linesOf(picture.boxes, name, spanOf(area).width)]));
  const heights = Array.from({ length: rows }, (_, row) => {
    const inRow = [...areas].filter(([, { top, bottom }]) => top === row && bottom === row);
    return Math.max(0, ...inRow.map(([name]) => heightOf(texts.get(name) ?? [])));
  });
  const down = Array.from({ length: rows + 1 }, (_, at) => {
    const isEdge = at === 0 || at === rows;
    const crossing = arrows.filter(
      ({ direction, from, to }) => ["up", "down"].includes(direction) && Math.max(from.top, to.top) === at,
    );
    const needed = crossing.map(({ label }) => (label === undefined ? shortest : 38));
    const starts = frames.some(({ area }) => area.top === at);
    const ends = frames.some(({ area }) => area.bottom === at - 1);
    return (
      Math.max(isEdge ? margin[layout] : gaps[layout].down, ...needed) + (starts ? labelHeight : 0) + (ends ? inset : 0)
    );
  });
  const ys = down.map((_, at) => sum(down.slice(0, at + 1)) + sum(heights.slice(0, at)));
  const placed = (area: Area): Placed => {
    const y = ys[area.top] ?? 0;
    return { area, ...spanOf(area), y, height: (ys[area.bottom] ?? 0) + (heights[area.bottom] ?? 0) - y };
  };
  return {
    height: Math.ceil(ys[rows] ?? 0),
    boxes: new Map(
      [...areas].map(([name, area]) => {
        return [name, { ...placed(area), lines: texts.get(name) ?? [], kind: picture.boxes[name]?.kind }];
      }),
    ),
    frames: frames.map(({ label, area }) => {
      const { x, y, width, height } = placed(area);
      const left = area.left === 0 ? inset + lanes : inset;
      return {
        label,
        area,
        x: x - left,
        y: y - labelHeight,
        width: width + left + inset,
        height: height + labelHeight + inset,
      };
    }),
  };
}

/** Returns the area of a frame. A layout may leave boxes out. */
function around({ boxes }: Frame, areas: ReadonlyMap<string, Area>): Area {
  const inner = boxes.flatMap((name) => areas.get(name) ?? []);
  return {
    top: Math.min(...inner.map(({ top }) => top)),
    bottom: Math.max(...inner.map(({ bottom }) => bottom)),
    left: Math.min(...inner.map(({ left }) => left)),
    right: Math.max(...inner.map(({ right }) => right)),
  };
}

function linesOf(boxes: Picture["boxes"], name: string, width: number): Line[] {
  const box = boxes[name];
  if (box === undefined) throw new Error(`there is no box '${name}'`);
  const inner = width - 2 * padding.x;
  const parts: [string, Face][] = [
    [box.title, "title"],
    ...(box.text === undefined ? [] : [[box.text, "text"] as [string, Face]]),
    ...(box.code ?? []).map((line): [string, Face] => [line, "code"]),
  ];
  return parts.flatMap(([text, face]) =>
    (face === "code" ? wrapped : balanced)(text, face, inner).map((line) => ({ text: line, face })),
  );
}

function heightOf(lines: readonly Line[]): number {
  return 2 * padding.y + sum(lines.map(({ face }) => lineHeight[face]));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
