// Generates the manual page in mdoc(7).

import { exitCode, exitMeaning } from "../src/cli/context.ts";
import { allCommands, type CommandSpec, type Flag, lastWordOf, type Value } from "../src/report/command-spec.ts";
import { filesByFolder } from "./paths.ts";

/** The date of the last change to the texts in this file. */
const date = "November 28, 2026";

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
    ...commands.flatMap((word) => [".Nm", ...synopsis(word)]),
    ...root.flags.flatMap(({ name }) => [".Nm", `.Fl ${name.slice(1)}`]),
    ".Sh DESCRIPTION",
    ...text("Each command says what should hold on the host, looks at what holds, and acts on the difference."),
    "It may be run again at any time.",
    ...commands.flatMap(section),
    ".Sh ENVIRONMENT",
    ...list([item("Ev NO_COLOR", "when it is not empty, nothing is printed in colours")]),
    ".Sh FILES",
    ...list([...filesByFolder.values()].flat().map(([path, description]) => item(`Pa ${path}`, description))),
    ".Sh EXIT STATUS",
    ...list(codes),
    ".Sh EXAMPLES",
    "What would be done, without doing it:",
    ".Pp",
    ".Dl edox-ops bootstrap --dry-run --diff",
  ];
  return `${lines.join("\n")}\n`;
}

function synopsis({ path, flags, values }: CommandSpec): string[] {
  return [`.Cm ${path.slice(1).join(" ")}`, ...flags.map((flag) => `.Op ${flagged(flag)}`), ...values.map(valued)];
}

function section({ path, description, flags, values }: CommandSpec): string[] {
  const items = [
    ...values.map((value) => item(`Ar ${value.name}`, value.description)),
    ...flags.map((flag) => item(flagged(flag), flag.description)),
  ];
  return [`.Ss ${path.slice(1).join(" ")}`, ...text(`${raised(description)}.`), ...list(items)];
}

function flagged({ name, value }: Flag): string {
  return `Fl ${name.slice(1)}${value ? ` Ar ${value.name}` : ""}`;
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

/** Splits a text into lines of a length that mandoc(1) does not complain about. */
function text(words: string): string[] {
  return (words.match(/\S.{0,70}(?= |$)/g) ?? []).map(escaped);
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
