// Draws a recording as an SVG that plays once. A reader who prefers reduced motion sees its last screen.

import { escaped } from "../pictures/svg.ts";
import type { Cast } from "./cast.ts";
import { type Replay, type Run, replay, type Screen } from "./screens.ts";

const cell = { width: 8.4, height: 19 };
const fontSize = 14;
const padding = 16;
const bar = 32;
/** How long the last screen counts as part of the recording. */
const endSeconds = 2;

/** The palette: each has a contrast of 4.5 or more to the background. */
export const background = "#171a21";
export const colours: Record<string, string> = {
  c0: "#8b93a3",
  c1: "#ff8080",
  c2: "#7bd88f",
  c3: "#f2c55c",
  c4: "#82b1ff",
  c5: "#d7a3ff",
  c6: "#6fd3e3",
  c7: "#d6dae2",
  c8: "#9aa2b1",
  c9: "#ff9c9c",
  c10: "#98e6a8",
  c11: "#ffd97d",
  c12: "#a5c8ff",
  c13: "#e3bfff",
  c14: "#97e4f0",
  c15: "#ffffff",
};

export async function terminalPicture(cast: Cast): Promise<string> {
  const { screens, transcript } = await replay(cast);
  return drawn(cast, { screens, transcript });
}

function drawn({ columns, rows, title }: Cast, { screens, transcript }: Replay): string {
  const inner = { width: columns * cell.width, height: rows * cell.height };
  const width = Math.ceil(inner.width + 2 * padding);
  const height = Math.ceil(inner.height + bar + 2 * padding);
  const { definitions, film } = filmOf(screens, inner.height);
  const lights = [0, 1, 2].map((each) => `<circle cx="${20 + each * 18}" cy="${bar / 2 + 2}" r="5.5"/>`).join("");
  return `<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-labelledby="title desc" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">
<title id="title">${escaped(title)}</title>
<desc id="desc">${escaped(transcript.join("\n"))}</desc>
<style>
${style(screens, inner.height)}
</style>
<rect class="frame" x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="10"/>
<g class="lights">${lights}</g>
<defs>
<rect id="cursor" y="2" width="${cell.width}" height="${cell.height - 3}"/>
${definitions}
</defs>
<svg x="${padding}" y="${bar + padding / 2}" width="${inner.width}" height="${inner.height}" viewBox="0 0 ${inner.width} ${inner.height}">
<g class="film">
${film}
</g>
</svg>
</svg>
`;
}

/** Draws all screens below each other. Each different line is defined once. */
function filmOf(screens: readonly Screen[], height: number): { definitions: string; film: string } {
  const ids = new Map<string, string>();
  const film = screens.map(({ rows, cursor }, at) => {
    const uses = rows.flatMap((runs, row) => {
      if (runs.length === 0) return [];
      const line = lineOf(runs);
      const id = ids.get(line) ?? `l${ids.size.toString(36)}`;
      ids.set(line, id);
      return `<use href="#${id}" y="${at * height + row * cell.height}"/>`;
    });
    const y = rounded(at * height + cursor.row * cell.height);
    return `${uses.join("")}<use href="#cursor" x="${rounded(cursor.column * cell.width)}" y="${y}"/>`;
  });
  const definitions = [...ids].map(([line, id]) => `<text id="${id}" y="14">${line}</text>`);
  return { definitions: definitions.join("\n"), film: film.join("\n") };
}

/** Each run has its exact width, so that columns are aligned in every font. */
function lineOf(runs: readonly Run[]): string {
  return runs
    .map(({ column, text, style }) => {
      const kind = style === "" ? "" : ` class="${style}"`;
      const length = rounded(Bun.stringWidth(text) * cell.width);
      return `<tspan x="${rounded(column * cell.width)}" textLength="${length}"${kind}>${escaped(text)}</tspan>`;
    })
    .join("");
}

/** Moves the film to each screen at its time. */
function style(screens: readonly Screen[], height: number): string {
  const end = (screens.at(-1)?.seconds ?? 0) + endSeconds;
  const frames = screens.map(({ seconds }, at) => `${rounded((seconds / end) * 100)}%{${moved(at)}}`);
  const used = new Set(screens.flatMap(({ rows }) => rows.flat().flatMap((run) => run.style.split(" "))));
  const palette = Object.entries(colours).filter(([name]) => used.has(name));
  return `.frame{fill:${background};stroke:#3a404d}
.lights{fill:#4a5160}
text{fill:#d6dae2;font:${fontSize}px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono","Liberation Mono",monospace}
.bold{font-weight:700}
#cursor{fill:#8b93a3}
.dim{fill:#9aa2b1}
${palette.map(([name, colour]) => `.${name}{fill:${colour}}`).join("\n")}
.film{${moved(screens.length - 1)};animation:play ${rounded(end)}s step-end 1}
@keyframes play{${frames.join("")}100%{${moved(screens.length - 1)}}}
@media (prefers-reduced-motion:reduce){.film{animation:none}}`;

  function moved(at: number): string {
    return `transform:translateY(-${rounded(at * height)}px)`;
  }
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
