// Finds the hints of the source by their syntax.

/** A list that begins with one of these is a hint or a change. */
const programs =
  /^\[\s*(?:\.\.\.again|"(?:sudo|edox-ops|cat|chattr|chmod|chown|cloud-init|command|cp|curl|df|dmesg|docker|dpkg|du|find|findmnt|getconf|gpg|grep|ip|ls|mkdir|mv|namei|openssl|pgrep|ps|rm|rmdir|sed|tail|systemctl", "show|tar|timedatectl|ulimit|umount|unzip|vcgencmd)")/;

/** Returns every list of words in the source that may be a hint, prefixed with its file name, on one line. */
export async function hintLiterals(): Promise<Set<string>> {
  const found = new Set<string>();
  const dir = `${import.meta.dir}/../../src`;
  for (const file of new Bun.Glob("**/*.ts").scanSync(dir)) {
    const text = await Bun.file(`${dir}/${file}`).text();
    for (const { 0: call, index } of text.matchAll(
      /\[\s*(?="|`|\.\.\.|\w+, ")|\bcommand\((?="|slug|again|\.\.\.)|\bwithFlag\((?!words)/g,
    )) {
      const words = balanced(text, index + call.search(/[[(]/))
        .replace(/\s+/g, " ")
        .replaceAll("${", "{");
      const line = text.slice(text.lastIndexOf("\n", index) + 1, text.indexOf("\n", index));
      const isCall = !call.startsWith("[");
      if (isCall ? /^\(command|^\("?$|, null\)$/.test(words) : !programs.test(words) && !/\bhint\b/i.test(line))
        continue;
      if (!isCall && /\b(run|probe|colour)\(\s*$|values\s*$/.test(text.slice(0, index))) continue;
      found.add(`${file} ${words}`);
    }
  }
  return found;
}

/** Returns the text from a bracket to its closing bracket. */
function balanced(text: string, start: number): string {
  let depth = 0;
  for (let i = start; i < text.length; i++) {
    if ("[(".includes(text[i] ?? "")) depth += 1;
    else if ("])".includes(text[i] ?? "") && --depth === 0) return text.slice(start, i + 1);
  }
  return text.slice(start);
}
