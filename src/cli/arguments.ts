// Validates the typed arguments against the declared ones before a command runs. The available parsers silently accept
// unknown flags, and take a flag for the value of the flag before it.

import { Problem } from "../problem/problem.ts";
import { anyToken } from "../runner/registration/token-kind.ts";
import { nearestName } from "../text/nearest-name.ts";
import type { Argument, Arguments, Values } from "./command.ts";

/** Flags whose empty value their command validates: scripts pass a variable that may be empty. */
const maybeEmptyFlags = ["--domain", "--root-path", "--source-path", "--tags", "--token"];

/**
 * Flags that may be repeated, with what separates their values in one text. A path may contain a comma, and no argument
 * contains NUL.
 */
const repeatableFlags: Readonly<Record<string, string>> = {
  "--alias": ",",
  "--real-ip-from": ",",
  "--image": "\0",
  "--site": "\0",
};

/**
 * Returns the values by name. Throws a usage Problem for the first argument that is undeclared, empty, given twice or
 * missing.
 */
export function readArguments(typed: readonly string[], declared: Arguments): Values {
  const places = Object.entries(declared).filter(([, { type }]) => type === "positional");
  const given: Values = {};
  let words = 0;
  let onlyWords = false;
  for (let i = 0; i < typed.length; i++) {
    const token = typed[i] ?? "";
    if (token === "--" && !onlyWords) onlyWords = true;
    else if (onlyWords || !token.startsWith("-") || token === "-") {
      given[wordFor(token, places[words++])] = token;
    } else {
      const [last = token, ...others] = shortFlags(token, declared).reverse();
      for (const each of others.reverse()) readFlag(each, undefined, declared, given);
      if (readFlag(last, typed[i + 1], declared, given)) i += 1;
    }
  }
  const [missing, arg] = places[words] ?? [];
  if (arg?.type === "positional" && arg.required !== false) {
    throw usage(`a ${missing} is missing${choicesOf(arg).length > 0 ? `: ${choicesOf(arg).join(", ")}` : ""}`);
  }
  return given;
}

/** Returns the name of the positional argument that this word fills. */
function wordFor(token: string, place: [string, Argument] | undefined): string {
  if (place === undefined) throw usage(`unexpected word '${token}'`);
  const [name, arg] = place;
  const choices = choicesOf(arg);
  if (choices.length === 0 || choices.includes(token)) return name;
  const near = nearestName(token, choices);
  throw usage(`unknown ${name} '${token}'${near ? "" : `: there are ${choices.join(", ")}`}`, near);
}

/** Returns the permitted values, or an empty array if any value is permitted. */
export function choicesOf({ options = [] }: Argument): readonly string[] {
  return options;
}

/** Reads a flag. Returns true if the next word is its value. */
function readFlag(token: string, next: string | undefined, declared: Arguments, given: Values): boolean {
  // A flag such as --json=lines is declared as a whole.
  const isWhole = flagsOf(declared).includes(token);
  const [typed = "", ...rest] = isWhole ? [token] : token.split("=");
  const flag = longFlag(typed, declared);
  const value = rest.length > 0 ? rest.join("=") : undefined;
  const name = flag.slice("--".length);
  const arg = flagsOf(declared).includes(flag) ? declared[name] : undefined;
  if (arg === undefined) throw usage(`unknown flag ${flag}`, nearestName(flag, flagsOf(declared)));
  const separator = isRepeatable(flag) ? repeatableFlags[flag] : undefined;
  const earlier = separator === undefined ? undefined : given[name];
  if (Object.hasOwn(given, name) && earlier === undefined) throw usage(`${flag} is given twice`);
  if (arg.type === "boolean") {
    const others = otherForms(flag, declared);
    if (value !== undefined) {
      throw usage(
        others.length > 0 ? `unknown ${token}: use ${[flag, ...others].join(" or ")}` : `${flag} takes no value`,
      );
    }
    const other = others.find((each) => Object.hasOwn(given, each.slice("--".length)));
    if (other !== undefined) throw usage(`${other} and ${flag} are mutually exclusive`);
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

/** Returns the flag that a short one such as `-o` stands for, or the same flag. */
function longFlag(typed: string, declared: Arguments): string {
  const found = Object.entries(declared).find(([, arg]) => {
    return arg.type !== "positional" && arg.alias !== undefined && `-${arg.alias}` === typed;
  });
  return found === undefined ? typed : `--${found[0]}`;
}

/** Returns the short flags that a word such as `-nq` combines, or the word itself. */
function shortFlags(token: string, declared: Arguments): string[] {
  if (!/^-[A-Za-z]{2,}$/.test(token)) return [token];
  const flags = [...token.slice(1)].map((letter) => `-${letter}`);
  return flags.every((flag) => longFlag(flag, declared) !== flag) ? flags : [token];
}

/** Returns the flags of the same name: `--json` and `--json=lines` are forms of one flag. */
function otherForms(flag: string, declared: Arguments): string[] {
  const flagName = (each: string): string | undefined => each.split("=")[0];
  return flagsOf(declared).filter((each) => each !== flag && flagName(each) === flagName(flag));
}

function flagsOf(declared: Arguments): string[] {
  return Object.entries(declared).flatMap(([name, { type }]) => (type === "positional" ? [] : [`--${name}`]));
}

/** Returns the Problem of a wrong invocation. Without `hint`, the hint is the help of the typed command. */
export function usage(message: string, instead?: string, hint?: readonly string[]): Problem {
  // A secret that was typed in the wrong place must not be printed either.
  const text = message.replace(anyToken, "[redacted]");
  return new Problem("usage", instead ? `${text}, did you mean ${instead}?` : text, { hint });
}
