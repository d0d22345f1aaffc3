// Reads what a client asks for: the command line of ssh, which sshd passes on as one text. No shell reads it.

import * as v from "valibot";
import { Problem } from "../problem/problem.ts";
import { lifetimeOf } from "../sites/previews/expiry.ts";
import { previewName } from "../sites/previews/names.ts";
import { branch } from "../sites/project.ts";
import { versionName } from "../sites/versions/names.ts";
import { quoted } from "./quoted.ts";

/** A request: the command of `edox-ops project`, its words after the slug, and its flags. */
export interface Request {
  words: readonly string[];
  /** Its values are checked, and begin with no dash. true: a flag without a value. */
  flags: Readonly<Record<string, string | true>>;
}

/** Returns why the value of a flag, or a word, is invalid, or null. */
type Rule = (text: string) => string | null;

const ruleOf =
  (schema: v.GenericSchema<string>): Rule =>
  (text) =>
    v.safeParse(schema, text).issues?.[0].message ?? null;

const preview = ruleOf(previewName);
const version = ruleOf(versionName);
const versions: Rule = (text) =>
  text
    .split(",")
    .map(version)
    .find((reason) => reason !== null) ?? null;
const lifetime: Rule = (text) =>
  lifetimeOf(text) === undefined ? "for example 12h, 14d, at most 365d, or never" : null;
/** Any branch of git. It is only recorded and printed, so it may have characters that a shell would read. */
const gitBranch = ruleOf(branch);

/** The flags and the word of each request; null for a flag without a value. A request that is not here is refused. */
const requests: Readonly<Record<string, { flags: Readonly<Record<string, Rule | null>>; word?: Rule }>> = {
  deploy: {
    flags: {
      preview,
      expires: lifetime,
      branch: gitBranch,
      as: version,
      alias: versions,
      default: null,
      "strict-urls": null,
    },
  },
  rollback: { flags: { as: version } },
  status: { flags: {} },
  versions: { flags: {} },
  "preview list": { flags: {} },
  "preview remove": { flags: {}, word: preview },
};

/** Flags that have a meaning only with another one. */
const needs: Readonly<Record<string, string>> = { expires: "preview", branch: "preview", alias: "as", default: "as" };

/** In characters. The longest valid request has a few hundred. */
const longest = 1000;
const known = "deploy, preview list, preview remove NAME, versions, rollback, status";

/** Reads the text of a client. Throws a usage Problem for anything that is not exactly a request. */
export function readRequest(text: string | undefined): Request {
  if (text === undefined || text.trim() === "") throw refused(`a deploy key opens no shell: request one of ${known}`);
  if (text.length > longest) throw refused(`the request is longer than ${longest} characters`);
  if (/\p{C}|(?! )\p{Z}/u.test(text)) {
    throw refused(`the request ${quoted(text)} has a character that is not allowed: it is one line of text`);
  }
  const typed = text.split(" ").filter((word) => word !== "");
  const length = typed[0] === "preview" ? 2 : 1;
  const name = typed.slice(0, length).join(" ");
  const spec = Object.hasOwn(requests, name) ? requests[name] : undefined;
  if (spec === undefined) throw refused(`unknown request ${quoted(name)}: there are ${known}`);
  const words = name.split(" ");
  const flags: Record<string, string | true> = {};
  for (let i = length; i < typed.length; i++) {
    const token = typed[i] as string;
    if (!token.startsWith("--")) {
      if (words.length > length || spec.word === undefined) throw refused(`unexpected word ${quoted(token)}`);
      const reason = spec.word(token);
      if (reason !== null) throw refused(`invalid name ${quoted(token)}: ${reason}`);
      words.push(token);
      continue;
    }
    const [flag = "", ...rest] = token.slice("--".length).split("=");
    if (!Object.hasOwn(spec.flags, flag)) {
      const all = Object.keys(spec.flags).map((each) => `--${each}`);
      const known = all.length === 0 ? "it has none" : `there are ${all.join(", ")}`;
      throw refused(`unknown flag ${quoted(`--${flag}`)} of ${name}: ${known}`);
    }
    if (Object.hasOwn(flags, flag)) throw refused(`--${flag} is given twice`);
    const rule = spec.flags[flag] ?? null;
    if (rule === null) {
      if (rest.length > 0) throw refused(`--${flag} takes no value`);
      flags[flag] = true;
      continue;
    }
    const given = rest.length > 0 ? rest.join("=") : (typed[++i] ?? "");
    const reason = rule(given);
    if (reason !== null) throw refused(`invalid value ${quoted(given)} for --${flag}: ${reason}`);
    flags[flag] = given;
  }
  if (spec.word !== undefined && words.length === length) throw refused(`${name} needs a name`);
  if (flags.preview !== undefined && flags.as !== undefined) throw refused("--preview and --as are mutually exclusive");
  for (const [flag, other] of Object.entries(needs)) {
    if (flags[flag] !== undefined && flags[other] === undefined) throw refused(`--${flag} needs --${other}`);
  }
  return { words, flags };
}

function refused(message: string): Problem {
  return new Problem("usage", message);
}
