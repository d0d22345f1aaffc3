// Generates the manual page in mdoc(7).

import { exitCode, exitMeaning } from "../src/cli/context.ts";
import { allCommands, type CommandSpec, type Flag, lastWordOf, type Value } from "../src/report/command-spec.ts";
import { flagHeading } from "../src/report/help.ts";
import { shellWrap } from "../src/report/wrap.ts";
import { filesByFolder } from "./paths.ts";

/** The date of the last change to the texts in this file. */
const date = "November 29, 2026";

/** Returns the manual page of the command and all its subcommands. */
export function manPage(root: CommandSpec): string {
  const commands = allCommands(root).filter(({ words }) => words.length === 0);
  const codes = Object.entries(exitCode).map(([name, code]) => {
    return item(String(code), exitMeaning[name as keyof typeof exitCode]);
  });
  const lines = [
    '.\\" Made by npm run docs, from what --help is made from.',
    `.Dd ${date}`,
    `.Dt ${lastWordOf(root).toUpperCase()} 1`,
    ".Os",
    ".Sh NAME",
    `.Nm ${lastWordOf(root)}`,
    `.Nd "${escaped(lowered(root.description))}"`,
    ".Sh SYNOPSIS",
    ...commands.flatMap((spec) => [".Nm", ...synopsis(spec)]),
    ...root.flags.flatMap(({ name }) => [".Nm", `.Fl ${name.slice(1)}`]),
    ".Sh DESCRIPTION",
    ...text(root.long),
    ...commands.flatMap(section),
    ".Sh ENVIRONMENT",
    ...list([item("Ev NO_COLOR", "If it is set and not empty, the output has no colors")]),
    ".Sh FILES",
    ...list([...filesByFolder.values()].flat().map(([path, description]) => item(`Pa ${path}`, description))),
    ".Sh EXIT STATUS",
    ...list(codes),
    ...(root.examples.length > 0 ? [".Sh EXAMPLES"] : []),
    ...literal(root.examples),
  ];
  return `${lines.join("\n")}\n`;
}

function synopsis({ path, values }: CommandSpec): string[] {
  return [`.Cm ${path.slice(1).join(" ")}`, ...values.map(valued), ".Op Ar flags"];
}

function section({ path, description, long, examples, aliases, flags, values }: CommandSpec): string[] {
  return [
    `.Ss ${path.slice(1).join(" ")}`,
    ...text(`${raised(description)}.`),
    ...(aliases.length > 0 ? text(`Also: ${aliases.join(", ")}.`) : []),
    ...(long === "" ? [] : [".Pp", ...text(long)]),
    ...(examples.length > 0 ? [".Pp", "For example:", ...literal(examples)] : []),
    ...(values.length > 0 ? list(values.map((value) => item(`Ar ${value.name}`, value.description))) : []),
    ...[...Map.groupBy(flags, ({ group }) => group)].flatMap(([group, each]) => [
      ".Pp",
      `.Sy "${flagHeading(group)}"`,
      ...list(each.map((flag) => item(flagged(flag), flag.description))),
    ]),
  ];
}

/** Returns command lines as they are typed, each in lines of a length that mandoc(1) does not complain about. */
function literal(lines: readonly string[]): string[] {
  if (lines.length === 0) return [];
  const wrapped = lines.flatMap((line) => shellWrap(line, 76, 2).split("\n"));
  return [".Bd -literal -offset indent", ...wrapped.map(escaped), ".Ed"];
}

function flagged({ name, short, value }: Flag): string {
  const long = `Fl ${name.slice(1)}${value ? ` Ar ${value.name}` : ""}`;
  return short === null ? long : `Fl ${short.slice(1)} , ${long}`;
}

function valued({ name, required, choices }: Value): string {
  const shown = choices.length > 0 ? choices.map((each) => `Cm ${each}`).join(" | ") : `Ar ${name}`;
  return required ? `.${shown}` : `.Op ${shown}`;
}

function list(items: readonly string[][]): string[] {
  return [".Bl -tag -width Ds", ...items.flat(), ".El"];
}

function item(head: string, what: string): string[] {
  return [`.It ${head}`, ...text(`${raised(what)}.`)];
}

/** Splits a text into lines as mandoc(1) requires: a line for each sentence, and none that is too long. */
function text(words: string): string[] {
  return words.split(/(?<=[.?!]) /).flatMap((sentence) => (sentence.match(/\S.{0,70}(?= |$)/g) ?? []).map(escaped));
}

/** Escapes a text so that no part of it is a request, and flags can be copied into a shell. */
function escaped(words: string): string {
  const requests = { "\\": "\\e", '"': "\\(dq", "--": "\\-\\-" };
  return words.replace(/\\|"|--/g, (found) => requests[found as keyof typeof requests]).replace(/^[.']/, "\\&$&");
}

function raised(words: string): string {
  return words.replace(/^\w/, (first) => first.toUpperCase());
}

function lowered(words: string): string {
  return words.replace(/^\w/, (first) => first.toLowerCase());
}
