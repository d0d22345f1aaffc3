// Runs the completion of real shells: their own machinery with the script `./script` loaded.

export const shells = {
  /** Calls the function as bash does, with the words as readline splits them. */
  bash(line: string, cwd: string): string[] {
    const words = line.split(/ |(=)/).filter((word) => word !== undefined);
    const script = `set -u; source ./script; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _edox_ops
      printf '%s\\n' "\${COMPREPLY[@]}"`;
    return run(["/bin/bash", "--norc", "-c", script, "bash", ...words], cwd).split("\n");
  },

  /** Presses Tab on a terminal. */
  zsh(line: string, cwd: string): string[] {
    const setup = [
      "stty cols 400; unsetopt prompt_sp always_last_prompt; PS1=",
      "autoload -Uz compinit; compinit -u -D; source ./script",
      `shown() { print "<""end>"; zle kill-whole-line; }; zle -N shown; bindkey "^X" shown; bindkey "^I" list-choices`,
    ];
    const seen = onTerminal("zsh -f -i", setup.join("; "), `${line}\t\x18`, cwd);
    const listed = Bun.stripANSI(seen).split("\r\n").slice(1, -1);
    return listed.flatMap((each) => {
      const text = each.trim();
      return text.includes(" -- ") ? [text.replace(/ +-- /, "\t")] : text.split(/ {2,}/);
    });
  },

  fish(line: string, cwd: string): string[] {
    const argv = ["/usr/bin/fish", "--no-config", "-c", "source ./script; complete -C $argv[1]", line];
    return run(argv, cwd).split("\n");
  },
};

/** Returns the words of a line after Tab was pressed at its end on a bash terminal. */
export function typedInBash(line: string, cwd: string): string[] {
  const end = `\x01printf '[%s]' \x05; echo '<''end>'\n`;
  const seen = onTerminal("bash --norc --noprofile -i", "PS1=; source ./script", `${line}\t${end}`, cwd);
  return [...seen.slice(seen.lastIndexOf("[edox-ops]")).matchAll(/\[(.*?)\]/g)].map(([, word = ""]) => word);
}

/** Returns what the terminal of a shell shows, from the typed keys up to the word <end>. */
function onTerminal(shell: string, setup: string, keys: string, cwd: string): string {
  const drive = `zmodload zsh/zpty; zpty shell ${shell}
    zpty -w shell "$1; printf '<%s>' ready"; zpty -r shell seen '*<ready>*'
    zpty -n -w shell "$2"; zpty -r shell seen '*<end>*'; print -r -- "$seen"`;
  return run(["/usr/bin/zsh", "-f", "-c", drive, "zsh", setup, keys], cwd);
}

function run(argv: string[], cwd: string): string {
  const env = { PATH: "/usr/bin:/bin", HOME: `${cwd}/..`, TERM: "xterm", LC_ALL: "C.UTF-8" };
  const { stdout, stderr, exitedDueToTimeout } = Bun.spawnSync(argv, { cwd, env, stdin: "ignore", timeout: 10_000 });
  if (exitedDueToTimeout || stderr.length > 0) throw new Error(`${argv[0]} did not answer ${stderr}`);
  return stdout.toString().trimEnd();
}
