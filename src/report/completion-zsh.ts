// Completion in zsh: commands, flags and values, with their descriptions.

import { allWords, nameOf, type Value, type Word } from "./command-spec.ts";

/**
 * Returns the completion script, to be sourced after compinit or stored in $fpath as _edox-ops. It does not start the
 * program.
 */
export function zshCompletion(root: Word): string {
  const program = nameOf(root);
  return `#compdef ${program}
# ${program} completions zsh

${allWords(root).reverse().map(functionOf).join("\n")}
if [[ \${funcstack[1]} == _${program} ]]; then
  _${program} "$@"
else
  compdef _${program} ${program}
fi
`;
}

function functionOf(word: Word): string {
  const flags = word.flags.map(({ name, description, value }) =>
    quoted(value ? `${name}=[${escaped(description)}]${taken(value)}` : `${name}[${escaped(description)}]`),
  );
  const values = word.values.map((value, i) => quoted(`${i + 1}${value.required ? "" : ":"}${taken(value)}`));
  const commands = word.words.length > 0 ? ["'1: :->command'", "'*:: :->rest'"] : values;
  const specs = [...flags, ...commands].map((spec) => ` \\\n    ${spec}`).join("");
  const further =
    word.words.length === 0
      ? ""
      : `  case $state in
    command) local -a commands=(${word.words.map(described).join(" ")}); _describe command commands && ret=0 ;;
    rest)
      case $line[1] in
${word.words.map((each) => `        ${nameOf(each)}) ${functionName(each)} && ret=0 ;;\n`).join("")}      esac
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

function functionName({ path }: Word): string {
  return `_${path.join("_")}`;
}

function described(word: Word): string {
  return quoted(`${nameOf(word)}:${word.description.replaceAll("\\", "\\\\")}`);
}

function taken({ name, choices, path }: Value): string {
  const files = path === null ? " " : path === "file" ? "_files" : "_files -/";
  return `:${escaped(name)}:${choices.length > 0 ? `(${choices.join(" ")})` : files}`;
}

function escaped(text: string): string {
  return text.replace(/[\\[\]:]/g, "\\$&");
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
