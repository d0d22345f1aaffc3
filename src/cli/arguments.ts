// Validates the typed arguments against the declared ones before a command runs. The available parsers silently accept
// unknown flags, and take a flag for the value of the flag before it.

import { Problem } from "../problem/problem.ts";
import { anyToken } from "../runner/registration/token-kind.ts";
import { nearestName } from "../text/nearest-name.ts";
import type { Argument, Arguments, Values } from "./command.ts";
import { flagsOf, longFlag, otherForms, shortFlags } from "./flag-names.ts";

/** Flags whose empty value their command validates: scripts pass a variable that may be empty. */
const maybeEmptyFlags = ["--domain", "--root-path", "--source-path", "--tags", "--token"];

/**
 * Flags that may be repeated, with what separates their values in one text. A path may contain a comma, and no argument
 * contains NUL.
 */
const repeatableFlags: Readonly<Record<string, string>> = {
  "--alias": ",",
  "--allow": ",",
  "--allow-password": ",",
  "--from": ",",
  "--real-ip-from": ",",
  "--image": "\0",
  "--site": "\0",
};

/**
 * Returns the command line in which these words replace the typed ones from index `at` on, or undefined if it must not
 * be suggested. `count`: how many words are replaced, 1 by default.
 */
type Correct = (at: number, words: readonly string[], count?: number) => readonly string[] | undefined;

interface Line {
  typed: readonly string[];
  declared: Arguments;
  correct: Correct;
}

/**
 * Returns the values by name. Throws a usage Problem for the first argument that is undeclared, empty, given twice or
 * missing. Its hint is the corrected line, as far as `correct` returns one.
 */
export function readArguments(
  typed: readonly string[],
  declared: Arguments,
  correct: Correct = () => undefined,
): Values {
  const places = Object.entries(declared).filter(([, { type }]) => type === "positional");
  const line: Line = { typed, declared, correct };
  const given: Values = {};
  let words = 0;
  let onlyWords = false;
  for (let i = 0; i < typed.length; i++) {
    const token = typed[i] ?? "";
    if (token === "--" && !onlyWords) onlyWords = true;
    else if (onlyWords || !token.startsWith("-") || token === "-") {
      given[wordFor(line, i, places[words++])] = token;
    } else {
      const [last = token, ...others] = shortFlags(token, declared).reverse();
      for (const each of others.reverse()) readFlag(line, { at: i, token: each, next: undefined }, given);
      if (readFlag(line, { at: i, token: last, next: typed[i + 1] }, given)) i += 1;
    }
  }
  const [missing, arg] = places[words] ?? [];
  if (arg?.type === "positional" && arg.required !== false) {
    const choices = choicesOf(arg);
    const message = `a ${missing} is missing${choices.length > 0 ? `: ${choices.join(", ")}` : ""}`;
    throw usage(message, undefined, correct(words, [placeholderOf(missing ?? "", arg)], 0));
  }
  return given;
}

/** Returns the name of the positional argument that this word fills. */
function wordFor({ typed, correct }: Line, at: number, place: [string, Argument] | undefined): string {
  const token = typed[at] ?? "";
  if (place === undefined) throw usage(`unexpected word '${token}'`);
  const [name, arg] = place;
  const choices = choicesOf(arg);
  if (choices.length === 0 || choices.includes(token)) return name;
  const near = nearestName(token, choices);
  throw usage(
    `unknown ${name} '${token}'${near ? "" : `: there are ${choices.join(", ")}`}`,
    near,
    near === undefined ? undefined : correct(at, [near]),
  );
}

/** Returns the permitted values, or an empty array if any value is permitted. */
export function choicesOf({ options = [] }: Argument): readonly string[] {
  return options;
}

/** Returns what a synopsis shows in place of the value: a permitted one, or its name in upper case. */
function placeholderOf(name: string, arg: Argument): string {
  return choicesOf(arg)[0] ?? (arg.valueHint ?? name).replace(/,\.\.\.$/, "").toUpperCase();
}

interface FlagWord {
  at: number;
  /** The flag, which is a part of the word if that one combines short flags. */
  token: string;
  next: string | undefined;
}

/** Reads a flag. Returns true if the next word is its value. */
function readFlag({ declared, correct }: Line, { at, token, next }: FlagWord, given: Values): boolean {
  // A flag such as --json=lines is declared as a whole.
  const isWhole = flagsOf(declared).includes(token);
  const [typed = "", ...rest] = isWhole ? [token] : token.split("=");
  const flag = longFlag(typed, declared);
  const value = rest.length > 0 ? rest.join("=") : undefined;
  const name = flag.slice("--".length);
  const arg = flagsOf(declared).includes(flag) ? declared[name] : undefined;
  if (arg === undefined) {
    const near = nearestName(flag, flagsOf(declared));
    const whole = value === undefined ? near : `${near}=${value}`;
    const corrected = whole === undefined ? undefined : correct(at, [whole]);
    throw usage(`unknown flag ${flag}`, near, corrected);
  }
  const separator = isRepeatable(flag) ? repeatableFlags[flag] : undefined;
  const earlier = separator === undefined ? undefined : given[name];
  if (Object.hasOwn(given, name) && earlier === undefined) throw usage(`${flag} is given twice`);
  if (arg.type === "boolean") {
    const others = otherForms(flag, declared);
    if (value !== undefined) {
      const message = others.length > 0 ? `unknown ${token}` : `${flag} takes no value`;
      throw usage(`${message}: use ${[flag, ...others].join(" or ")}`, undefined, correct(at, [flag]));
    }
    const other = others.find((each) => Object.hasOwn(given, each.slice("--".length)));
    if (other !== undefined) throw usage(`${other} and ${flag} are mutually exclusive`);
    given[name] = true;
    return false;
  }
  if ((value ?? next) === "" && !maybeEmptyFlags.includes(flag)) {
    const filled = correct(at, [flag, placeholderOf(name, arg)], value === undefined ? 2 : 1);
    throw usage(`${flag} needs a value, not an empty one`, undefined, filled);
  }
  if (value === undefined && (next === undefined || (next.startsWith("-") && next !== "-"))) {
    throw usage(`${flag} needs a value`, undefined, correct(at + 1, [placeholderOf(name, arg)], 0));
  }
  const last = value ?? (next as string);
  given[name] = earlier === undefined ? last : `${earlier}${separator}${last}`;
  return value === undefined;
}

/** Returns whether a flag, given with its dashes, may be repeated. */
export function isRepeatable(flag: string): boolean {
  return Object.hasOwn(repeatableFlags, flag);
}

/** Returns the values of a flag that may be repeated. */
export function repeatedValues(values: Values, name: string): string[] {
  const joined = values[name];
  return typeof joined === "string" ? joined.split(repeatableFlags[`--${name}`] ?? ",") : [];
}

/** Returns the Problem of a wrong invocation. Without `hint`, the hint is the help of the typed command. */
export function usage(message: string, instead?: string, hint?: readonly string[]): Problem {
  // A secret that was typed in the wrong place must not be printed either.
  const text = message.replace(anyToken, "[redacted]");
  return new Problem("usage", instead ? `${text}, did you mean ${instead}?` : text, { hint });
}
