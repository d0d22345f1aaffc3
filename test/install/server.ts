// A local release server over HTTPS and HTTP that simulates failures of networks, mirrors and proxies.

import { readFileSync, statSync } from "node:fs";
import { type IncomingMessage, createServer as plain, type ServerResponse } from "node:http";
import { createServer as encrypted } from "node:https";
import type { AddressInfo } from "node:net";
import { certify } from "../stand-in/certificate.ts";

/** A modification of a response. */
export interface Twist {
  status?: number;
  /** Replaces the file. */
  body?: Uint8Array | string;
  /** Redirects to this URL. */
  location?: string;
  /** Closes the connection before this byte of the file. */
  cutAt?: number;
  /** Stops after half of the file and keeps the connection open. */
  stall?: () => void;
  /** Sends this many bytes at a time, with a pause after each piece. */
  drip?: { bytes: number; everyMs: number };
  /** Sends the whole file, even if a range was requested. */
  whole?: boolean;
}

/** `nth`: the number of previous requests for this path. */
export type Twisting = (path: string, nth: number) => Twist | undefined;

interface Place {
  twisting: Twisting;
  asked: string[];
}

export class Releases implements Disposable {
  private readonly places = new Map<string, Place>();
  private readonly servers;

  private constructor(
    private readonly root: string,
    private readonly dir: string,
  ) {
    certify(dir, "127.0.0.1");
    const tls = { cert: readFileSync(`${dir}/cert.pem`), key: readFileSync(`${dir}/key.pem`) };
    const answer = (request: IncomingMessage, response: ServerResponse): void => this.answer(request, response);
    this.servers = { https: encrypted(tls, answer), http: plain(answer) };
  }

  /** Serves the releases below `root`. `dir`: the folder for its certificate. */
  static async up(root: string, dir: string): Promise<Releases> {
    const releases = new Releases(root, dir);
    for (const server of Object.values(releases.servers)) {
      await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    }
    return releases;
  }

  /** The path of its authority's certificate. */
  get authority(): string {
    return `${this.dir}/ca.pem`;
  }

  /** Returns a separate base URL of the releases. `asked`: the names of the requested files. */
  place(twisting: Twisting = () => undefined, scheme: "https" | "http" = "https"): { url: string; asked: string[] } {
    const name = `/place-${this.places.size}`;
    const place = { twisting, asked: [] };
    this.places.set(name, place);
    const { port } = this.servers[scheme].address() as AddressInfo;
    return { url: `${scheme}://localhost:${port}${name}`, asked: place.asked };
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    const [, name = "", path = ""] = /^(\/[^/]*)(\/.*)$/.exec(request.url ?? "") ?? [];
    const place = this.places.get(name);
    const file = this.root + path;
    if (!place || path.includes("..")) return void response.writeHead(404).end();
    const short = path.replace(/^.*\//, "");
    const twist = place.twisting(path, place.asked.filter((each) => each === short).length) ?? {};
    place.asked.push(short);
    const there = statSync(file, { throwIfNoEntry: false })?.isFile();
    if (twist.location) return void response.writeHead(302, { Location: twist.location, "Content-Length": 0 }).end();
    if (twist.body === undefined && !there) return void response.writeHead(404, { "Content-Length": 0 }).end();
    const content = twist.body === undefined ? readFileSync(file) : Buffer.from(twist.body);
    const from = twist.whole ? 0 : Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
    if (from >= content.length && from > 0) return void response.writeHead(416, { "Content-Length": 0 }).end();
    const part = content.subarray(from);
    const headers: Record<string, string | number> = { "Content-Length": part.length, "Accept-Ranges": "bytes" };
    if (from > 0) headers["Content-Range"] = `bytes ${from}-${content.length - 1}/${content.length}`;
    response.writeHead(twist.status ?? (from > 0 ? 206 : 200), headers);
    if (twist.stall) return void response.write(part.subarray(0, part.length >> 1), twist.stall);
    if (twist.drip) return void drip(response, part, twist.drip);
    if (twist.cutAt === undefined) return void response.end(part);
    response.write(part.subarray(0, Math.max(0, twist.cutAt - from)), () => request.socket.end());
  }

  [Symbol.dispose](): void {
    for (const server of Object.values(this.servers)) server.close().closeAllConnections();
  }
}

function drip(
  response: ServerResponse,
  part: Uint8Array,
  { bytes, everyMs }: { bytes: number; everyMs: number },
): void {
  let sent = 0;
  const timer = setInterval(() => {
    response.write(part.subarray(sent, sent + bytes));
    sent += bytes;
    if (sent >= part.length) response.end();
  }, everyMs);
  response.on("close", () => clearInterval(timer));
}
