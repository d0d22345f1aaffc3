// Describes the differences between a host and its desired state as data. Output, apply and rollback are all derived
// from it.

import type { PackagesChange } from "../apt/apt.ts";
import type { Attributes, HostReader, Output } from "../host/host.ts";
import type { ProblemCode } from "../problem/codes.ts";
import type { Problem } from "../problem/problem.ts";
import { few, shellLine } from "../text/lines.ts";
import { sizeText } from "../text/size.ts";

/** What a command reads from stdin. It is read in pieces, so that memory does not grow with its size. */
export interface Input {
  /** Its name in the plan. */
  name: string;
  /** Its size in bytes. */
  size: number;
  /** Starts to read it from its beginning. */
  chunks(): AsyncIterable<Uint8Array>;
}

/** The content of a file. Secret content is compared and written, but never printed. */
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
  /**
   * `keeps` marks a kept copy of content that another change replaces. `adds` is the line that the change only adds: a
   * rollback keeps what others have written to the file since.
   */
  | ({ kind: "file"; path: string; before: Text | null; after: Text; keeps?: true; adds?: string } & Attributes)
  | { kind: "removal"; path: string; before: Text }
  | ({ kind: "directory"; path: string; before: Attributes | null; keeps?: true } & Attributes)
  | { kind: "link"; path: string; before: string | null; after: string | null }
  /** Adjacent changes become one transaction. */
  | ({ kind: "packages" } & PackagesChange)
  /**
   * `reason` describes the wrong state. Without `input`, stdin is empty. `undo` runs in a rollback, in its place in the
   * reverse order, whether or not the command succeeded or ran at all: it must be idempotent. `touches` are files that the
   * command writes: they are restored after `undo`, which may write them too. `again` runs the command
   * after a rollback too, so that a service gets its old files back. `mayFail` is the consequence of a failure, which is
   * then a warning without a rollback. `logs` are commands that print the reason of a failure, newest line first; the
   * first with output is reported.
   */
  | {
      kind: "command";
      argv: string[];
      reason: string;
      input?: Input;
      undo?: string[];
      touches?: readonly string[];
      again?: true;
      mayFail?: string;
      logs?: string[][];
      /** The code of a failure, if it is not command-failed. */
      code?: ProblemCode;
      /** Returns the hint for a failure with this stderr. */
      hintFor?(stderr: string): string[] | undefined;
      /** The hint for any other failure; by default it is the command itself. */
      hint?: string[];
      /** The command stops gracefully on SIGINT, which it receives when this process is asked to end. */
      endsInOrder?: true;
      /** Returns the problem of a failure, in place of all of the above. */
      explain?(reader: HostReader, output: Output): Promise<Problem>;
    };

/** Returns the changes that correct a wrong state, without the kept copies of replaced content. */
export function corrections(changes: readonly Change[]): Change[] {
  return changes.filter((change) => !("keeps" in change));
}

/** Returns whether one of the changes installs this package. */
export function installs(ahead: readonly Change[], name: string): boolean {
  return ahead.some((change) => change.kind === "packages" && change.names.includes(name));
}

export const root = { uid: 0, gid: 0 } as const;

/** Describes the planned change in one line, in the imperative. */
export function describe(change: Change): string {
  switch (change.kind) {
    case "file":
      return `${change.before === null ? "write" : "change"} ${change.path} (${attributesText(change)})`;
    case "removal":
      return `remove ${change.path}`;
    case "directory":
      return `${change.before === null ? "make" : "set"} directory ${change.path} (${attributesText(change)})`;
    case "link":
      return change.after === null ? `unlink ${change.path}` : `link ${change.path} to ${change.after}`;
    case "packages":
      if (change.names.length === 0) {
        const verb = change.purge ? "purge" : "remove";
        if (change.remove) return `${verb} ${change.remove.join(", ")}`;
        return change.unfinished ? `finish installing ${few(change.unfinished)}` : "finish the interrupted dpkg";
      }
      return `install ${change.names.join(", ")}${change.remove ? ` in place of ${change.remove.join(", ")}` : ""}`;
    case "command":
      return `run ${shellLine(change.argv)}${change.input ? ` with ${inputText(change.input)}` : ""}`;
  }
}

/** Describes the wrong state that the change corrects, in one line. */
export function describeMissing(change: Change): string {
  switch (change.kind) {
    case "file":
      if (change.before === null) return `${change.path} is missing`;
      return change.before.equals(change.after)
        ? `${change.path} is not ${attributesText(change)}`
        : `${change.path} differs from what edox-ops writes`;
    case "removal":
      return `${change.path} should not be there`;
    case "directory":
      return change.before === null
        ? `${change.path} is missing`
        : `${change.path} is ${attributesText(change.before)} instead of ${attributesText(change)}`;
    case "link":
      return change.after === null
        ? `${change.path} is still enabled`
        : `${change.path} does not lead to ${change.after}`;
    case "packages":
      if (change.names.length > 0) return `${change.names.join(", ")} not installed`;
      if (change.remove) return `${change.remove.join(", ")} installed`;
      return change.unfinished ? `dpkg did not finish installing ${few(change.unfinished)}` : "dpkg was interrupted";
    case "command":
      return change.reason;
  }
}

function inputText({ name, size }: Input): string {
  return `${name} on stdin (${sizeText(size)})`;
}

/** Groups whose IDs are the same on every Debian host (base-passwd). */
const groupNames: Readonly<Record<number, string>> = { 0: "root", 4: "adm" };

function attributesText({ mode, uid, gid }: Attributes): string {
  const owner = uid === 0 && gid in groupNames ? `root:${groupNames[gid]}` : `${uid}:${gid}`;
  return `${mode.toString(8).padStart(4, "0")} ${owner}`;
}
