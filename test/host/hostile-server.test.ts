// A server that answers with bytes of its own choice: each answer ends in time, and in words of ours.

import { afterAll, describe, expect, test } from "bun:test";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import type { Socket } from "bun";
import { localHost } from "../../src/host/local.ts";

type Bytes = string | Uint8Array;
interface Form {
  /** All of the answer, or what is sent again and again. */
  bytes: Bytes[];
  ends: boolean;
}

const ok = "HTTP/1.1 200 OK\r\n";
const chunked = `${ok}Transfer-Encoding: chunked\r\n\r\n`;
const sized = (length: string): string => `${ok}Content-Length: ${length}\r\n\r\n`;
const packed = (coding: string, bytes: Uint8Array): Form =>
  whole(`${ok}Content-Encoding: ${coding}\r\nContent-Length: ${bytes.length}\r\n\r\n`, bytes);
const zeros = new Uint8Array(64 * 1024 * 1024);

function whole(...bytes: Bytes[]): Form {
  return { bytes, ends: true };
}

function endless(...bytes: Bytes[]): Form {
  return { bytes, ends: false };
}

const notHttp = "its answer is not HTTP";
const tooLong = "the answer is longer than 1048576 bytes";
const closed = "the connection was closed";
/** Of what only the limit ends. */
const late = "no answer within 0.3 s";
const compressed = "its answer cannot be decompressed";
const headers = "the headers of its answer are too long";

const refused: [string, Form, string][] = [
  ["a gzip bomb of 64 MiB", packed("gzip", gzipSync(zeros)), tooLong],
  [
    "a brotli bomb of 64 MiB",
    packed("br", brotliCompressSync(zeros, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } })),
    tooLong,
  ],
  ["text that is said to be gzip", packed("gzip", Buffer.from("text")), compressed],
  ["gzip that is cut", packed("gzip", gzipSync("text that goes on").subarray(0, 20)), compressed],
  ["text that is said to be brotli", packed("br", Buffer.from("text")), compressed],
  ["one header of 4 MiB", whole(`${ok}X: ${"x".repeat(4 * 1024 * 1024)}\r\n\r\n`), headers],
  ["100,000 headers", whole(`${ok}${"X: x\r\n".repeat(100_000)}\r\n`), notHttp],
  ["headers without an end", endless(ok, `X: ${"x".repeat(1000)}\r\n`.repeat(100)), notHttp],
  ["a body without an end", endless(`${ok}\r\n`, "x".repeat(100_000)), tooLong],
  ["100 Continue without an end", endless("HTTP/1.1 100 Continue\r\n\r\n".repeat(100)), late],
  ["HTTP/0.9", whole("<html>home</html>\n"), notHttp],
  ["nothing at all", whole(), closed],
  ["a chunk longer than any memory", whole(`${chunked}ffffffffffffffff\r\nx\r\n0\r\n\r\n`), closed],
  ["a chunk whose length is no number", whole(`${chunked}zz\r\nx\r\n0\r\n\r\n`), notHttp],
  ["a chunk of negative length", whole(`${chunked}-1\r\nx\r\n0\r\n\r\n`), notHttp],
  ["a chunk that is cut", whole(`${chunked}5\r\nx`), closed],
  ["a length that is more than comes", whole(sized("500"), "x"), closed],
  ["a negative length", whole(sized("-5"), "x"), notHttp],
  ["a length beyond 64 bits", whole(sized("99999999999999999999"), "x"), notHttp],
  ["two lengths", whole(`${ok}Content-Length: 1\r\n`, sized("2").slice(ok.length), "xx"), notHttp],
  ["a status of 0", whole("HTTP/1.1 0 X\r\n\r\n"), notHttp],
  ["a status of 1000", whole("HTTP/1.1 1000 X\r\n\r\n"), notHttp],
  ["a status that is no number", whole("HTTP/1.1 two X\r\n\r\n"), notHttp],
  ["another protocol, unasked", whole("HTTP/1.1 101 X\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"), notHttp],
  ["a version that is none", whole("HTTP/9.9 200 OK\r\n\r\n"), notHttp],
  ["a NUL in a header", whole(`${ok}X: a\0b\r\n\r\n`), notHttp],
  ["a blank behind a header's name", whole(`${ok}Location : b\r\n\r\n`), notHttp],
];
const taken: [string, Form, string][] = [
  [
    "200,000 times 100 Continue before it",
    whole("HTTP/1.1 100 Continue\r\n\r\n".repeat(200_000), sized("2"), "ok"),
    "ok",
  ],
  ["more bytes than its length", whole(sized("2"), "okay"), "ok"],
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
  while (data.form !== undefined) {
    data.left = data.left.subarray(Math.max(0, socket.write(data.left)));
    if (data.left.length > 0) return;
    if (data.form.ends) return void socket.end();
    data.left = Buffer.from(data.form.bytes.at(-1) as Uint8Array);
  }
}

const addressOf = (name: string): string => `http://user:canary@127.0.0.1:${server.port}/${encodeURIComponent(name)}`;
const host = localHost();

describe("an answer is refused in a few words, and in time:", () => {
  for (const [name, , reason] of refused) {
    test(name, async () => {
      const answer = await host.send("POST", addressOf(name), { body: "{}", limitMs: reason === late ? 300 : 4000 });
      expect(answer).toEqual({ status: 0, reason, headers: {}, body: new Uint8Array() });
    });
  }
});

describe("an answer is taken with", () => {
  for (const [name, , body] of taken) {
    test(name, async () => {
      const answer = await host.send("POST", addressOf(name), { body: "{}", limitMs: 5000 });
      expect([answer.status, Buffer.from(answer.body).toString()]).toEqual([200, body]);
    });
  }
});
