// Readers of a site, run in the host by Bun: until a file exists they fetch the front page from many addresses, then
// the script that it names. Prints the number of responses and the errors.
//
// Usage: bun load.ts STOP-FILE

import { existsSync } from "node:fs";
import { Agent, get, type OutgoingHttpHeaders } from "node:http";
import { gunzipSync } from "node:zlib";

const stopPath = process.argv[2] ?? "";
const readers = 24;
const pagesAReader = 500;
const wrong: string[] = [];
let requests = 0;

await Promise.all(Array.from({ length: readers }, (_, i) => read(i)));
console.log(JSON.stringify({ requests, failed: wrong.length, wrong: wrong.slice(0, 5) }));

/**
 * Half of the readers keep their connections, and half of both accept gzip. Each address reads only briefly, because the limits apply per address.
 */
async function read(i: number): Promise<void> {
  for (let n = 0; !existsSync(stopPath); n++)
    await readFrom(`127.${1 + i}.${Math.floor(n / 250) % 250}.${1 + (n % 250)}`, i % 2 === 0, i % 4 < 2);
}

async function readFrom(from: string, keepAlive: boolean, gzip: boolean): Promise<void> {
  const agent = new Agent({ keepAlive, maxSockets: 1 });
  const headers = { Host: "demo.test", ...(gzip && { "Accept-Encoding": "gzip" }) };
  for (let n = 0; n < pagesAReader && !existsSync(stopPath); n++) {
    const page = await fetched("/", from, agent, headers);
    // The page contains its own checksum.
    const [, body = "", sum = ""] = /^([\s\S]*)<!--(\w+)-->\n$/.exec(page.text) ?? [];
    if (page.status !== 200 || digest(body) !== sum) wrong.push(`/: ${page.status} ${page.text.slice(0, 200)}`);
    const [, script = ""] = /src="([^"]+)"/.exec(body) ?? [];
    if (script === "") continue;
    const asset = await fetched(script, from, agent, headers);
    if (asset.status !== 200 || asset.text !== `${script}\n`) wrong.push(`${script}: ${asset.status}`);
  }
  agent.destroy();
}

function digest(text: string): string {
  return new Bun.CryptoHasher("sha256").update(text).digest("hex");
}

function fetched(
  path: string,
  localAddress: string,
  agent: Agent,
  headers: OutgoingHttpHeaders,
): Promise<{ status: number; text: string }> {
  requests += 1;
  const { promise, resolve } = Promise.withResolvers<{ status: number; text: string }>();
  const options = {
    host: "127.0.0.1",
    path,
    agent,
    localAddress,
    headers,
  };
  const request = get(options, (response) => {
    const pieces: Buffer[] = [];
    response.on("data", (piece) => pieces.push(piece));
    response.on("end", () => resolve({ status: response.statusCode ?? 0, text: textOf(Buffer.concat(pieces)) }));
    function textOf(bytes: Buffer<ArrayBuffer>): string {
      try {
        return String(response.headers["content-encoding"] === "gzip" ? gunzipSync(bytes) : bytes);
      } catch (error) {
        return String(error);
      }
    }
    response.on("error", (error) => resolve({ status: 0, text: error.message }));
  });
  request.on("error", (error) => resolve({ status: 0, text: error.message }));
  return promise;
}
