// Completion in zsh: commands, flags and values, with their descriptions.

import { allCommands, type CommandSpec, lastWordOf, plainName, type Value } from "./command-spec.ts";

/**
 * Returns the completion script, to be sourced after compinit or stored in $fpath as _edox-ops. It does not start the
 * program.
 */
export function zshCompletion(root: CommandSpec): string {
  const program = lastWordOf(root);
  return `#compdef ${program}
# ${program} completions zsh

${allCommands(root).reverse().map(functionOf).join("\n")}
if [[ \${funcstack[1]} == _${program} ]]; then
  _${program} "$@"
else
  compdef _${program} ${program}
fi
`;
}

function functionOf(word: CommandSpec): string {
  const flags = word.flags.map((flag) => {
    const { name, description, value } = flag;
    // Two forms of one flag exclude each other.
    const others = word.flags.filter((other) => other !== flag && plainName(other) === plainName(flag));
    const excluded = others.length > 0 ? `(${others.map((other) => other.name).join(" ")})` : "";
    const text = `[${escapeText(description)}]`;
    return quote(`${excluded}${name}${value ? `=${text}${valueSpec(value)}` : text}`);
  });
  const values = word.values.map((value, i) => quote(`${i + 1}${value.required ? "" : ":"}${valueSpec(value)}`));
  const commands = word.words.length > 0 ? ["'1: :->command'", "'*:: :->rest'"] : values;
  const specs = [...flags, ...commands].map((spec) => ` \\\n    ${spec}`).join("");
  const further =
    word.words.length === 0
      ? ""
      : `  case $state in
    command) local -a commands=(${word.words.map(describeValue).join(" ")}); _describe command commands && ret=0 ;;
    rest)
      case $line[1] in
${word.words.map((each) => `        ${lastWordOf(each)}) ${functionName(each)} && ret=0 ;;\n`).join("")}      esac
      ;;
  esac
`;
  return `${functionName(word)}() {
  local curcontext=$curcontext state ret=1
  local -a line
  local -A opt_args
  _arguments -C${specs} && ret=0
${further}  return ret
}
`;
}

function functionName({ path }: CommandSpec): string {
  return `_${path.join("_")}`;
}

function describeValue(word: CommandSpec): string {
  return quote(`${lastWordOf(word)}:${word.description.replaceAll("\\", "\\\\")}`);
}

function valueSpec({ name, choices, completes }: Value): string {
  const files = completes === "file" ? "_files" : completes === "directory" ? "_files -/" : " ";
  return `:${escapeText(name)}:${choices.length > 0 ? `(${choices.join(" ")})` : files}`;
}

function escapeText(text: string): string {
  return text.replace(/[\\[\]:]/g, "\\$&");
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
