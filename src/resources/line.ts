// Manages one line of a file that the admin, or another program, owns: for the few files without a drop-in directory.

import { type Change, root, Text } from "../engine/change.ts";
import { overlay } from "../engine/overlay.ts";
import type { Resource } from "../engine/step.ts";
import type { HostReader } from "../host/host.ts";
import { Problem } from "../problem/problem.ts";
import { parentOf } from "../text/path.ts";
import { missingDirectories } from "./directory.ts";
import { demandOwnWay, idsOf, type Owner, rootOwner } from "./owner.ts";

export type LineSpec = {
  path: string;
  /** The name of its check; `line:` and the path by default. */
  name?: string;
  title: string;
} & (
  | {
      state: "present";
      /** Without its line end. */
      line: string;
      /** The line takes the place of the first line that matches. Other lines that match are removed. */
      replaces?: RegExp;
      /** Attributes of a file that does not exist yet. An existing file keeps its own. */
      mode?: number;
      owner?: Owner;
    }
  | {
      state: "absent";
      /** The whole line, or an expression that matches it. Each such line is removed. */
      line: string | RegExp;
    }
);

/**
 * Returns a resource for a line of a file. Every other byte of the file stays, and so do its mode and owner. A file
 * that is a symbolic link is followed if root owns the link, and its target is changed. A link of another user is
 * refused, because that user decides which file it names.
 */
export function line(spec: LineSpec): Resource {
  const { path, name = `line:${path}`, title } = spec;
  if (typeof spec.line === "string" && !/^[^\n\r\0]+$/.test(spec.line)) {
    throw new TypeError(`'${spec.line}' is not one line`);
  }
  return {
    name,
    title,
    async check(before, ahead) {
      const reader = overlay(before, ahead);
      const real = targetOf(reader, path);
      const found = reader.readOwn(real);
      const adds = spec.state === "present" && spec.replaces === undefined ? { adds: spec.line } : {};
      if (found === null) {
        if (spec.state === "absent") return [];
        const ids = await idsOf(before, ahead, spec.owner ?? rootOwner);
        const after = Text.of(`${spec.line}\n`);
        const parents = missingDirectories(reader, ahead, parentOf(real));
        const mode = spec.mode ?? 0o644;
        return [...parents, { kind: "file", path: real, before: null, after, mode, ...ids, ...adds }];
      }
      const text = new Text(found.bytes);
      const after = new Text(spec.state === "absent" ? without(found.bytes, spec.line) : withLine(found.bytes, spec));
      if (text.equals(after)) return [];
      const { mode, uid, gid } = found.stat;
      return [{ kind: "file", path: real, before: text, after, mode, uid, gid, ...adds } satisfies Change];
    },
  };
}

/** The limit of the kernel, path_resolution(7). */
const mostLinks = 40;

/** Returns the path of the file itself. Throws a Problem for anything that is not a regular file. */
function targetOf(reader: HostReader, path: string): string {
  let real = path;
  for (let followed = 0; followed <= mostLinks; followed++) {
    demandOwnWay(reader, real);
    const { type = "file", uid } = reader.stat(real) ?? {};
    if (type === "file") return real;
    const target = reader.readLink(real);
    if (target === null) break;
    if (uid !== root.uid) throw refusal(path, `${real} is a link of user ${uid}, and leads to ${target}`);
    // The kernel resolves "..", because a directory on the way may be a link itself.
    real = target.startsWith("/") ? target : `${real.slice(0, real.lastIndexOf("/"))}/${target}`;
  }
  throw refusal(path, `${path} is not a regular file: move it away`);
}

function refusal(path: string, message: string): Problem {
  return new Problem("conflict", message, { hint: ["ls", "-ld", path] });
}

/** A line of a file. Each byte of the file is one character of `start`, `text` or `end`. */
interface Row {
  /** A byte order mark. */
  start: string;
  text: string;
  /** The line end, or "" for the last line of a file without one. */
  end: string;
}

const byteOrderMark = "\u00ef\u00bb\u00bf";

function rowsOf(bytes: Uint8Array): Row[] {
  const all = Buffer.from(bytes).toString("latin1");
  const start = all.startsWith(byteOrderMark) ? byteOrderMark : "";
  return [...all.slice(start.length).matchAll(/([^\n]*?)(\r?\n|$)/g)]
    .map(([, text = "", end = ""], i) => ({ start: i === 0 ? start : "", text, end }))
    .filter((row) => row.start + row.text + row.end !== "");
}

function bytesOf(rows: readonly Row[]): Uint8Array {
  return Buffer.from(rows.map(({ start, text, end }) => start + text + end).join(""), "latin1");
}

const latin1 = (text: string): string => Buffer.from(text).toString("latin1");

/** Returns a predicate for rows that are this line. */
function matcher(line: string | RegExp): (row: Row) => boolean {
  if (typeof line === "string") return ({ text }) => text === latin1(line);
  // An expression with the flag g or y would begin where its last match ended.
  const expression = new RegExp(line.source, line.flags.replace(/[gy]/g, ""));
  return ({ text }) => expression.test(Buffer.from(text, "latin1").toString());
}

function without(bytes: Uint8Array, line: string | RegExp): Uint8Array {
  const matches = matcher(line);
  const rows = rowsOf(bytes).map((row) =>
    row.text + row.end !== "" && matches(row) ? { ...row, text: "", end: "" } : row,
  );
  return bytesOf(rows);
}

function withLine(bytes: Uint8Array, { line, replaces }: { line: string; replaces?: RegExp }): Uint8Array {
  const isLine = matcher(line);
  const isFormer = replaces === undefined ? () => false : matcher(replaces);
  const rows = rowsOf(bytes);
  const at = rows.some(isLine) ? -1 : rows.findIndex((row) => row.text + row.end !== "" && isFormer(row));
  const kept = rows.map((row, i) => {
    if (i === at) return { ...row, text: latin1(line) };
    return isFormer(row) && !isLine(row) ? { ...row, text: "", end: "" } : row;
  });
  if (kept.some(isLine)) return bytesOf(kept);
  const end = kept.find((row) => row.end !== "")?.end ?? "\n";
  const last = kept.at(-1);
  const hasEnd = last === undefined || last.text === "" || last.end !== "";
  // A file without a final line end stays one.
  const added = { start: "", text: latin1(line), end: hasEnd ? end : "" };
  return bytesOf([...kept.slice(0, -1), ...(last ? [{ ...last, end: hasEnd ? last.end : end }] : []), added]);
}
