// Completion in bash: commands, flags and values. Bash cannot show their descriptions.

import { allCommands, type CommandSpec, type Flag, lastWordOf, plainName, type Value } from "./command-spec.ts";

/** Returns the completion script. It needs bash 4.4 and no other package, and does not start the program. */
export function bashCompletion(root: CommandSpec): string {
  const words = allCommands(root);
  const program = lastWordOf(root);
  const name = `_${program.replaceAll("-", "_")}`;
  const commands = words.slice(1).map((word) => `"${place(word)}"`);
  const takers = words.flatMap((word) =>
    word.flags.filter(({ value }) => value).map((flag) => `"${place(word)} ${flag.name}"`),
  );
  const offers = words.flatMap((word) => [
    ...word.flags.flatMap(({ name, value }) => (value ? [offer(`${place(word)} ${name}`, value)] : [])),
    ...word.flags.filter(isForm).map((flag) => formOffer(word, flag)),
    ...(word.words.length > 0 ? [line(`${place(word)} 0`, `offered="${word.words.map(lastWordOf).join(" ")}"`)] : []),
    ...word.values.map((value, i) => offer(`${place(word)} ${i}`, value)),
  ]);
  const flags = words.map((word) => line(place(word), `offered="${word.flags.map((flag) => flag.name).join(" ")}"`));

  return `# ${program} completions bash

${name}() {
  local at="" flag="" typed=" " offered="" cur=\${COMP_WORDS[COMP_CWORD]} values=0 i word
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    # bash makes three words of --flag=value.
    if [[ $word == "=" ]]; then
      flag=\${COMP_WORDS[i-1]}
      continue
    fi
    if [[ -n $flag ]]; then
      flag=""
      continue
    fi
    typed+="$word "
    case "$at $word" in
${[line(commands.join(" | "), `at+=" $word"`), ...(takers.length > 0 ? [line(takers.join(" | "), "flag=$word")] : [])].join("")}      *" -"*) ;;
      *) values=$((values + 1)) ;;
    esac
  done
  [[ $cur == "=" ]] && cur=""
  case "$at \${flag:-$values}" in
${offers.join("")}  esac
  if [[ -z $offered && -z $flag && -z $cur ]] || [[ -z $flag && $cur == -* ]]; then
    case "$at" in
${flags.join("")}    esac
  fi
  for word in $offered; do
    [[ $word == "$cur"* && $typed != *" \${word%%=*} "* ]] && COMPREPLY+=("$word")
  done
  return 0
}
complete -F ${name} ${program}
`;
}

/** Returns the words after the program's name, each with a leading space. */
function place({ path }: CommandSpec): string {
  return path
    .slice(1)
    .map((word) => ` ${word}`)
    .join("");
}

function isForm(flag: Flag): boolean {
  return plainName(flag) !== flag.name;
}

/** Offers the value of a form such as `--json=lines` after its equals sign. */
function formOffer(word: CommandSpec, flag: Flag): string {
  const plain = plainName(flag);
  return line(`${place(word)} ${plain}`, `offered="${flag.name.slice(plain.length + 1)}"`);
}

function offer(where: string, { choices, completes }: Value): string {
  // Readline quotes the paths that it completes itself, and expands a tilde.
  const files = completes === "file" ? "compopt -o default" : completes === "directory" ? "compopt -o dirnames" : ":";
  return line(where, choices.length > 0 ? `offered="${choices.join(" ")}"` : files);
}

function line(pattern: string, action: string): string {
  return `      ${pattern.startsWith('"') ? pattern : `"${pattern}"`}) ${action} ;;\n`;
}
