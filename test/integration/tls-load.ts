// Readers of an HTTPS site, run in the host by Bun: until a file exists they fetch the front page over HTTP/1.1 and
// HTTP/2, on kept connections and on a new one each time. Prints what they received and each certificate's serial.
//
// A server that closes an idle connection may meet a request on its way. As a browser does, a reader repeats such a
// request once on a new connection.
//
// Usage: bun tls-load.ts NAME EXPECTED-BODY ROOTS.PEM STOP-FILE

import { existsSync, readFileSync } from "node:fs";
import { type ClientHttp2Session, connect } from "node:http2";
import { Agent, request } from "node:https";
import { type TLSSocket, connect as tlsConnect } from "node:tls";

const [name = "", expected = "", rootsPath = "", stopPath = ""] = process.argv.slice(2);
const ca = readFileSync(rootsPath, "utf8");
const address = "127.0.0.1";
const readersOfAKind = 3;
const limitMs = 10_000;

interface Reader {
  fetch: () => Promise<string>;
  /** Drops the connection, so that the next request opens one. */
  renew: () => void;
}

const kinds: Record<string, () => Reader> = {
  "HTTP/1.1, kept": () => http1(true),
  "HTTP/1.1, new": () => http1(false),
  "HTTP/2, kept": () => http2(true),
  "HTTP/2, new": () => http2(false),
};
const counts: Record<string, { requests: number; repeated: number; failed: number }> = {};
const wrong: string[] = [];
const serials = new Set<string>();

await Promise.all(
  Object.entries(kinds).flatMap(([kind, make]) => {
    counts[kind] = { requests: 0, repeated: 0, failed: 0 };
    return Array.from({ length: readersOfAKind }, () => read(kind, make()));
  }),
);
console.log(JSON.stringify({ counts, wrong: wrong.slice(0, 5), serials: [...serials], readersOfAKind }));

async function read(kind: string, reader: Reader): Promise<void> {
  const count = counts[kind];
  for (let n = 0; count !== undefined && !existsSync(stopPath); n++) {
    count.requests += 1;
    try {
      try {
        check(await reader.fetch());
      } catch {
        count.repeated += 1;
        reader.renew();
        check(await reader.fetch());
      }
    } catch (error) {
      count.failed += 1;
      wrong.push(`${kind}: ${error}`);
      reader.renew();
    }
    // Leaves the processor to nginx and certbot.
    if (n % 20 === 0) await Bun.sleep(5);
  }
  reader.renew();
}

function check(text: string): void {
  if (text !== `200 ${expected}\n`) throw new Error(text.slice(0, 100));
}

function record(socket: TLSSocket): void {
  const { serialNumber } = socket.getPeerCertificate();
  if (serialNumber) serials.add(serialNumber);
}

function http1(isKept: boolean): Reader {
  const make = (): Agent => new Agent({ keepAlive: isKept, maxSockets: 1, ca, servername: name });
  let agent = make();
  const fetch = (): Promise<string> => {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const sent = request({ host: address, path: "/", agent, headers: { Host: name }, timeout: limitMs }, (response) => {
      record(response.socket as TLSSocket);
      let text = `${response.statusCode} `;
      response.setEncoding("utf8").on("data", (piece) => {
        text += piece;
      });
      response.on("end", () => resolve(text));
      response.on("error", reject);
    });
    sent.on("timeout", () => sent.destroy(new Error("timed out")));
    sent.on("error", reject);
    sent.end();
    return promise;
  };
  const renew = (): void => {
    agent.destroy();
    agent = make();
  };
  return { fetch, renew };
}

function http2(isKept: boolean): Reader {
  let session: ClientHttp2Session | undefined;
  const open = (): ClientHttp2Session => {
    const createConnection = () =>
      tlsConnect({ host: address, port: 443, servername: name, ca, ALPNProtocols: ["h2"] });
    const made = connect(`https://${name}`, { createConnection });
    made.on("connect", (_, socket) => record(socket as TLSSocket));
    // The server takes no more requests on this connection.
    const leave = (): void => {
      if (session === made) session = undefined;
    };
    made.on("goaway", leave);
    made.on("close", leave);
    made.on("error", leave);
    return made;
  };
  const renew = (): void => {
    session?.close();
    session = undefined;
  };
  const fetch = async (): Promise<string> => {
    session ??= open();
    const used = session;
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const timer = setTimeout(() => reject(new Error("timed out")), limitMs);
    used.once("error", reject);
    const stream = used.request({ ":path": "/", ":authority": name });
    let text = "";
    stream.setEncoding("utf8");
    stream.on("response", (headers) => {
      text = `${headers[":status"]} `;
    });
    stream.on("data", (piece) => {
      text += piece;
    });
    stream.on("end", () => resolve(text));
    stream.on("error", reject);
    stream.on("close", () => reject(new Error("the stream was closed")));
    stream.end();
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      used.removeListener("error", reject);
      if (!isKept) {
        used.close();
        if (session === used) session = undefined;
      }
    }
  };
  return { fetch, renew };
}
