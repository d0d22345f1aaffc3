// Types the commands of the guides on a host, and compares their output with the printed one.

import { expect } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { blocksOf, textOf } from "../docs/markdown.ts";
import type { TestHost } from "./test-host.ts";

interface Typing {
  /** The lines of the shell before each block. */
  prelude?: string;
  /** Takes a configuration file of the page. By default it is written to its path on the host. */
  put?: (path: string, text: string) => void;
}

/**
 * A bare Debian has no sudo, and root does not need it. apt asks for confirmation. After a reload, old workers of nginx
 * answer for a moment, and a reader types slower than that.
 */
const shell = `cd /srv && set -e -o pipefail
sudo() { "$@"; }
apt-get() { DEBIAN_FRONTEND=noninteractive command apt-get -y -qq "$@"; }
systemctl() { command systemctl "$@" && sleep 1; }`;

/** Returns the text of a guide from one of its headings to another, or to its end. */
export function sectionOf(page: string, from: string, to?: string): string {
  const text = `\n${textOf(page)}`;
  const [start, end] = [text.indexOf(`\n${from}`), to === undefined ? text.length : text.indexOf(`\n${to}`)];
  if (start < 0 || end < start) throw new Error(`${page} has no part from ${from} to ${to}`);
  return text.slice(start, end);
}

/** Types the blocks of a text in their order. A block without a language is the output of the one before. */
export function type(host: TestHost, text: string, { prelude = "", put = putOn(host) }: Typing = {}): void {
  const blocks = blocksOf(text);
  expect(blocks.length).toBeGreaterThan(0);
  for (const [i, { language, code }] of blocks.entries()) {
    if (language === "nginx") put(/^# (\/\S+)\n/.exec(code)?.[1] ?? "", code);
    if (language !== "sh") continue;
    const { code: exit, stdout, stderr } = host.sh(`${shell}\n${prelude}\n${code}`);
    expect([code, exit, exit === 0 ? "" : stdout + stderr]).toEqual([code, 0, ""]);
    const next = blocks[i + 1];
    if (next?.language === "") expect([code, shapeOf(stdout)]).toEqual([code, shapeOf(next.code)]);
  }
}

function putOn(host: TestHost): (path: string, text: string) => void {
  return (path, text) => {
    mkdirSync(dirname(`${host.root}${path}`), { recursive: true });
    writeFileSync(`${host.root}${path}`, text);
  };
}

/** Replaces what differs between the host of a reader and this one: address, time, size and client of a request. */
function shapeOf(output: string): string {
  return output.replace(/^\S+ - - \[[^\]]+\] ("[^"]+" \d+) \d+ "-" ".*"$/gm, "ADDRESS - - [TIME] $1 SIZE CLIENT");
}
