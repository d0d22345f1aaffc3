// Log lines of the stand-in gitlab-runner on stderr. They are coloured even without a terminal.

export type Level = "debug" | "info" | "warning" | "error" | "fatal" | "panic";
export type Fields = Record<string, string | number>;

/** A refusal, which ends the process with 1. It differs from a failed command. */
export class Refused extends Error {
  constructor(
    readonly level: "fatal" | "panic",
    message: string,
    readonly fields: Fields = {},
  ) {
    super(message);
  }
}

const order: Level[] = ["panic", "fatal", "error", "warning", "info", "debug"];
const reset = "\x1b[0;m";
const colours: Partial<Record<Level, string>> = {
  warning: "\x1b[0;33m",
  error: "\x1b[31;1m",
  fatal: "\x1b[31;1m",
  panic: "\x1b[31;1m",
};
const settings = { format: "runner", level: "info" as Level };

/** Returns false for an unknown name. */
export function setLog(what: "format" | "level", value: string): boolean {
  const name = value === "warn" ? "warning" : value;
  if (what === "level" && !order.includes(name as Level)) return false;
  Object.assign(settings, { [what]: name });
  return true;
}

export function log(level: Level, message: string, fields: Fields = {}): void {
  if (order.indexOf(level) > order.indexOf(settings.level)) return;
  process.stderr.write(`${line(level, message, Object.entries(fields).sort())}\n`);
}

export function plain(text = ""): void {
  process.stderr.write(`${text}\n`);
}

function line(level: Level, msg: string, fields: [string, string | number][]): string {
  const time = new Date().toISOString().replace(/\.\d+/, "");
  if (settings.format === "json") return JSON.stringify({ ...Object.fromEntries(fields), level, msg, time });
  if (settings.format === "text") {
    const quoted = (value: string | number) =>
      /^[\w./:@-]+$/.test(String(value)) ? value : JSON.stringify(String(value));
    const pairs: [string, string | number][] = [["time", time], ["level", level], ["msg", msg], ...fields];
    return pairs.map(([key, value]) => `${key}=${quoted(value)}`).join(" ");
  }
  const colour = colours[level] ?? "";
  const prefix = level === "info" || level === "debug" ? "" : `${level.toUpperCase()}: `;
  const shown = fields.map(([key, value]) => ` ${colour}${key}${reset}=${value}`);
  return `${colour}${prefix}${msg.padEnd(50 - prefix.length)}${reset} ${shown.join("")}`;
}
