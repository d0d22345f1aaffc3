// Draws a picture of boxes and arrows.

import {
  arrowsOf,
  directionOf,
  type Grid,
  gridOf,
  lane,
  type Placed,
  type PlacedBox,
  type PlacedFrame,
} from "./grid.ts";
import { type Arrow, type Layouts, type Picture, widths } from "./picture.ts";
import { escaped, rounded, svgOf } from "./svg.ts";
import { lineHeight, sizes } from "./text.ts";

const headLength = 8;
const between = 3;

export function drawn(picture: Picture, layout: keyof Layouts): string {
  const grid = gridOf(picture, layout);
  const { title, description } = picture;
  const body = [
    ...grid.frames.map(frameOf),
    ...arrowsOf(picture, layout).map((arrow) => arrowOf(arrow, grid)),
    ...[...grid.boxes.values()].map(boxOf),
  ];
  return svgOf({ title, description, width: widths[layout], height: grid.height, body });
}

function rectangle({ x, y, width, height }: Placed, kind: string, radius: number): string {
  return `<rect class="${kind}" x="${rounded(x)}" y="${rounded(y)}" width="${rounded(width)}" height="${rounded(height)}" rx="${radius}"/>`;
}

function frameOf(frame: PlacedFrame): string {
  const label = `<text class="text" x="${rounded(frame.x + 10)}" y="${rounded(frame.y + 18)}">${escaped(frame.label)}</text>`;
  return `${rectangle(frame, "frame", 10)}${label}`;
}

function boxOf(box: PlacedBox): string {
  const total = box.lines.reduce((height, { face }) => height + lineHeight[face], 0);
  let y = box.y + (box.height - total) / 2;
  const texts = box.lines.map(({ text, face }) => {
    const line = lineHeight[face];
    const baseline = y + line / 2 + sizes[face] * 0.36;
    y += line;
    return `<text class="${face} middle" x="${rounded(box.x + box.width / 2)}" y="${rounded(baseline)}">${escaped(text)}</text>`;
  });
  return `<g>${rectangle(box, box.kind === undefined ? "box" : `box ${box.kind}`, 8)}${texts.join("")}</g>`;
}

function arrowOf(arrow: Arrow, { boxes }: Grid): string {
  const [from, to] = [boxes.get(arrow.from), boxes.get(arrow.to)];
  if (from === undefined || to === undefined) throw new Error(`no box of '${arrow.from}' and '${arrow.to}' is there`);
  const direction = directionOf(from.area, to.area);
  if (direction === "around") {
    const [start, end] = [from.y + from.height / 2, to.y + to.height / 2];
    const x = from.x - lane + 2;
    const turn = end > start ? 6 : -6;
    const way = `M${rounded(from.x - 1)} ${rounded(start)}H${rounded(x + 6)}q-6 0 -6 ${turn}V${rounded(end - turn)}q0 ${turn} 6 ${turn}H${rounded(to.x - headLength)}`;
    return `<path class="arrow" d="${way}"/>${head(to.x - 1, end, "right")}`;
  }
  const isVertical = direction === "down" || direction === "up";
  const sign = direction === "down" || direction === "right" ? 1 : -1;
  // Of two boxes, the middle of what they share.
  const middle = isVertical
    ? (Math.max(from.x, to.x) + Math.min(from.x + from.width, to.x + to.width)) / 2
    : (Math.max(from.y, to.y) + Math.min(from.y + from.height, to.y + to.height)) / 2;
  const [a, b] = isVertical ? [from.y, to.y] : [from.x, to.x];
  const [aSize, bSize] = isVertical ? [from.height, to.height] : [from.width, to.width];
  const start = (sign > 0 ? a + aSize : a) + sign * between;
  const end = (sign > 0 ? b : b + bSize) - sign * between;
  const point = (along: number): string => {
    return isVertical ? `${rounded(middle)} ${rounded(along)}` : `${rounded(along)} ${rounded(middle)}`;
  };
  const first = arrow.both ? start + sign * (headLength - 1) : start;
  const heads = [headAt(end, direction), ...(arrow.both ? [headAt(start, opposite[direction])] : [])];
  return [
    `<path class="arrow" d="M${point(first)}L${point(end - sign * (headLength - 1))}"/>`,
    ...heads,
    ...(arrow.label === undefined ? [] : [labelOf(arrow.label)]),
  ].join("");

  function headAt(along: number, towards: keyof typeof opposite): string {
    return isVertical ? head(middle, along, towards) : head(along, middle, towards);
  }

  function labelOf(label: string): string {
    const along = (start + end) / 2;
    const [x, y, kind] = isVertical ? [middle + 10, along + 4.5, "text"] : [along, middle - 8, "text middle"];
    return `<text class="${kind}" x="${rounded(x)}" y="${rounded(y)}">${escaped(label)}</text>`;
  }
}

const opposite = { down: "up", up: "down", left: "right", right: "left" } as const;

/** Returns the head of an arrow that ends at the point. */
function head(x: number, y: number, towards: keyof typeof opposite): string {
  const corners = {
    down: [-4.5, -headLength, 4.5, -headLength],
    up: [-4.5, headLength, 4.5, headLength],
    right: [-headLength, -4.5, -headLength, 4.5],
    left: [headLength, -4.5, headLength, 4.5],
  }[towards];
  const [ax = 0, ay = 0, bx = 0, by = 0] = corners;
  return `<path class="head" d="M${rounded(x)} ${rounded(y)}L${rounded(x + ax)} ${rounded(y + ay)}L${rounded(x + bx)} ${rounded(y + by)}Z"/>`;
}
