// Serves a folder over HTTP to the hosts of one network, like download.docker.com and packages.gitlab.com. It is a
// separate process, because the one that runs the hosts blocks on them, and it ends with that one.

import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { certify } from "../stand-in/certificate.ts";
import type { TestHost } from "./test-host.ts";

export interface CiServer extends Disposable {
  /** The URL without a trailing slash. */
  url: string;
  /** Serves another folder at the same address from now on. */
  swap(folder: string): Promise<void>;
  /** Returns the requested paths since the start, in order. */
  asked(): Promise<string[]>;
}

/** A file with this suffix contains the address to which its path redirects. */
export const leadsSuffix = ".leads-to";

/** The names of the real servers, which `standsFor` replaces. */
export const realNames = ["download.docker.com", "packages.gitlab.com"] as const;

/**
 * Redirects the real servers' names to this folder over HTTPS from now on. The host trusts the certificate as soon as
 * it has ca-certificates, so requests to the usual addresses arrive here.
 */
export async function standsFor(host: TestHost, folder: string): Promise<CiServer> {
  const dir = mkdtempSync(`${tmpdir()}/edox-tls-`);
  certify(dir, host.gateway, realNames);
  const server = await started(folder, host.gateway, dir);
  appendFileSync(`${host.root}/etc/hosts`, `${host.gateway} ${realNames.join(" ")}\n`);
  const direct = realNames.map((name) => `Acquire::https::Proxy::${name} "DIRECT";\n`);
  writeFileSync(`${host.root}/etc/apt/apt.conf.d/91real-names`, direct.join(""));
  const trusted = `${host.root}/usr/local/share/ca-certificates`;
  mkdirSync(trusted, { recursive: true });
  copyFileSync(`${dir}/ca.pem`, `${trusted}/edox-tests.crt`);
  host.sh("update-ca-certificates");
  const dispose = () => {
    server[Symbol.dispose]();
    rmSync(dir, { recursive: true, force: true });
  };
  return { ...server, [Symbol.dispose]: dispose };
}

/**
 * `address` is this machine's address on the host's network, its `gateway`. The host's apt requests it without the
 * package cache.
 */
export function serveFolder(folder: string, address: string): Promise<CiServer> {
  return started(folder, address, "");
}

async function started(folder: string, address: string, tlsDir: string): Promise<CiServer> {
  const argv = [process.execPath, import.meta.path, folder, address, tlsDir];
  const child = Bun.spawn(argv, { stdin: "pipe", stdout: "pipe", stderr: "inherit" });
  child.unref();
  for await (const chunk of child.stdout) {
    const [port, control] = JSON.parse(new TextDecoder().decode(chunk)) as number[];
    const at = `http://127.0.0.1:${control}`;
    return {
      url: tlsDir === "" ? `http://${address}:${port}` : `https://${address}`,
      swap: async (next) => void (await fetch(at, { method: "PUT", body: next })),
      asked: async () => (await (await fetch(at)).json()) as string[],
      [Symbol.dispose]: () => child.kill(),
    };
  }
  throw new Error("the folder is not served");
}

function serve(first: string, hostname: string, tlsDir: string): (number | undefined)[] {
  let folder = first;
  const asked: string[] = [];
  const tls = tlsDir && { cert: Bun.file(`${tlsDir}/cert.pem`), key: Bun.file(`${tlsDir}/key.pem`) };
  const files = Bun.serve({
    hostname,
    ...(tls ? { port: 443, tls } : { port: 0 }),
    fetch(request: Request) {
      const path = decodeURIComponent(new URL(request.url).pathname);
      asked.push(path);
      const leads = `${folder}${path}${leadsSuffix}`;
      if (!path.includes("..") && existsSync(leads)) return Response.redirect(readFileSync(leads, "utf8"), 302);
      const stat = path.includes("..") ? undefined : statSync(folder + path, { throwIfNoEntry: false });
      if (!stat?.isFile()) return new Response("not found\n", { status: 404 });
      const modified = stat.mtime.toUTCString();
      if (request.headers.get("If-Modified-Since") === modified) return new Response(null, { status: 304 });
      return new Response(Bun.file(folder + path), { headers: { "Last-Modified": modified } });
    },
  });
  const control = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request) {
      if (request.method === "PUT") folder = await request.text();
      return Response.json(asked);
    },
  });
  return [files.port, control.port];
}

if (import.meta.main) {
  const [folder = "", address = "", tlsDir = ""] = process.argv.slice(2);
  process.stdin.on("end", () => process.exit()).resume();
  console.log(JSON.stringify(serve(folder, address, tlsDir)));
}
