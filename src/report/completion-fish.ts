// Completion in fish: commands, flags and values, with their descriptions.

import { allCommands, type CommandSpec, type Flag, lastWordOf, plainName, type Value } from "./command-spec.ts";

/** Returns the completion script. It needs fish 3 and does not start the program. */
export function fishCompletion(root: CommandSpec): string {
  const words = allCommands(root);
  const program = lastWordOf(root);
  const name = `__${program.replaceAll("-", "_")}`;
  const commands = words.slice(1).map((word) => quote(place(word)));
  const takers = words.flatMap((word) =>
    word.flags.filter(({ value }) => value).map((flag) => quote(`${place(word)} ${flag.name}`)),
  );
  const complete = (condition: string, rest: string): string =>
    `complete -c ${program} -n ${quote(condition)} ${rest}\n`;
  const lines = words.flatMap((word) => [
    ...word.words.map((each) =>
      complete(`${name}_takes "${place(word)}" 0`, `-a ${lastWordOf(each)} -d ${quote(each.description)}`),
    ),
    ...word.values.map((value, i) =>
      complete(`${name}_takes "${place(word)}" ${i}`, `${argumentsOf(value)} -d ${quote(value.description)}`),
    ),
    ...word.flags.map((flag) =>
      complete(`${name}_lacks "${place(word)}" ${plainName(flag)}`, `${optionOf(flag)} -d ${quote(flag.description)}`),
    ),
  ]);

  return `# ${program} completions fish

# What was typed before the cursor: the command, the number of its values, and the flags that are complete.
function ${name}_typed
    set -l at ''
    set -l values 0
    set -l flags
    set -l flag ''
    for word in (commandline -opc)[2..-1]
        if test -n "$flag"
            set -a flags $flag
            set flag ''
            continue
        end
        switch "$at $word"
${caseOf(commands, 'set at "$at $word"')}${caseOf(takers, "set flag $word")}            case '* -*'
                set -a flags (string split -m 1 -f 1 -- = $word)
            case '*'
                set values (math $values + 1)
        end
    end
    printf '%s\\n' "$at" $values $flags
end

function ${name}_takes -a at values
    set -l typed (${name}_typed)
    test "$typed[1]" = "$at"; and test $typed[2] = $values
end

function ${name}_lacks -a at flag
    set -l typed (${name}_typed)
    test "$typed[1]" = "$at"; and not contains -- $flag $typed[3..-1]
end

complete -c ${program} -f
${lines.join("")}`;
}

function caseOf(patterns: readonly string[], action: string): string {
  return patterns.length === 0 ? "" : `            case ${patterns.join(" ")}\n                ${action}\n`;
}

/** Returns the words after the program's name, each with a leading space. */
function place({ path }: CommandSpec): string {
  return path
    .slice(1)
    .map((word) => ` ${word}`)
    .join("");
}

/** A form such as `--json=lines` is a word for fish, because an option's name has no equals sign. */
function optionOf(flag: Flag): string {
  if (plainName(flag) !== flag.name) return `-a ${flag.name}`;
  return `-l ${flag.name.slice(2)}${flag.value ? ` -r ${argumentsOf(flag.value)}` : ""}`;
}

function argumentsOf({ choices, completes }: Value): string {
  if (choices.length > 0) return `-f -a ${quote(choices.join(" "))}`;
  if (completes === "file") return "-F";
  return completes !== "directory" ? "-f" : "-f -a '(__fish_complete_directories)'";
}

function quote(text: string): string {
  return `'${text.replace(/[\\']/g, "\\$&")}'`;
}
