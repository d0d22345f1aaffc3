// Responses of a hostile server: each one ends in time, with a message of our own.

import { afterAll, describe, expect, test } from "bun:test";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import type { Socket } from "bun";
import { localHost } from "../../src/host/local.ts";

type Bytes = string | Uint8Array;
interface Form {
  /** The whole response, or the part that is sent repeatedly. */
  bytes: Bytes[];
  ends: boolean;
}

const ok = "HTTP/1.1 200 OK\r\n";
const chunked = `${ok}Transfer-Encoding: chunked\r\n\r\n`;
const sized = (length: string): string => `${ok}Content-Length: ${length}\r\n\r\n`;
const packed = (coding: string, bytes: Uint8Array): Form =>
  whole(`${ok}Content-Encoding: ${coding}\r\nContent-Length: ${bytes.length}\r\n\r\n`, bytes);
const zeros = new Uint8Array(16 * 1024 * 1024);

function whole(...bytes: Bytes[]): Form {
  return { bytes, ends: true };
}

function endless(...bytes: Bytes[]): Form {
  return { bytes, ends: false };
}

const notHttp = "its answer is not HTTP";
const tooLong = "the answer is longer than 1048576 bytes";
const closed = "the connection was closed";
/** The message for a response that only the timeout ends. */
const late = "no answer within 0.1 s";
const compressed = "its answer cannot be decompressed";
const headers = "the headers of its answer are too long";

const refused: [string, Form, string][] = [
  ["a gzip bomb of 16 MiB", packed("gzip", gzipSync(zeros)), tooLong],
  [
    "a brotli bomb of 16 MiB",
    packed("br", brotliCompressSync(zeros, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } })),
    tooLong,
  ],
  ["text declared as gzip", packed("gzip", Buffer.from("text")), compressed],
  ["truncated gzip", packed("gzip", gzipSync("text that goes on").subarray(0, 20)), compressed],
  ["text declared as brotli", packed("br", Buffer.from("text")), compressed],
  ["one header of 4 MiB", whole(`${ok}X: ${"x".repeat(4 * 1024 * 1024)}\r\n\r\n`), headers],
  ["100,000 headers", whole(`${ok}${"X: x\r\n".repeat(100_000)}\r\n`), notHttp],
  ["endless headers", endless(ok, `X: ${"x".repeat(1000)}\r\n`.repeat(100)), notHttp],
  ["an endless body", endless(`${ok}\r\n`, "x".repeat(100_000)), tooLong],
  ["endless 100 Continue responses", endless("HTTP/1.1 100 Continue\r\n\r\n".repeat(100)), late],
  ["HTTP/0.9", whole("<html>home</html>\n"), notHttp],
  ["an empty response", whole(), closed],
  ["a chunk of 2^64 - 1 bytes", whole(`${chunked}ffffffffffffffff\r\nx\r\n0\r\n\r\n`), closed],
  ["a chunk with a non-numeric length", whole(`${chunked}zz\r\nx\r\n0\r\n\r\n`), notHttp],
  ["a chunk of negative length", whole(`${chunked}-1\r\nx\r\n0\r\n\r\n`), notHttp],
  ["a truncated chunk", whole(`${chunked}5\r\nx`), closed],
  ["a Content-Length larger than the body", whole(sized("500"), "x"), closed],
  ["a negative Content-Length", whole(sized("-5"), "x"), notHttp],
  ["a Content-Length beyond 64 bits", whole(sized("99999999999999999999"), "x"), notHttp],
  [
    "two different Content-Length headers",
    whole(`${ok}Content-Length: 1\r\n`, sized("2").slice(ok.length), "xx"),
    notHttp,
  ],
  ["a status of 0", whole("HTTP/1.1 0 X\r\n\r\n"), notHttp],
  ["a status of 1000", whole("HTTP/1.1 1000 X\r\n\r\n"), notHttp],
  ["a non-numeric status", whole("HTTP/1.1 two X\r\n\r\n"), notHttp],
  ["an unrequested protocol upgrade", whole("HTTP/1.1 101 X\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"), notHttp],
  ["an invalid HTTP version", whole("HTTP/9.9 200 OK\r\n\r\n"), notHttp],
  ["a NUL in a header", whole(`${ok}X: a\0b\r\n\r\n`), notHttp],
  ["a space after a header name", whole(`${ok}Location : b\r\n\r\n`), notHttp],
];
const taken: [string, Form, string][] = [
  [
    "200,000 responses 100 Continue before it",
    whole("HTTP/1.1 100 Continue\r\n\r\n".repeat(200_000), sized("2"), "ok"),
    "ok",
  ],
  ["more bytes than its Content-Length", whole(sized("2"), "okay"), "ok"],
];

const forms = new Map([...refused, ...taken].map(([name, form]) => [encodeURIComponent(name), form]));
interface Sent {
  form?: Form;
  left: Buffer;
}
const server = Bun.listen<Sent>({
  hostname: "127.0.0.1",
  port: 0,
  socket: {
    open(socket) {
      socket.data = { left: Buffer.alloc(0) };
    },
    data(socket, asked) {
      const form = forms.get(/^[A-Z]+ \/(\S*)/.exec(asked.toString())?.[1] ?? "");
      if (form === undefined || socket.data.form !== undefined) return;
      socket.data = { form, left: Buffer.concat(form.bytes.map((each) => Buffer.from(each as Uint8Array))) };
      send(socket);
    },
    drain: send,
    error() {},
  },
});
afterAll(() => server.stop(true));

function send(socket: Socket<Sent>): void {
  const { data } = socket;
  if (data.form === undefined) return;
  data.left = data.left.subarray(Math.max(0, socket.write(data.left)));
  if (data.left.length > 0) return;
  if (data.form.ends) return void socket.end();
  data.left = Buffer.from(data.form.bytes.at(-1) as Uint8Array);
  // The client's timer runs on this thread, too.
  setTimeout(send, 1, socket);
}

const addressOf = (name: string): string => `http://user:canary@127.0.0.1:${server.port}/${encodeURIComponent(name)}`;
const host = localHost();

describe("fetch: rejects a hostile response with a short reason before the timeout:", () => {
  for (const [name, , reason] of refused) {
    test(name, async () => {
      const answer = await host.send("POST", addressOf(name), { body: "{}", limitMs: reason === late ? 100 : 4000 });
      expect(answer).toEqual({ status: 0, reason, headers: {}, body: new Uint8Array() });
    });
  }
});

describe("fetch: accepts a response with", () => {
  for (const [name, , body] of taken) {
    test(name, async () => {
      const answer = await host.send("POST", addressOf(name), { body: "{}", limitMs: 5000 });
      expect([answer.status, Buffer.from(answer.body).toString()]).toEqual([200, body]);
    });
  }
});
