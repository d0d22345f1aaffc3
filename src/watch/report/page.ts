// The page of the report: one file of HTML without scripts, which requests nothing.

import { sizeText } from "../../text/size.ts";
import { durationText, utcText } from "../../text/time.ts";
import { checksChart, deploysChart, diskChart } from "./charts.ts";
import { escapeHtml } from "./escape.ts";
import { reportDays, type Trend } from "./trend.ts";

/** Checks that have a row of their own. */
const mostChecks = 20;

const style = `
:root { color-scheme: light dark; --text: #1f2328; --muted: #59636e; --back: #fff; --grid: #d1d9e0;
  --s0: #0969da; --s1: #8250df; --s2: #1a7f37; --s3: #9a6700; --good: #1a7f37; --idle: #818b98; --warning: #bf8700; --error: #cf222e; }
@media (prefers-color-scheme: dark) { :root { --text: #f0f6fc; --muted: #9198a1; --back: #0d1117; --grid: #3d444d;
  --s0: #4493f8; --s1: #ab7df8; --s2: #3fb950; --s3: #d29922; --good: #3fb950; --idle: #656c76; --warning: #d29922; --error: #f85149; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--text); background: var(--back); max-width: 760px; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin-top: 2rem; } .muted { color: var(--muted); }
svg { width: 100%; height: auto; } svg text { font-size: 14px; fill: var(--muted); } .label { text-anchor: end; }
.grid { stroke: var(--grid); } .line { fill: none; stroke-width: 2; }
.s0 { stroke: var(--s0); } .s1 { stroke: var(--s1); } .s2 { stroke: var(--s2); } .s3 { stroke: var(--s3); }
.k0 { color: var(--s0); } .k1 { color: var(--s1); } .k2 { color: var(--s2); } .k3 { color: var(--s3); }
.kgood { color: var(--good); } .kidle { color: var(--idle); } .kbad { color: var(--error); }
.changed { fill: var(--good); } .unchanged { fill: var(--idle); } .failed, .error { fill: var(--error); } .warning { fill: var(--warning); }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; padding: 0.25rem 0.75rem 0.25rem 0; border-bottom: 1px solid var(--grid); vertical-align: top; }
td:first-child { overflow-wrap: anywhere; }
`;

/** Returns the page. */
export function pageOf(host: string, trend: Trend, nowMs: number): string {
  const title = `${escapeHtml(host)}: the last ${reportDays} days`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${title}</title>
<style>${style}</style>
</head>
<body>
<main>
<h1>${title}</h1>
<p class="muted">Made by edox-ops at ${utcText(nowMs)}. All times are in UTC.</p>
${[diskPart(trend), deploysPart(trend), checksPart(trend)].join("\n")}
</main>
</body>
</html>
`;
}

function diskPart(trend: Trend): string {
  const rows = trend.disks.flatMap(({ path, points }, index) => {
    const last = points.at(-1);
    if (last === undefined) return [];
    const least = Math.min(...points.map(({ bytes }) => bytes));
    const name = `${mark(`k${index % 4}`)} ${escapeHtml(path)}`;
    return [[name, sizeText(last.bytes), sizeText(least)]];
  });
  if (rows.length === 0)
    return part("Free disk space", "<p>Nothing is recorded yet. The first entry follows within an hour.</p>");
  return part("Free disk space", diskChart(trend), table(["File system", "Now", "Least"], rows));
}

function deploysPart(trend: Trend): string {
  const sum = (key: "changed" | "unchanged" | "failed"): number => trend.days.reduce((all, day) => all + day[key], 0);
  const [changed, unchanged, failed] = [sum("changed"), sum("unchanged"), sum("failed")];
  const parts = [
    `${mark("kgood")} ${changed} changed a site`,
    `${mark("kidle")} ${unchanged} changed nothing`,
    `${mark("kbad")} ${failed} failed`,
  ];
  const text = `<p>${parts.join(", ")}</p>`;
  return part("Deploys", changed + unchanged + failed === 0 ? "" : deploysChart(trend), text);
}

function checksPart(trend: Trend): string {
  const { checks } = trend;
  if (checks.length === 0) return part("Failing checks", "<p>No check failed.</p>");
  const shown = checks.slice(0, mostChecks);
  const rows = shown.map(({ name, milliseconds, isFailing, spans }) => {
    const worst = spans.some(({ level }) => level === "error") ? "error" : "warning";
    return [escapeHtml(name), worst, durationText(milliseconds), isFailing ? "yes" : "no"];
  });
  const more = checks.length - shown.length;
  const rest = more > 0 ? `<p>${more} more failed for a shorter time.</p>` : "";
  return part("Failing checks", checksChart(shown, trend), table(["Check", "Worst", "For", "Fails now"], rows), rest);
}

/** Returns the colour of a line or a bar. */
function mark(kind: string): string {
  return `<span class="${kind}" aria-hidden="true">●</span>`;
}

function part(title: string, ...content: readonly string[]): string {
  return `<section>\n<h2>${title}</h2>\n${content.filter(Boolean).join("\n")}\n</section>`;
}

/** Returns a table of cells that are HTML already. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (tag: "th" | "td", cells: readonly string[]): string => {
    return `<tr>${cells.map((cell) => `<${tag}>${cell}</${tag}>`).join("")}</tr>`;
  };
  return `<table>\n${[line("th", head), ...rows.map((cells) => line("td", cells))].join("\n")}\n</table>`;
}
