// What can differ between a host and what should hold on it, as data: everything else is made from this.

import type { Attributes } from "../host/host.ts";
import { few, shellLine } from "./lines.ts";

/** The content of a file. One that is secret is compared and written, but never shown. */
export class Text {
  constructor(
    readonly bytes: Uint8Array,
    readonly secret = false,
  ) {}

  static of(content: string, secret = false): Text {
    return new Text(new TextEncoder().encode(content), secret);
  }

  equals(other: Text): boolean {
    return Buffer.compare(this.bytes, other.bytes) === 0;
  }

  toString(): string {
    return this.secret ? "[redacted]" : new TextDecoder().decode(this.bytes);
  }

  toJSON(): string {
    return this.toString();
  }
}

export type Change =
  /** `keeps`: a copy of what another change replaces. */
  | ({ kind: "file"; path: string; before: Text | null; after: Text; keeps?: true } & Attributes)
  | { kind: "removal"; path: string; before: Text }
  | ({ kind: "directory"; path: string; before: Attributes | null; keeps?: true } & Attributes)
  | { kind: "link"; path: string; before: string | null; after: string | null }
  /**
   * Neighbours become one apt transaction. No names: only what an interrupted dpkg left is brought to its end; `unfinished`
   * names it where that is known.
   * `instead`: those that are taken away, with their configuration where it is purged; nothing else ever is.
   */
  | { kind: "packages"; names: string[]; instead?: string[]; purges?: true; unfinished?: string[] }
  /**
   * `lack`: what is not as it should be. `again`: also run after a put-back, so that a service has its old files.
   * `mayFail`: what that leaves, which is then a warning and puts nothing back. `logs`: commands that
   * print why it failed, the newest line first; the first that prints anything is reported.
   */
  | {
      kind: "command";
      argv: string[];
      lack: string;
      again?: true;
      mayFail?: string;
      logs?: string[][];
      /** Returns what to type where it fails with these words on stderr; without it, the command itself. */
      hintFor?(stderr: string): string[];
    };

/** Returns the changes that something is wrong without: a copy that is kept of what another one replaces is none. */
export function reasons(changes: readonly Change[]): Change[] {
  return changes.filter((change) => !("keeps" in change));
}

/** Whether one of them installs this package. */
export function installs(ahead: readonly Change[], name: string): boolean {
  return ahead.some((change) => change.kind === "packages" && change.names.includes(name));
}

export const root = { uid: 0, gid: 0 } as const;

/** One line for a person, in the infinitive: what would be done. */
export function describe(change: Change): string {
  switch (change.kind) {
    case "file":
      return `${change.before === null ? "write" : "change"} ${change.path} (${shown(change)})`;
    case "removal":
      return `remove ${change.path}`;
    case "directory":
      return `${change.before === null ? "make" : "set"} directory ${change.path} (${shown(change)})`;
    case "link":
      return change.after === null ? `unlink ${change.path}` : `link ${change.path} to ${change.after}`;
    case "packages":
      if (change.names.length === 0) {
        const verb = change.purges ? "purge" : "remove";
        if (change.instead) return `${verb} ${change.instead.join(", ")}`;
        return change.unfinished ? `finish installing ${few(change.unfinished)}` : "finish the interrupted dpkg";
      }
      return `install ${change.names.join(", ")}${change.instead ? ` in place of ${change.instead.join(", ")}` : ""}`;
    case "command":
      return `run ${shellLine(change.argv)}`;
  }
}

/** The same as a state: what is not as it should be. */
export function lack(change: Change): string {
  switch (change.kind) {
    case "file":
      if (change.before === null) return `${change.path} is missing`;
      return change.before.equals(change.after)
        ? `${change.path} is not ${shown(change)}`
        : `${change.path} differs from what edox-ops writes`;
    case "removal":
      return `${change.path} should not be there`;
    case "directory":
      return change.before === null
        ? `${change.path} is missing`
        : `${change.path} is ${shown(change.before)} instead of ${shown(change)}`;
    case "link":
      return change.after === null
        ? `${change.path} is still enabled`
        : `${change.path} does not lead to ${change.after}`;
    case "packages":
      if (change.names.length > 0) return `${change.names.join(", ")} not installed`;
      if (change.instead) return `${change.instead.join(", ")} installed`;
      return change.unfinished ? `dpkg did not finish installing ${few(change.unfinished)}` : "dpkg was interrupted";
    case "command":
      return change.lack;
  }
}

function shown({ mode, uid, gid }: Attributes): string {
  const owner = uid === 0 && gid === 0 ? "root:root" : `${uid}:${gid}`;
  return `${mode.toString(8).padStart(4, "0")} ${owner}`;
}
