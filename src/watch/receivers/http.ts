// Requests to receivers. The secrets of alerts leave this process here, and in the files that watch enable writes.

import type { Host, HttpResponse } from "../../host/host.ts";
import { oneLine } from "../../text/lines.ts";
import type { Secret } from "../../text/secret.ts";

/** A look waits for the slowest receiver so long. */
const limitMs = 15_000;

interface Post {
  headers: Record<string, string>;
  body: string;
  /** Sent in the header Authorization. */
  token?: Secret | undefined;
  /** Signs the body, in the header X-Edox-Signature. */
  key?: Secret | undefined;
}

/** Sends a POST request. Returns why the receiver did not accept it, or null. No reason contains the URL or the token. */
export async function post(host: Host, url: Secret, { headers, body, token, key }: Post): Promise<string | null> {
  const all = {
    "User-Agent": "edox-ops",
    ...headers,
    ...(token !== undefined && { Authorization: `Bearer ${token.reveal()}` }),
    ...(key !== undefined && { "X-Edox-Signature": `sha256=${signatureOf(body, key)}` }),
  };
  const response = await host.send("POST", url.reveal(), { headers: all, body, limitMs });
  return whyRefused(response, [url, token, key]);
}

/** Sends a GET request. Returns why it failed, or null. */
export async function ping(host: Host, url: Secret): Promise<string | null> {
  return whyRefused(await host.get(url.reveal(), { headers: { "User-Agent": "edox-ops" }, limitMs }), [url]);
}

/** Returns the part of a URL that is no secret: "https://hooks.example.org". Its path may be one. */
export function originOf(url: Secret): string {
  return URL.parse(url.reveal())?.origin ?? "an invalid URL";
}

/** Returns the HMAC-SHA256 of a text, in hexadecimal. */
function signatureOf(text: string, key: Secret): string {
  return new Bun.CryptoHasher("sha256", key.reveal()).update(text).digest("hex");
}

function whyRefused({ status, reason }: HttpResponse, secrets: readonly (Secret | undefined)[]): string | null {
  if (status >= 200 && status < 300) return null;
  if (status === 0) return oneLine(secrets.reduce((text, secret) => secret?.redactIn(text) ?? text, reason));
  return status >= 300 && status < 400 ? `it answers with a redirect (${status})` : `it answers with status ${status}`;
}
