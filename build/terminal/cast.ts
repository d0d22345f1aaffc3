// Reads and writes recordings in the format of asciinema: asciicast v2, one JSON value per line.

export interface Cast {
  columns: number;
  rows: number;
  title: string;
  /** What the terminal received, with seconds since the start. */
  output: readonly (readonly [seconds: number, text: string])[];
}

export function parseCast(text: string): Cast {
  const [header, ...events] = text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  if (header.version !== 2) throw new Error(`not an asciicast v2, but version ${header.version}`);
  const output = events.flatMap(([seconds, kind, data]) => (kind === "o" ? [[seconds, data] as const] : []));
  return { columns: header.width, rows: header.height, title: header.title, output };
}

export function castText({ columns, rows, title, output }: Cast): string {
  const header = { version: 2, width: columns, height: rows, title };
  const events = output.map(([seconds, text]) => [Math.round(seconds * 1000) / 1000, "o", text]);
  return [header, ...events].map((line) => `${JSON.stringify(line)}\n`).join("");
}
