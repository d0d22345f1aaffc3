// What was typed, held against what is declared, before anything is done with it: strictly, where the parsers at hand
// keep unknown flags in silence and take a flag for the value of the one before it.

import type { ArgDef, ArgsDef } from "citty";
import { meant } from "../engine/meant.ts";
import { Problem } from "../engine/step.ts";
import { anyToken } from "../runner/token-kind.ts";
import type { Values } from "./command.ts";

/** Flags whose empty value is judged by their command: scripts pass a variable that may be empty. */
const maybeEmptyFlags = ["--domain", "--root-path", "--source-path", "--tags", "--token"];

/** Flags that may be given several times. Their values join to the comma-separated list that one value may be as well. */
const repeatableFlags = ["--real-ip-from"];

/** The values by their names. Throws a usage Problem for the first that is not declared, is empty, or is given twice. */
export function readArguments(typed: readonly string[], declared: ArgsDef): Values {
  const places = Object.entries(declared).filter(([, { type }]) => type === "positional");
  const given: Values = {};
  let words = 0;
  let onlyWords = false;
  for (let i = 0; i < typed.length; i++) {
    const token = typed[i] ?? "";
    if (token === "--" && !onlyWords) onlyWords = true;
    else if (onlyWords || !token.startsWith("-") || token === "-") {
      given[wordFor(token, places[words++])] = token;
    } else if (readFlag(token, typed[i + 1], declared, given)) i += 1;
  }
  const [missing, arg] = places[words] ?? [];
  if (arg && arg.required !== false) {
    throw usage(`a ${missing} is missing${choicesOf(arg).length > 0 ? `: ${choicesOf(arg).join(", ")}` : ""}`);
  }
  return given;
}

/** The name of the place that this word takes. */
function wordFor(token: string, place: [string, ArgDef] | undefined): string {
  if (place === undefined) throw usage(`unexpected word '${token}'`);
  const [name, arg] = place;
  const choices = choicesOf(arg);
  if (choices.length === 0 || choices.includes(token)) return name;
  const near = meant(token, choices);
  throw usage(`unknown ${name} '${token}'${near ? "" : `: there are ${choices.join(", ")}`}`, near);
}

/** All that may be typed as this value; none: anything. The parser itself knows this of an enum only. */
export function choicesOf(arg: ArgDef): readonly string[] {
  return "options" in arg && Array.isArray(arg.options) ? arg.options : [];
}

/** The flags whose value nobody else should read. */
const secretFlags = ["--token", "--access-token"];

/** The same words, to be shown: each secret is read from stdin instead. */
export function withoutSecrets(typed: readonly string[]): string[] {
  return typed.map((plain, i) => {
    const word = plain.replace(anyToken, "-");
    if (secretFlags.includes(typed[i - 1] ?? "")) return "-";
    const flag = secretFlags.find((each) => word.startsWith(`${each}=`));
    return flag ? `${flag}=-` : word;
  });
}

/** True when the next word is this flag's value. */
function readFlag(token: string, next: string | undefined, declared: ArgsDef, given: Values): boolean {
  const [flag = "", ...rest] = token.split("=");
  const value = rest.length > 0 ? rest.join("=") : undefined;
  const name = flag.slice("--".length);
  const arg = flagsOf(declared).includes(flag) ? declared[name] : undefined;
  if (arg === undefined) throw usage(`unknown flag ${flag}`, meant(flag, flagsOf(declared)));
  const earlier = repeatableFlags.includes(flag) ? given[name] : undefined;
  if (Object.hasOwn(given, name) && earlier === undefined) throw usage(`${flag} is given twice`);
  if (arg.type === "boolean") {
    if (value !== undefined) throw usage(`${flag} takes no value`);
    given[name] = true;
    return false;
  }
  if ((value ?? next) === "" && !maybeEmptyFlags.includes(flag)) {
    throw usage(`${flag} needs a value, not an empty one`);
  }
  if (value === undefined && (next === undefined || (next.startsWith("-") && next !== "-"))) {
    throw usage(`${flag} needs a value`);
  }
  const last = value ?? (next as string);
  given[name] = earlier === undefined ? last : `${earlier},${last}`;
  return value === undefined;
}

function flagsOf(declared: ArgsDef): string[] {
  return Object.entries(declared).flatMap(([name, { type }]) => (type === "positional" ? [] : [`--${name}`]));
}

/** Returns a Problem for a wrong invocation. Without a hint of its own it gets the help of the command that was typed. */
export function usage(message: string, instead?: string, hint?: readonly string[]): Problem {
  // What was typed in the wrong place is a secret all the same.
  const said = message.replace(anyToken, "[redacted]");
  return new Problem("usage", instead ? `${said}, did you mean ${instead}?` : said, { hint });
}
