// What a client can do about a problem. It runs no command of edox-ops, and its source is the tar that it sends.

const requests: Readonly<Record<string, string>> = { "previews list": "preview list", "versions list": "versions" };

/** Returns the hint of a problem in the words of a client, or as an admin of the host has to type it. */
export function clientHint(hint: readonly string[] | undefined): readonly string[] | undefined {
  if (hint === undefined) return undefined;
  if (hint[0] === "tar") return pack("DIRECTORY");
  const [program, group, verb = "", object = "", ...rest] = hint[0] === "sudo" ? hint.slice(1) : hint;
  if (program !== "edox-ops" || group !== "project") return hint;
  if (verb === "deploy") {
    const [subdir, excluded] = ["--subdir", "--exclude"].map((flag) => rest[rest.indexOf(flag) + 1 || rest.length]);
    if (subdir !== undefined) return pack(subdir);
    return excluded === undefined ? undefined : pack("DIRECTORY", excluded.split(","));
  }
  const request = requests[`${verb} ${object}`];
  return request === undefined ? hint : ["ssh", "edox-deploy@HOST", ...request.split(" ")];
}

function pack(directory: string, excluded: readonly string[] = []): string[] {
  return ["tar", "-C", directory, ...excluded.map((path) => `--exclude=./${path}`), "-c", "."];
}
