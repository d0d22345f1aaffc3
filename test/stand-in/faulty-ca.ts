// Stands in front of pebble as a certificate authority in trouble. Every answer is pebble's own, except that of an
// endpoint with a fault: that is an invention of this file, in the form of RFC 8555 and the wording of Let's Encrypt.
//
// Usage, in the host: bun faulty-ca.ts PORT UPSTREAM CERTIFICATE KEY STATE-FILE LOG-FILE

import { appendFileSync, readFileSync } from "node:fs";

/** pebble's paths. */
export const endpoints = {
  directory: "/dir",
  newNonce: "/nonce-plz",
  newAccount: "/sign-me-up",
  newOrder: "/order-plz",
  order: "/my-order/",
  authorization: "/authZ/",
  challenge: "/chalZ/",
  finalize: "/finalize-order/",
  certificate: "/certZ/",
} as const;
export type Endpoint = keyof typeof endpoints;

/** Errors that an authority reports, with its status. */
const problems = {
  rateLimited: [
    429,
    "too many certificates (5) already issued for this exact set of identifiers in the last 168h0m0s, retry after " +
      "RETRY_AFTER: see https://letsencrypt.org/docs/rate-limits/#new-certificates-per-exact-set-of-identifiers",
  ],
  rejectedIdentifier: [
    400,
    "Cannot issue for the requested name: The ACME server refuses to issue a certificate for this domain name, because " +
      "it is forbidden by policy",
  ],
  caa: [403, "Error finalizing order :: While processing CAA: CAA record prevents issuance"],
  unauthorized: [403, 'Account is not valid, has status "deactivated"'],
  badNonce: [400, "JWS has an invalid anti-replay nonce"],
  serverInternal: [500, "Error creating new order"],
} as const satisfies Record<string, readonly [status: number, detail: string]>;

/** `html`: the page of a proxy in front of the authority. `half`: its answer, cut in the middle. `silent`: none. */
export type Fault = keyof typeof problems | "html" | "half" | "silent";

export interface FaultyState {
  fault?: { kind: Fault; at: Endpoint; times?: number };
  /** Names and descriptions of profiles, which Debian's pebble has not. The certificate is the same for each. */
  profiles?: Readonly<Record<string, string>>;
}

const retryAfterSeconds = 3600;

function serve([port = "", upstream = "", certificate = "", keyPath = "", statePath = "", log = ""]: string[]): void {
  const cert = readFileSync(certificate, "utf8");
  let known = "";
  let state: FaultyState = {};
  const current = (): FaultyState => {
    const text = readFileSync(statePath, "utf8");
    // A fault that is counted down stays so until the test changes the file.
    if (text !== known) state = JSON.parse(text);
    known = text;
    return state;
  };

  /** Returns pebble's answer. The host is the one that the client signed, so it is passed on. */
  const passOn = async (request: Request): Promise<Response> => {
    const { pathname, search } = new URL(request.url);
    const { method, headers } = request;
    const body = method === "POST" ? await request.arrayBuffer() : null;
    return fetch(`${upstream}${pathname}${search}`, { method, headers, body, redirect: "manual", tls: { ca: cert } });
  };

  const problem = async (kind: keyof typeof problems): Promise<Response> => {
    const [status, text] = problems[kind];
    const until = new Date(Date.now() + retryAfterSeconds * 1000).toISOString();
    const detail = text.replace("RETRY_AFTER", `${until.slice(0, 19).replace("T", " ")} UTC`);
    const nonce = await fetch(`${upstream}${endpoints.newNonce}`, { method: "HEAD", tls: { ca: cert } });
    const headers: Record<string, string> = {
      "Content-Type": "application/problem+json",
      "Replay-Nonce": nonce.headers.get("Replay-Nonce") ?? "",
      ...(kind === "rateLimited" ? { "Retry-After": String(retryAfterSeconds) } : {}),
    };
    return Response.json({ type: `urn:ietf:params:acme:error:${kind}`, detail, status }, { status, headers });
  };

  const answer = async (request: Request): Promise<Response> => {
    const { pathname } = new URL(request.url);
    appendFileSync(log, `${request.method} ${pathname}\n`);
    const { fault, profiles } = current();
    const isHit = fault !== undefined && fault.times !== 0 && pathname.startsWith(endpoints[fault.at]);
    if (isHit) {
      if (fault.times !== undefined) fault.times -= 1;
      if (fault.kind === "silent") return new Promise<never>(() => undefined);
      if (fault.kind === "html") {
        const page = "<html><head><title>502 Bad Gateway</title></head><body>502 Bad Gateway</body></html>\n";
        return new Response(page, { status: 502, headers: { "Content-Type": "text/html" } });
      }
      if (fault.kind !== "half") return problem(fault.kind);
    }
    const response = await passOn(request);
    const { status } = response;
    const headers = new Headers(response.headers);
    for (const name of ["Content-Length", "Content-Encoding", "Transfer-Encoding"]) headers.delete(name);
    let text = await response.text();
    if (profiles !== undefined && pathname === endpoints.directory) {
      const directory = JSON.parse(text);
      text = JSON.stringify({ ...directory, meta: { ...directory.meta, profiles } });
    }
    if (isHit) text = text.slice(0, text.length / 2);
    return new Response(request.method === "HEAD" ? null : text, { status, headers });
  };

  Bun.serve({
    hostname: "127.0.0.1",
    port: Number(port),
    tls: { cert, key: readFileSync(keyPath, "utf8") },
    idleTimeout: 0,
    fetch: answer,
  });
}

if (import.meta.main) serve(process.argv.slice(2));
