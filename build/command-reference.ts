// Generates the command reference in Markdown.

import { exitCode, exitMeaning } from "../src/cli/context.ts";
import { allCommands, type CommandSpec, type Value } from "../src/report/command-spec.ts";
import type { CommandFacts } from "./command-facts.ts";

/** `facts`: by command, as typed after the program's name. */
export function commandReference(root: CommandSpec, facts: Record<string, CommandFacts> = {}): string {
  const codes = Object.entries(exitCode).map(([name, code]) => [
    String(code),
    exitMeaning[name as keyof typeof exitCode],
  ]);
  return `<!-- Made by npm run docs, from what --help is made from. -->

# Commands

${allCommands(root)
  .map((word) => section(word, facts[word.path.slice(1).join(" ")]))
  .join("\n")}
## Exit codes

${table(["Code", "Meaning"], codes)}`;
}

function section(word: CommandSpec, facts?: CommandFacts): string {
  const { path, description, flags, values, words } = word;
  const usage = [...path, ...values.map(shown), ...(words.length > 0 ? ["<command>"] : []), "[flags]"].join(" ");
  const parts = [
    `## ${path.join(" ")}\n`,
    `${cell(description)}\n`,
    `\`\`\`\n${usage}\n\`\`\`\n`,
    facts ? `For example:\n\n\`\`\`sh\n${facts.examples.join("\n")}\n\`\`\`\n` : "",
    table(
      ["Command", "What it does"],
      words.map((each) => [code(each.path.slice(1).join(" ")), each.description]),
    ),
    table(
      ["Value", "What it is"],
      values.map((each) => [code(each.name), each.description]),
    ),
    table(
      ["Flag", "What it does"],
      flags.map(({ name, value, description }) => [code(value ? `${name} <${value.name}>` : name), description]),
    ),
    facts ? `${touched(facts)}\n${ends(word, facts)}` : "",
  ];
  return parts.filter(Boolean).join("\n");
}

function touched({ files }: CommandFacts): string {
  if (files.length === 0) return "It changes no file.\n";
  const shown = files.map((file) => (file.startsWith("/") ? code(file) : file));
  return `Files that it writes or takes away: ${shown.join(", ")}.\n`;
}

/** `--check` has an exit code of its own. A command that takes a lock may find it held, or be interrupted. */
function ends({ flags }: CommandSpec, { files }: CommandFacts): string {
  const more = [
    ...(flags.some(({ name }) => name === "--check") ? [exitCode.pending] : []),
    ...(files.some((file) => file.endsWith(".lock"))
      ? [exitCode.busy, exitCode.hangup, exitCode.interrupted, exitCode.terminated]
      : []),
  ];
  const codes = [exitCode.done, exitCode.failed, exitCode.usage, ...more];
  return `[Exit codes](#exit-codes): ${codes.join(", ")}.\n`;
}

function shown({ name, required, choices }: Value): string {
  const text = choices.length > 0 ? choices.join("|") : `<${name}>`;
  return required ? text : `[${text}]`;
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
