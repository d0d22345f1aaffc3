// A company-style HTTPS proxy on this machine: it opens connections on request, and does not see their content. It is a
// separate process, because the one that runs the hosts blocks on them, and it ends with that one.

import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";

export interface ConnectProxy extends Disposable {
  url: string;
  /** Returns the names and ports that clients asked it to open, one per line. */
  asked(): Promise<string>;
}

/** `address` is this machine's address on the host's network. */
export async function connectProxy(address: string): Promise<ConnectProxy> {
  const argv = [process.execPath, import.meta.path, address];
  const child = Bun.spawn(argv, { stdin: "pipe", stdout: "pipe", stderr: "inherit" });
  child.unref();
  for await (const chunk of child.stdout) {
    const url = new TextDecoder().decode(chunk).trim();
    return {
      url,
      asked: async () => (await fetch(url)).text(),
      [Symbol.dispose]: () => child.kill(),
    };
  }
  throw new Error("the proxy did not start");
}

if (import.meta.main) {
  const asked: string[] = [];
  const server = createServer((_, response) => void response.end(asked.map((each) => `${each}\n`).join("")));
  server.on("connect", ({ url = "" }, client) => {
    asked.push(url);
    const [, host = "", port = ""] = /^(.+):(\d+)$/.exec(url) ?? [];
    // The proxy resolves its own names like the host.
    const there = connect(Number(port), host === "gateway" ? process.argv[2] : host, () => {
      client.write("HTTP/1.1 200 Connection Established\r\n\r\n");
      there.pipe(client).pipe(there);
    });
    there.on("error", () => client.destroy());
    client.on("error", () => there.destroy());
  });
  process.stdin.on("end", () => process.exit()).resume();
  server.listen(0, process.argv[2], () => {
    console.log(`http://${process.argv[2]}:${(server.address() as AddressInfo).port}`);
  });
}
