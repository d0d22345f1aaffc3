// Planned changes of files as unified diffs.

import { createTwoFilesPatch } from "diff";
import type { Change } from "../engine/change.ts";
import { oneLine, visible } from "../text/lines.ts";
import type { Style } from "./style.ts";

const colours = { "+": "added", "-": "removed", "@": "hunk" } as const;

/** Returns the diffs of all changes, coloured by line where the style has colours. */
export function diffsOf(changes: readonly Change[], { paint }: Style): string {
  return changes
    .flatMap((change) => diffOf(change).split(/(?<=\n)/))
    .map((line) => {
      const colour = /^(?:---|\+\+\+) /.test(line) ? "bold" : colours[line[0] as keyof typeof colours];
      return colour === undefined ? line : `${paint(colour, line.replace(/\n$/, ""))}\n`;
    })
    .join("");
}

/** Returns a unified diff, or "" for a change without content. Never shows the content of a secret file. */
export function diffOf(change: Change): string {
  if (change.kind !== "file" && change.kind !== "removal") return "";
  const after = change.kind === "file" ? change.after : null;
  const { before } = change;
  const path = oneLine(change.path);
  if (before?.secret || after?.secret) return `--- ${path}\n+++ ${path}\ncontent differs (secret)\n`;
  const [from, to] = [before === null ? "/dev/null" : path, after === null ? "/dev/null" : path];
  const patch = createTwoFilesPatch(from, to, before?.toString() ?? "", after?.toString() ?? "");
  return visible(patch.replace(/^=+\n/, ""));
}
