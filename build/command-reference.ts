// Generates the command reference in Markdown.

import { exitCode, exitMeaning } from "../src/cli/context.ts";
import { allCommands, type CommandSpec, type Flag, lastWordOf, type Value } from "../src/report/command-spec.ts";
import { flagHeading } from "../src/report/help.ts";
import type { CommandFacts } from "./command-facts.ts";

/** `facts`: by command, as typed after the program's name. */
export function commandReference(root: CommandSpec, facts: Record<string, CommandFacts> = {}): string {
  const codes = Object.entries(exitCode).map(([name, code]) => [
    String(code),
    exitMeaning[name as keyof typeof exitCode],
  ]);
  return `<!-- Made by npm run docs, from what --help is made from. -->

# Commands

On this page you find every command with its flags, the files that it writes and its [exit codes](#exit-codes).
\`edox-ops <command> --help\` prints the same for one command.

${allCommands(root)
  .map((spec) => section(spec, facts[spec.path.slice(1).join(" ")]))
  .join("\n")}
## Exit codes

${table(["Code", "Meaning"], codes)}`;
}

function section(spec: CommandSpec, facts?: CommandFacts): string {
  const { path, description, long, examples, flags, values, words, aliases } = spec;
  const usage = [...path, ...values.map(valueText), ...(words.length > 0 ? ["<command>"] : []), "[flags]"].join(" ");
  const parts = [
    `## ${path.join(" ")}\n`,
    `${prose(description)}.\n`,
    `\`\`\`\n${usage}\n\`\`\`\n`,
    long === "" ? "" : `${prose(long)}\n`,
    aliases.length === 0 ? "" : `Also: ${aliases.map(code).join(", ")}.\n`,
    examples.length === 0 ? "" : `For example:\n\n\`\`\`sh\n${examples.join("\n")}\n\`\`\`\n`,
    ...[...Map.groupBy(words, ({ group }) => group || "Commands")].map(([heading, each]) => {
      return `**${heading}**\n\n${table(["Command", "What it does"], each.map(commandRow))}`;
    }),
    table(
      ["Argument", "What it is"],
      values.map(({ name, description: what }) => [code(name), prose(what)]),
    ),
    ...[...Map.groupBy(flags, ({ group }) => group)].map(([group, each]) => {
      return `**${flagHeading(group)}**\n\n${table(["Flag", "What it does"], each.map(flagRow))}`;
    }),
    facts ? `${filesText(facts)}\n${exitCodes(spec, facts)}` : "",
  ];
  return parts.filter(Boolean).join("\n");
}

function commandRow(spec: CommandSpec): [string, string] {
  const name = `[${code(lastWordOf(spec))}](#${spec.path.join("-")})`;
  return [[name, ...spec.aliases.map(code)].join(", "), prose(spec.description)];
}

function flagRow({ name, short, value, description }: Flag): [string, string] {
  const long = code(value ? `${name} <${value.name}>` : name);
  return [short === null ? long : `${code(short)}, ${long}`, prose(description)];
}

function filesText({ files }: CommandFacts): string {
  if (files.length === 0) return "It changes no files.\n";
  const shown = files.map((file) => (file.startsWith("/") ? code(file) : file));
  return `Files that it writes or removes: ${shown.join(", ")}.\n`;
}

/** `--check` has an exit code of its own. A command that takes a lock may find it held, or be interrupted. */
function exitCodes({ flags }: CommandSpec, { files }: CommandFacts): string {
  const more = [
    ...(flags.some(({ name }) => name === "--check") ? [exitCode.pending] : []),
    ...(files.some((file) => file.endsWith(".lock"))
      ? [exitCode.busy, exitCode.hangup, exitCode.interrupted, exitCode.terminated]
      : []),
  ];
  const codes = [exitCode.done, exitCode.failed, exitCode.usage, ...more];
  return `[Exit codes](#exit-codes): ${codes.join(", ")}.\n`;
}

function valueText({ name, required, choices }: Value): string {
  const text = choices.length > 0 ? choices.join("|") : `<${name}>`;
  return required ? text : `[${text}]`;
}

/** Returns a text with its flags as code, so that no dash is changed. */
function prose(text: string): string {
  return cell(text.replace(/(?<=^|[ (])--?[a-z][\w=-]*/g, code));
}

function code(text: string): string {
  return `\`${text}\``;
}

function table(head: [string, string], rows: string[][]): string {
  if (rows.length === 0) return "";
  return [head, head.map(() => "---"), ...rows].map((row) => `| ${row.map(cell).join(" | ")} |\n`).join("");
}

function cell(text: string): string {
  return text.replace(/[|<]/g, (found) => (text.startsWith("`") && found === "<" ? found : `\\${found}`));
}
