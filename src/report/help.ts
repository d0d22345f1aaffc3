// The text of --help.

import { type CommandSpec, type Flag, lastWordOf, type Value } from "./command-spec.ts";
import { shellWrap, wrap } from "./wrap.ts";

interface Look {
  colour: boolean;
  /** The columns of the terminal. */
  width: number;
  /** Each exit code with its meaning. Only the help of the program lists them. */
  exitCodes: readonly (readonly [number, string])[];
}

type Entry = readonly [name: string, description: string];

/** Help is not wider than this, so that lines stay readable. */
const widest = 100;
/** On a terminal with fewer columns, descriptions are below the names. */
const narrow = 60;

/** Returns the help of a command: what it does, its synopsis, examples, subcommands and flags. */
export function helpText(spec: CommandSpec, { colour, width: columns, exitCodes }: Look): string {
  const width = Math.min(columns, widest);
  const title = (text: string): string => (colour ? `\u001B[1m${text}\u001B[0m` : text);
  const lines = (heading: string, body: readonly string[]): string => {
    return body.length === 0 ? "" : `\n${title(heading)}\n${body.map((line) => `${line}\n`).join("")}`;
  };
  const entries = (heading: string, rows: readonly Entry[], column = columnOf(rows)): string => {
    return lines(heading, entriesOf(rows, width, column));
  };
  const isProgram = spec.path.length === 1;
  const commands = [...Map.groupBy(spec.words, ({ group }) => group || "Commands")];
  const flags = [...Map.groupBy(spec.flags, ({ group }) => group)];
  // All groups of one kind have their descriptions in one column.
  const [commandColumn, flagColumn] = [columnOf(spec.words.map(commandEntry)), columnOf(spec.flags.map(flagEntry))];
  return [
    `${wrap(spec.description, width)}\n`,
    lines("Usage", [`  ${wrap(synopsisOf(spec), width, 4)}`]),
    lines(
      "Examples",
      spec.examples.map((each) => `  ${shellWrap(each, width, 4)}`),
    ),
    lines("Details", spec.long === "" ? [] : [`  ${wrap(spec.long, width, 2)}`]),
    ...commands.map(([heading, words]) => entries(heading, words.map(commandEntry), commandColumn)),
    entries(
      "Arguments",
      spec.values.map((value) => [value.name.toUpperCase(), value.description]),
    ),
    ...flags.map(([heading, each]) => entries(flagHeading(heading), each.map(flagEntry), flagColumn)),
    isProgram
      ? entries(
          "Exit codes",
          exitCodes.map(([code, meaning]) => [String(code), meaning]),
        )
      : "",
    `\n${wrap(closing(spec), width)}\n`,
  ].join("");
}

/** Returns the heading of a group of flags. */
export function flagHeading(group: string): string {
  return group === "Flags" ? group : `${group} flags`;
}

/** Returns where to read more. */
function closing({ path, words }: CommandSpec): string {
  const [line, parent] = [path.join(" "), path.slice(0, -1).join(" ")];
  return words.length > 0
    ? `Run ${line} <command> --help for the flags and examples of a command.`
    : `Run ${parent} --help for the other commands.`;
}

/** Returns the synopsis: "edox-ops project deploy SLUG [SOURCE] [flags]". */
function synopsisOf({ path, values, words }: CommandSpec): string {
  return [...path, ...values.map(valueText), ...(words.length > 0 ? ["<command>"] : []), "[flags]"].join(" ");
}

function valueText({ name, required, choices }: Value): string {
  const text = choices.length > 0 ? choices.join("|") : name.toUpperCase();
  return required ? text : `[${text}]`;
}

function commandEntry(spec: CommandSpec): [string, string] {
  return [[lastWordOf(spec), ...spec.aliases].join(", "), spec.description];
}

function flagEntry({ name, short, value, description }: Flag): [string, string] {
  return [
    `${short === null ? "    " : `${short}, `}${name}${value ? ` ${value.name.toUpperCase()}` : ""}`,
    description,
  ];
}

/** Returns the column in which the descriptions of these entries begin. */
function columnOf(rows: readonly Entry[]): number {
  return Math.min(Math.max(...rows.map(([name]) => name.length)) + 4, 34);
}

/** Returns two columns. On a narrow terminal, or beside a long name, the description is on the next line. */
function entriesOf(rows: readonly Entry[], width: number, column: number): string[] {
  return rows.flatMap(([name, description]) => {
    if (width < narrow) return [`  ${name.trimStart()}`, `      ${wrap(description, width, 6)}`];
    const wrapped = wrap(description, width, column);
    const head = `  ${name}`;
    if (head.length + 2 > column) return [head, `${" ".repeat(column)}${wrapped}`];
    return [`${head.padEnd(column)}${wrapped}`];
  });
}
