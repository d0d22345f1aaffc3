// HTTP requests made by this process itself: no child process sees what is sent, and a minimal host has no curl.

import * as fs from "node:fs";
import type { HttpResponse, RequestOptions } from "./host.ts";
import { proxyFor } from "./local-proxy.ts";

const askLimitMs = 30_000;
/** Responses to these requests are small: keys and JSON. */
const mostBytes = 1024 * 1024;
/** A daemon of this host lists everything that it has, such as each image of a CI host. */
const mostLocalBytes = 64 * mostBytes;
const mostRedirects = 5;
/**
 * Debian's certificate store. Bun brings its own roots, but does not know the certificates that an operator has added
 * here.
 */
const storePath = "/etc/ssl/certs/ca-certificates.crt";

/** The environment must not decide which servers root trusts, nor cause requests to be printed with their tokens. */
const weakening = ["NODE_TLS_REJECT_UNAUTHORIZED", "NODE_EXTRA_CA_CERTS", "BUN_CONFIG_VERBOSE_FETCH"];
for (const name of weakening) delete process.env[name];

const reasons: Record<string, string> = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "the connection was closed",
  ENOTFOUND: "its name is not known",
  EAI_AGAIN: "no name server answers",
  EACCES: "permission denied",
  EHOSTUNREACH: "no route to host",
  ENETUNREACH: "network is unreachable",
  ERR_TLS_CERT_ALTNAME_INVALID: "its certificate is for another name",
  CERT_HAS_EXPIRED: "its certificate has expired",
  CERT_NOT_YET_VALID: "its certificate is not valid yet: is the clock right?",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "its certificate is issued by an unknown authority",
  UNABLE_TO_GET_ISSUER_CERT: "its certificate is issued by an unknown authority",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "its certificate is issued by an unknown authority",
  SELF_SIGNED_CERT_IN_CHAIN: "its certificate is issued by an unknown authority",
  DEPTH_ZERO_SELF_SIGNED_CERT: "its certificate is self-signed",
  // The runtime's own messages for these errors contain advice to the programmer.
  Malformed_HTTP_Response: "its answer is not HTTP",
  InvalidHTTPResponse: "its answer is not HTTP",
  InvalidContentLength: "its answer is not HTTP",
  UnrequestedUpgrade: "its answer is not HTTP",
  ResponseHeadersTooLarge: "the headers of its answer are too long",
  ZlibError: "its answer cannot be decompressed",
  BrotliDecompressionError: "its answer cannot be decompressed",
  ZstdDecompressionError: "its answer cannot be decompressed",
};

/**
 * Behind a proxy, these errors concern the connection to the proxy: only the proxy resolves and contacts the server.
 */
const ofProxy = ["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH"];

/**
 * Sends a request and returns the response. Never throws: a failure is a response with status 0 and a reason. Honours
 * the proxy variables of the environment and their exceptions. Follows redirects for GET only.
 */
export async function request(method: string, address: string, options: RequestOptions): Promise<HttpResponse> {
  const { limitMs = askLimitMs } = options;
  try {
    // One timeout covers the connection and the body.
    const response = await openResponse(method, address, options, AbortSignal.timeout(limitMs));
    const answer = await describeFailure(response, options.socketPath === undefined ? mostBytes : mostLocalBytes);
    const proxy = options.socketPath === undefined && address.startsWith("http:") ? proxyFor(address) : null;
    return proxy === null ? answer : { ...answer, proxy };
  } catch (error) {
    const reason = isLate(error) ? `no answer within ${limitMs / 1000} s` : whyNot(error, address, options);
    return { status: 0, reason, headers: {}, body: new Uint8Array() };
  }
}

/** Sends a request and returns the response before its body arrives. Throws if there is no response. */
export async function openResponse(
  method: string,
  address: string,
  options: Omit<RequestOptions, "limitMs">,
  signal: AbortSignal,
): Promise<Response> {
  const { headers = {}, body, socketPath } = options;
  let url = address;
  for (let redirects = 0; ; redirects++) {
    // A redirect must not lead to a file of this host.
    if (!/^https?:/.test(url)) throw new Error(`${url.slice(0, 80)} is no http or https address`);
    const response = await fetch(url, {
      ...{ method, headers, redirect: "manual", signal, verbose: false },
      ...(body !== undefined && { body }),
      ...(socketPath !== undefined && { unix: socketPath }),
      ...(url.startsWith("https:") && { tls: { ca: authorities(options.caPath), rejectUnauthorized: true } }),
    });
    const next =
      method === "GET" &&
      socketPath === undefined &&
      response.status >= 300 &&
      response.status < 400 &&
      response.headers.get("location");
    if (!next || redirects === mostRedirects) return response;
    const to = new URL(next, url).href;
    // A redirect from HTTPS to plain HTTP is not followed.
    if (url.startsWith("https:") && !to.startsWith("https:")) return response;
    url = to;
  }
}

/** Returns whether a request failed because of its timeout. */
export function isLate(error: unknown): boolean {
  return (error as Error).name === "TimeoutError";
}

/**
 * Returns the reason for a failed request. Attributes a failure of the proxy, or of the connection to it, to the proxy
 * and not to the server.
 */
export function whyNot(error: unknown, address: string, { caPath, socketPath }: RequestOptions): string {
  const { code, message } = error as Error & { code?: string | number };
  if (code === "ENOENT") return `${caPath ?? socketPath} does not exist`;
  const reason = reasons[String(code)] ?? message;
  const proxy = socketPath === undefined ? proxyFor(address) : null;
  if (proxy === null) return reason;
  if (code === "ERR_PROXY_TUNNEL") return `the proxy ${proxy} refuses to connect: ${message.replace(/^.*?: /, "")}`;
  return ofProxy.includes(String(code))
    ? `the proxy ${proxy} cannot be reached: ${reason}`
    : `${reason} (through the proxy ${proxy})`;
}

async function describeFailure(response: Response, mostBytes: number): Promise<HttpResponse> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of response.body ?? []) {
    parts.push(part);
    bytes += part.length;
    if (bytes > mostBytes) throw new Error(`the answer is longer than ${mostBytes} bytes`);
  }
  const headers = Object.fromEntries([...response.headers].map(([name, value]) => [name.toLowerCase(), value]));
  return { status: response.status, reason: "", headers, body: Buffer.concat(parts) };
}

/**
 * Returns the system's certificates and those at `path`. Without a system store and a path, returns undefined, so that
 * Bun uses its own roots.
 */
function authorities(path: string | undefined): string[] | undefined {
  const system = fs.existsSync(storePath) ? [fs.readFileSync(storePath, "utf8")] : [];
  if (path === undefined) return system.length > 0 ? system : undefined;
  return [...system, fs.readFileSync(path, "utf8")];
}
