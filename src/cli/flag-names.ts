// The names of declared flags: short forms, combined short forms, and forms of one flag such as --json=lines.

import type { Arguments } from "./command.ts";

/** Returns the declared flags with their dashes. */
export function flagsOf(declared: Arguments): string[] {
  return Object.entries(declared).flatMap(([name, { type }]) => (type === "positional" ? [] : [`--${name}`]));
}

/** Returns the flag that a short one such as `-o` stands for, or the same flag. */
export function longFlag(typed: string, declared: Arguments): string {
  const found = Object.entries(declared).find(([, arg]) => {
    return arg.type !== "positional" && arg.alias !== undefined && `-${arg.alias}` === typed;
  });
  return found === undefined ? typed : `--${found[0]}`;
}

/** Returns the short flags that a word such as `-nq` combines, or the word itself. */
export function shortFlags(token: string, declared: Arguments): string[] {
  if (!/^-[A-Za-z]{2,}$/.test(token)) return [token];
  const flags = [...token.slice(1)].map((letter) => `-${letter}`);
  return flags.every((flag) => longFlag(flag, declared) !== flag) ? flags : [token];
}

/** Returns the flags of the same name: `--json` and `--json=lines` are forms of one flag. */
export function otherForms(flag: string, declared: Arguments): string[] {
  const flagName = (each: string): string | undefined => each.split("=")[0];
  return flagsOf(declared).filter((each) => each !== flag && flagName(each) === flagName(flag));
}
