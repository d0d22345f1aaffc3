// What was typed, held against what is declared, before anything is done with it: the parser behind the commands keeps
// unknown flags in silence and takes a flag for the value of the one before it.

import type { ArgDef, ArgsDef } from "citty";
import { distance } from "fastest-levenshtein";
import { Problem } from "../engine/step.ts";

/** Throws a usage Problem for the first thing that is not declared, is empty, or is given twice. */
export function checkArguments(typed: readonly string[], declared: ArgsDef): void {
  const values = Object.entries(declared).filter(([, { type }]) => type === "positional");
  const given = new Set<string>();
  let words = 0;
  let onlyWords = false;
  for (let i = 0; i < typed.length; i++) {
    const token = typed[i] ?? "";
    if (token === "--" && !onlyWords) onlyWords = true;
    else if (onlyWords || !token.startsWith("-") || token === "-") {
      if (token === "") throw usage("an empty word");
      checkWord(token, values[words++]);
    } else if (checkFlag(token, typed[i + 1], declared, given)) i += 1;
  }
  const [missing, arg] = values[words] ?? [];
  if (arg && arg.required !== false) {
    throw usage(`a ${missing} is missing${choicesOf(arg).length > 0 ? `: ${choicesOf(arg).join(", ")}` : ""}`);
  }
}

function checkWord(token: string, value: [string, ArgDef] | undefined): void {
  if (value === undefined) throw usage(`unexpected word '${token}'`);
  const [name, arg] = value;
  const choices = choicesOf(arg);
  if (choices.length === 0 || choices.includes(token)) return;
  const near = meant(token, choices);
  throw usage(`unknown ${name} '${token}'${near ? "" : `: there are ${choices.join(", ")}`}`, near);
}

/** All that may be typed as this value; none: anything. The parser itself knows this of an enum only. */
export function choicesOf(arg: ArgDef): readonly string[] {
  return "options" in arg && Array.isArray(arg.options) ? arg.options : [];
}

/** True when the next word is this flag's value. */
function checkFlag(token: string, next: string | undefined, declared: ArgsDef, given: Set<string>): boolean {
  const [flag = "", ...rest] = token.split("=");
  const value = rest.length > 0 ? rest.join("=") : undefined;
  const found = find(flag, declared);
  if (found === null) throw usage(`unknown flag ${flag}`, meant(flag, flagsOf(declared)));
  const [name, { type }] = found;
  if (given.has(name)) throw usage(`${flag} is given twice`);
  given.add(name);
  if (type === "boolean") {
    if (value !== undefined) throw usage(`${flag} takes no value`);
    return false;
  }
  if (value === "" || next === "") throw usage(`${flag} needs a value, not an empty one`);
  if (value !== undefined) return false;
  if (next === undefined || (next.startsWith("-") && next !== "-")) throw usage(`${flag} needs a value`);
  return true;
}

function find(flag: string, declared: ArgsDef): [string, ArgDef] | null {
  const found = Object.entries(declared).find(([name, { type }]) => type !== "positional" && flag === `--${name}`);
  return found ?? null;
}

function flagsOf(declared: ArgsDef): string[] {
  return Object.entries(declared).flatMap(([name, { type }]) => (type === "positional" ? [] : [`--${name}`]));
}

/** The nearest of the known, when it is near: a third of it mistyped at the most. */
export function meant(typed: string, known: readonly string[]): string | undefined {
  const [best] = known
    .map((name) => ({ name, far: distance(typed, name) }))
    .sort((a, b) => a.far - b.far)
    .filter(({ name, far }) => far <= Math.max(1, name.length / 3));
  return best?.name;
}

export function usage(message: string, instead?: string, hint = ["edox-ops", "--help"]): Problem {
  return new Problem("usage", instead ? `${message}, did you mean ${instead}?` : message, { hint });
}
