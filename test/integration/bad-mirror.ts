// A proxy before the package cache that returns faulty responses for matching addresses, and correct ones otherwise. It
// is a separate process for the reasons of apt-cache.ts, and ends with the process that started it.

import { createServer, type ServerResponse } from "node:http";

/**
 * `wrong`: as many bytes, all different. `page`: a login page with a success status. `half`: half of the file, then the
 * connection is closed. `endless`: no length and no end. `silent`: no response. `dripping`: one byte per second.
 */
export type Fault = "wrong" | "page" | "half" | "endless" | "silent" | "dripping";

export interface BadMirror extends Disposable {
  port: number;
}

/**
 * `cache` is the address of the package cache as seen by a host. `pattern` matches the addresses with faulty responses.
 */
export async function badMirror(fault: Fault, pattern: string, cache: string): Promise<BadMirror> {
  const argv = [process.execPath, import.meta.path, fault, pattern, cache];
  const child = Bun.spawn(argv, { stdin: "pipe", stdout: "pipe", stderr: "inherit" });
  child.unref();
  for await (const chunk of child.stdout) {
    return { port: Number(new TextDecoder().decode(chunk)), [Symbol.dispose]: () => child.kill() };
  }
  throw new Error("the bad mirror did not start");
}

function serve(fault: Fault, pattern: RegExp, proxy: string): void {
  const server = createServer(async ({ url = "", headers }, response) => {
    const modified = headers["if-modified-since"];
    const good = await fetch(url, { proxy, headers: modified ? { "If-Modified-Since": modified } : {} });
    const body = Buffer.from(await good.arrayBuffer());
    if (good.status === 200 && pattern.test(url)) return misbehave(fault, body, response);
    const kept = good.headers.get("Last-Modified");
    response.writeHead(good.status, { "Content-Length": body.length, ...(kept && { "Last-Modified": kept }) });
    response.end(body);
  });
  server.listen(0, () => console.log((server.address() as { port: number }).port));
}

const page = "<!DOCTYPE html><title>Welcome</title><form action=/login>Room number: <input name=room></form>\n";

function misbehave(fault: Fault, body: Buffer, response: ServerResponse): void {
  const length = { "Content-Length": body.length };
  switch (fault) {
    case "wrong":
      response.writeHead(200, length).end(body.map((byte) => byte ^ 1));
      return;
    case "page":
      response.writeHead(200, { "Content-Type": "text/html", "Content-Length": page.length }).end(page);
      return;
    case "half":
      response.writeHead(200, length);
      response.write(body.subarray(0, body.length / 2), () => response.destroy());
      return;
    case "endless":
      response.writeHead(200);
      pour(response);
      return;
    case "silent":
      return;
    case "dripping": {
      response.writeHead(200, length);
      const timer = setInterval(() => response.write("x"), 1000);
      response.on("close", () => clearInterval(timer));
    }
  }
}

function pour(response: ServerResponse): void {
  const piece = Buffer.alloc(1 << 16, "x");
  while (!response.destroyed) {
    if (!response.write(piece)) return void response.once("drain", () => pour(response));
  }
}

if (import.meta.main) {
  const [fault, pattern = "", cache = ""] = process.argv.slice(2);
  process.stdin.on("end", () => process.exit()).resume();
  serve(fault as Fault, new RegExp(pattern), cache);
}
