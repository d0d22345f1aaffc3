// Commands of this program that a restore runs: they deploy and enable sites under their own locks.

import * as v from "valibot";
import type { Host } from "../host/host.ts";
import { Problem } from "../problem/problem.ts";
import { type Stop, throwIfInterrupted } from "../problem/wait.ts";
import { parseJson } from "../text/json.ts";
import { shellLine } from "../text/lines.ts";
import { nameOf } from "../text/path.ts";

interface OwnProgram {
  host: Host;
  /** The path of this program. */
  program: string;
  stop: Stop;
}

/** Runs a command of this program, and returns its outcome. Throws the Problem that it reports. */
export async function runProgram({ host, program, stop }: OwnProgram, words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await host.run([program, ...words, "--json"], { endsInOrder: true });
  throwIfInterrupted(stop);
  const { outcome, error } = documentIn(stdout);
  if (code === 0) return outcome;
  const hint = ["sudo", nameOf(program), ...words];
  throw new Problem("command-failed", error?.message ?? `${words.join(" ")} failed`, { stderr, hint });
}

/** Returns the checks of doctor that fail, each with its detail and the command to type. */
export async function doctorFailures(host: Host, program: string): Promise<string[]> {
  const { stdout } = await host.run([program, "doctor", "--json"], { endsInOrder: true });
  const { findings } = documentIn(stdout);
  return findings
    .filter(({ status }) => status === "error")
    .map(({ name, detail, hint }) => `${name}: ${detail}${hint.length === 0 ? "" : ` (run: ${shellLine(hint)})`}`);
}

const findingSchema = v.object({
  ...{ name: v.string(), status: v.string(), detail: v.string() },
  hint: v.optional(v.array(v.string()), []),
});

const documentSchema = v.object({
  outcome: v.optional(v.string(), ""),
  error: v.optional(v.object({ message: v.string() })),
  findings: v.optional(v.array(findingSchema), []),
});

function documentIn(json: string): v.InferOutput<typeof documentSchema> {
  try {
    return v.parse(documentSchema, parseJson(json));
  } catch {
    return { outcome: "", findings: [] };
  }
}
