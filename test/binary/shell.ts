// Runs the completion of real shells: their own machinery with the script `./script` loaded, and the program in `./bin`.

/** Shows where the answer of a terminal ends, although the typed line that prints it is on the terminal, too. */
const printEnd = "echo '<''end>'";

export const shells = {
  /** Inserts all completions at the cursor, and reads the line as bash does. */
  bash(line: string, cwd: string): string[] {
    const words = line.split(" ");
    const seen = typedIn("bash", line, cwd, "\x1b*");
    return seen.join(" ") === line.trimEnd() ? [] : seen.slice(words.length - 1);
  },

  /** Presses Tab on a terminal. */
  zsh(line: string, cwd: string): string[] {
    const shown = `shown() { print "<""end>"; zle kill-whole-line; }; zle -N shown; bindkey "^X" shown; bindkey "^I" list-choices`;
    const seen = onTerminal("zsh", `${setups.zsh}; ${shown}`, `${line}\t\x18`, cwd);
    const listed = Bun.stripANSI(seen).split("\r\n").slice(1, -1);
    return listed.flatMap((each) => {
      const text = each.trim();
      return text.includes(" -- ") ? [text.replace(/ +-- /, "\t")] : text.split(/ {2,}/);
    });
  },

  fish(line: string, cwd: string): string[] {
    const argv = ["/usr/bin/fish", "-c", "source ./script; complete -C $argv[1]", line];
    return run(argv, cwd).split("\n").filter(Boolean);
  },
};

const programs = { bash: "bash --norc --noprofile -i", zsh: "zsh -f -i" };
const setups = {
  bash: "PS1=; set -u; bind 'set bell-style none'; source ./script",
  zsh: [
    "stty cols 400; unsetopt prompt_sp always_last_prompt; PS1=; setopt nounset",
    "autoload -Uz compinit; compinit -u -d $HOME/zcompdump; source ./script",
  ].join("; "),
};

/** Returns the words of a line after keys, Tab by default, were pressed at its end on a terminal. */
export function typedIn(shell: keyof typeof setups, line: string, cwd: string, keys = "\t"): string[] {
  const end = `\x01printf '[%s]\\n' \x05; ${printEnd}\n`;
  const seen = checked(shell, onTerminal(shell, setups[shell], `${line}${keys}${end}`, cwd));
  // The first word begins a line only where printf prints it.
  const printed = seen.slice(seen.search(/(?<=\n|\r)\[(?!%s)/));
  return [...printed.matchAll(/^\[(.*?)\]\r?$/gm)].map(([, word = ""]) => word);
}

/** Presses Tab in bash at the end of a line, and discards the line. Throws if bash reports an error. */
export function pressTab(line: string, cwd: string): void {
  checked("bash", onTerminal("bash", setups.bash, `${line}\t\t\x15${printEnd}\n`, cwd));
}

function checked(shell: string, seen: string): string {
  if (/not found|no such|error|unbound/i.test(seen)) throw new Error(`${shell} reports an error: ${seen}`);
  return seen;
}

/** Returns what the terminal of a shell shows, from the typed keys up to the word <end>. */
function onTerminal(shell: keyof typeof setups, setup: string, keys: string, cwd: string): string {
  const drive = `zmodload zsh/zpty; zpty shell ${programs[shell]}
    zpty -w shell "$1; printf '<%s>' ready"; zpty -r shell seen '*<ready>*'
    zpty -n -w shell "$2"; zpty -r shell seen '*<end>*'; print -r -- "$seen"`;
  return run(["/usr/bin/zsh", "-f", "-c", drive, "zsh", setup, keys], cwd);
}

function run(argv: string[], cwd: string): string {
  const env = { PATH: `${cwd}/bin:/usr/bin:/bin`, HOME: `${cwd}/..`, TERM: "xterm", LC_ALL: "C.UTF-8" };
  const { stdout, stderr, exitedDueToTimeout } = Bun.spawnSync(argv, { cwd, env, stdin: "ignore", timeout: 20_000 });
  if (exitedDueToTimeout || stderr.length > 0) throw new Error(`${argv[0]} did not answer ${stdout} ${stderr}`);
  return stdout.toString().trimEnd();
}
