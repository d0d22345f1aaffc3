// What all pictures share: colours for light and dark mode, fonts, and the element around them.

import { sizes } from "./text.ts";

/** Light and dark. Text has a contrast of at least 4.5 to what is behind it, lines of at least 3. */
export const colours: Record<string, readonly [light: string, dark: string]> = {
  card: ["#f6f7f9", "#1d212a"],
  box: ["#ffffff", "#272d39"],
  line: ["#7b8494", "#7f8a9d"],
  frame: ["#c3c9d3", "#444c5b"],
  ink: ["#1c2130", "#eef1f6"],
  faint: ["#4b5467", "#b7bfce"],
  accent: ["#2a5bd0", "#8fb4ff"],
  tint: ["#e9f0ff", "#22345a"],
};

/** Escapes text for an element or an attribute of SVG. */
export function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (letter) => `&#${letter.codePointAt(0)};`);
}

export function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}

interface Drawing {
  title: string;
  description: string;
  width: number;
  height: number;
  body: readonly string[];
}

/** Returns the file. An image of an SVG takes its mode from the `color-scheme` of the page around it. */
export function svgOf({ title, description, width, height, body }: Drawing): string {
  const variables = (mode: 0 | 1) => Object.entries(colours).map(([name, pair]) => `--${name}:${pair[mode]}`);
  return `<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-labelledby="title desc" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">
<title id="title">${escaped(title)}</title>
<desc id="desc">${escaped(description)}</desc>
<style>
svg{${variables(0).join(";")}}
@media (prefers-color-scheme:dark){svg{${variables(1).join(";")}}}
text{fill:var(--ink);font-family:system-ui,sans-serif}
.title{font-size:${sizes.title}px;font-weight:600}
.text{font-size:${sizes.text}px;fill:var(--faint)}
.code{font:${sizes.code}px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;fill:var(--faint)}
.middle{text-anchor:middle}
.end{text-anchor:end}
.card{fill:var(--card);stroke:var(--frame)}
.frame{fill:none;stroke:var(--frame);stroke-width:1.5}
.box{fill:var(--box);stroke:var(--line);stroke-width:1.5}
.strong{fill:var(--tint);stroke:var(--accent)}
.soft{fill:none;stroke-dasharray:5 4}
.arrow{fill:none;stroke:var(--line);stroke-width:1.5}
.head{fill:var(--line)}
.bar{fill:var(--line)}
.own{fill:var(--accent)}
.rule{stroke:var(--faint);stroke-width:1.5;stroke-dasharray:3 3}
</style>
<rect class="card" x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="10"/>
${body.join("\n")}
</svg>
`;
}
