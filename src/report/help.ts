// The text of --help.

import { type CommandSpec, type Flag, lastWordOf, type Value } from "./command-spec.ts";
import { wrap } from "./wrap.ts";

interface Look {
  colour: boolean;
  /** The columns of the terminal. */
  width: number;
  /** Each exit code with its meaning. Only the help of the program lists them. */
  exitCodes: readonly (readonly [number, string])[];
}

/** Help is not wider than this, so that lines stay readable. */
const widest = 100;

/** Returns the help of a command: what it does, its synopsis, examples, subcommands and flags. */
export function helpText(spec: CommandSpec, { colour, width: columns, exitCodes }: Look): string {
  const width = Math.min(columns, widest);
  const title = (text: string): string => (colour ? `\u001B[1m${text}\u001B[0m` : text);
  const lines = (heading: string, body: readonly string[]): string => {
    return body.length === 0 ? "" : `\n${title(heading)}\n${body.map((line) => `${line}\n`).join("")}`;
  };
  const entries = (heading: string, rows: readonly (readonly [string, string])[]): string => {
    return lines(heading, entriesOf(rows, width));
  };
  const isProgram = spec.path.length === 1;
  const commands = Map.groupBy(spec.words, ({ group }) => group || "Commands");
  const flags = Map.groupBy(spec.flags, ({ group }) => group);
  return [
    `${wrap(spec.description, width)}\n`,
    spec.long === "" ? "" : `\n${wrap(spec.long, width)}\n`,
    lines("Usage", [`  ${synopsisOf(spec)}`]),
    lines(
      "Examples",
      spec.examples.map((each) => `  ${each}`),
    ),
    ...[...commands].map(([heading, words]) => entries(heading, words.map(commandEntry))),
    entries(
      "Arguments",
      spec.values.map((value) => [value.name.toUpperCase(), value.description]),
    ),
    ...[...flags].map(([heading, each]) =>
      entries(heading === "Flags" ? heading : `${heading} flags`, each.map(flagEntry)),
    ),
    isProgram
      ? entries(
          "Exit codes",
          exitCodes.map(([code, meaning]) => [String(code), meaning]),
        )
      : "",
    spec.words.length === 0 ? "" : `\nRun ${spec.path.join(" ")} <command> --help for the flags of a command.\n`,
  ].join("");
}

/** Returns the synopsis: "edox-ops project deploy SLUG [SOURCE] [flags]". */
export function synopsisOf({ path, values, words }: CommandSpec): string {
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

/** Returns two columns. On a narrow terminal, or beside a long name, the description is on the next line. */
function entriesOf(rows: readonly (readonly [string, string])[], width: number): string[] {
  const column = Math.min(Math.max(...rows.map(([name]) => name.length)) + 4, 34);
  return rows.flatMap(([name, description]) => {
    if (width < 60) return [`  ${name}`, `      ${wrap(description, width, 6)}`];
    const wrapped = wrap(description, width, column);
    const head = `  ${name}`;
    if (head.length + 2 > column) return [head, `${" ".repeat(column)}${wrapped}`];
    return [`${head.padEnd(column)}${wrapped}`];
  });
}
