import * as v from "valibot";
import { cli } from "../../src/cli/cli.ts";
import type { Host } from "../../src/host/host.ts";
import { localTrees } from "../../src/host/local-trees.ts";
import { OutputError } from "../../src/host/system-error.ts";
import type { Trees } from "../../src/host/trees.ts";
import { eventSchema, type RunEvent } from "../../src/report/schema.ts";
import { hintFor } from "../../src/report/style.ts";
import { Secret } from "../../src/text/secret.ts";
import { fakeDebian } from "../fake-debian.ts";
import { type FakeHost, fakeHost } from "../fake-host.ts";

/** The environment variables of every command line. */
export const variables: Record<string, string> = {};
/** The questions of the command lines since this list was emptied. */
export const asked: string[] = [];
/** The answers to the next questions, for a person who does not answer all of them alike. */
export const answers: boolean[] = [];
/** What happens while a question is on the screen. */
export const meanwhile: { act: (() => Promise<unknown>) | null } = { act: null };
export const secretLine = "glrt-from-stdin";

/**
 * Runs a command line on a host, and returns its exit code and output. `person`: the answer at a terminal. `broken`:
 * the error code of stdout. `program`: the path of the executable.
 */
export function typed(line: string, host?: Host, person?: boolean, broken?: string, program?: string, trees?: Trees) {
  return typedWords(line.split(" ").filter(Boolean), host, person, broken, program, trees);
}

/** Runs a command line whose words may contain spaces. */
export async function typedWords(
  words: readonly string[],
  host: Host = fakeDebian(),
  person?: boolean,
  broken?: string,
  program = "/usr/local/bin/edox-ops",
  trees: Trees | (() => Trees) = localTrees("/none"),
) {
  let out = "";
  let err = "";
  const console = {
    async out(text: string) {
      if (broken)
        throw new OutputError(Object.assign(new Error(`${broken}: it takes nothing, write`), { code: broken }));
      out += text;
    },
    err(text: string) {
      err += text;
    },
    colour: () => variables.FORCE_COLOR !== undefined,
    // COLUMNS makes both streams a terminal of this width.
    width: () => (variables.COLUMNS === undefined ? null : Number(variables.COLUMNS)),
    unicode: () => variables.LANG !== "C",
    interactive: () => person !== undefined,
    async confirm(question: string, stream: "out" | "err") {
      asked.push(question);
      await meanwhile.act?.();
      if (stream === "out") out += question;
      else err += question;
      return answers.shift() ?? person === true;
    },
    secret: async (question: string) => {
      asked.push(question);
      return new Secret(secretLine);
    },
    async text(question: string) {
      asked.push(question);
      return `${secretLine}\n`;
    },
  };
  const exit = await cli(
    {
      host: async () => host,
      trees: async () => (typeof trees === "function" ? trees() : trees),
      console,
      variable: (name) => variables[name],
      program,
      hint: hintFor(program, host.uid === 0),
    },
    words,
  );
  return { exit, out, err };
}

/**
 * Returns a function that runs these command lines on a host, and throws if one does not succeed. They run once for all
 * hosts in the same state: most tests of a file start with the same commands.
 */
export function prepared(...lines: readonly string[]): (host: FakeHost) => Promise<FakeHost> {
  const results = new Map<string, FakeHost>();
  return async (host) => {
    const state = host.state();
    const known = results.get(state);
    if (known !== undefined) return host.resume(known);
    for (const line of lines) {
      const { exit, err } = await typed(line, host);
      if (exit !== 0 || err !== "") throw new Error(`${line} ended with ${exit}: ${err}`);
    }
    results.set(state, fakeHost().resume(host));
    return host;
  };
}

/** Prepares a host for documentation sites. */
export const bootstrap = prepared("bootstrap --yes");

/** Prepares a host, and enables the site demo.test on it. */
export const serveDemo = prepared(
  "bootstrap --yes",
  "project add demo --domain demo.test",
  "project init demo",
  "project enable demo",
);

/** Returns what a command line prints at a terminal of this width, without the status line. */
export async function atTerminal(columns: number, run: () => ReturnType<typeof typed>): ReturnType<typeof typed> {
  variables.COLUMNS = String(columns);
  const { exit, out, err } = await run();
  delete variables.COLUMNS;
  // The status line is cleared before each text.
  return { exit, out, err: err.replaceAll("\r\u001B[K", "§").replaceAll(/(?:§[^§\n]*)*§/g, "") };
}

/** Returns the events of `--json=lines`. Each line is one event of the schema. */
export function eventsOf(out: string): RunEvent[] {
  const lines = out.split("\n");
  if (lines.pop() !== "") throw new Error(`the last line has no end: ${out}`);
  return lines.map((line) => v.parse(eventSchema, JSON.parse(line)));
}
