// Requests of the stand-in gitlab-runner to GitLab: headers, trust and retries.

import { existsSync, readFileSync } from "node:fs";
import type { Runner } from "./runner-config.ts";
import { log } from "./runner-log.ts";

declare const STAND_IN_VERSION: string;

export const version = typeof STAND_IN_VERSION === "string" ? STAND_IN_VERSION : "19.4.0";
export const revision = "9cbf0074";
export const branch = `${version.split(".").slice(0, 2).join("-")}-stable`;
export const architecture = process.arch === "arm64" ? "arm64" : "amd64";

const systemStore = "/etc/ssl/certs/ca-certificates.crt";
const attempts = 5;

const features =
  `variables image services artifacts cache fallback_cache_keys shared upload_multiple_artifacts upload_raw_artifacts
  session terminal refspecs masking proxy raw_variables artifacts_exclude multi_build_steps trace_reset trace_checksum
  trace_size vault_secrets cancelable return_exit_code service_variables service_multiple_aliases image_executor_opts
  service_executor_opts cancel_gracefully native_steps_integration two_phase_job_commit job_inputs`.split(/\s+/);

export interface Asked {
  method: "POST" | "PUT" | "PATCH" | "DELETE";
  url: string;
  path: string;
  token: string;
  tokenHeader?: "RUNNER-TOKEN" | "JOB-TOKEN";
  body: object | string;
  headers?: Record<string, string>;
  caFile?: string;
  /** The request of a job is not retried. */
  once?: true;
}

export interface Answered {
  /** 0 if there was no response. */
  status: number;
  /** The text that the real one writes after `status=`. */
  outcome: string;
  /** null if the response was not JSON. */
  json: Record<string, unknown> | null;
  headers: Headers;
}

export function infoOf(executor: string): object {
  return {
    name: "gitlab-runner",
    version,
    revision,
    platform: "linux",
    architecture,
    executor,
    shell: "bash",
    features: Object.fromEntries(features.map((name) => [name, true])),
    config: { gpus: "" },
  };
}

/** Returns the certificate file that a runner's section names. */
export function caOf(runner: Runner): { caFile?: string } {
  const file = runner["tls-ca-file"];
  return typeof file === "string" ? { caFile: file } : {};
}

/** Returns nine characters of the token, without the prefix for its kind. */
export function short(token: string): string {
  return token.replace(/^(glrtr?-|GR1348941)/, "").slice(0, 9);
}

export async function ask(asked: Asked): Promise<Answered> {
  const { method, path, once } = asked;
  if (!/^[a-z]+:\/\//.test(asked.url)) {
    const said = `parse URL: parse ${JSON.stringify(`${asked.url}/api/v4/`)}: first path segment in URL cannot contain colon`;
    return failed(`get client: new client: ${said}`);
  }
  if (!/^https?:\/\//.test(asked.url)) return failed("only http or https scheme supported");
  const address = `${asked.url.replace(/\/+$/, "").replace(/\/ci$/, "")}/api/v4/${path}`;
  let wait = 100;
  for (let attempt = 1; ; attempt++) {
    const answer = await askOnce(asked, address);
    const again = answer.status === 429 || answer.status >= 500;
    if (!again || once || attempt === attempts) return answer;
    log("info", "Waiting before making the next call", { duration: `${wait}ms`, method, url: address });
    await Bun.sleep(wait);
    wait = Math.round(wait * (1.5 + Math.random() * 0.5));
  }
}

const failed = (outcome: string): Answered => ({ status: 0, outcome, json: null, headers: new Headers() });

async function askOnce(asked: Asked, address: string): Promise<Answered> {
  const { method, body, token, tokenHeader = "RUNNER-TOKEN", headers = {}, caFile } = asked;
  const isText = typeof body === "string";
  try {
    const response = await fetch(address, {
      method,
      body: isText ? body : JSON.stringify(body),
      headers: {
        "Content-Type": isText ? "text/plain" : "application/json",
        Accept: "application/json",
        "User-Agent": `gitlab-runner ${version} (${branch}; go1.26.8; linux/${architecture})`,
        [tokenHeader]: token,
        "X-Request-Id": crypto.randomUUID().replaceAll("-", ""),
        ...headers,
      },
      tls: { ca: trusted(new URL(address).hostname, caFile) },
      // GitLab may hold a request for jobs for most of a minute.
      signal: AbortSignal.timeout(600_000),
    });
    return read(response, method, address);
  } catch (error) {
    const { code = "", message } = error as { code?: string; message: string };
    const said = `${method[0]}${method.slice(1).toLowerCase()} ${JSON.stringify(address)}: ${cause(code, message, address)}`;
    return failed(`execute JSON request: execute request: couldn't execute ${method} against ${address}: ${said}`);
  }
}

async function read(response: Response, method: string, address: string): Promise<Answered> {
  const { status, statusText, headers } = response;
  const text = await response.text();
  let json: Record<string, unknown> | null = null;
  try {
    json = headers.get("Content-Type")?.startsWith("application/json") ? JSON.parse(text) : null;
  } catch {}
  const code = `${status} ${statusText}`;
  const said = messageOf(json);
  const reason = said === code ? "" : ` (${said})`;
  return { status, outcome: status < 300 ? code : `${method} ${address}: ${code}${reason}`, json, headers };
}

function messageOf(json: Record<string, unknown> | null): string {
  const message = json?.message;
  if (typeof message === "string") return message;
  if (typeof message !== "object" || message === null) return "";
  return Object.entries(message)
    .map(([key, value]) => `${key}: ${[value].flat().join(", ")}`)
    .join(", ");
}

function trusted(host: string, caFile: string | undefined): string[] {
  const paths = [process.env.SSL_CERT_FILE || systemStore, `/etc/gitlab-runner/certs/${host}.crt`, caFile ?? ""];
  return paths.flatMap((path) => {
    const text = path !== "" && existsSync(path) ? readFileSync(path, "utf8") : "";
    if (text.includes("-----BEGIN CERTIFICATE-----")) return text;
    if (text !== "" && path === caFile) log("error", `Failed to parse PEM in ${path}`);
    return [];
  });
}

/** Returns the cause in the wording of Go's libraries. */
function cause(code: string, message: string, address: string): string {
  const { hostname, host, protocol } = new URL(address);
  const port = host === hostname ? `${host}:${protocol === "https:" ? 443 : 80}` : host;
  if (/CERT_HAS_EXPIRED|NOT_YET_VALID/.test(code)) {
    return "tls: failed to verify certificate: x509: certificate has expired or is not yet valid";
  }
  if (/ALTNAME/.test(code)) {
    return `tls: failed to verify certificate: x509: certificate is not valid for any names, but wanted to match ${hostname}`;
  }
  if (/CERT|UNABLE_TO|SIGNATURE/.test(code)) {
    return "tls: failed to verify certificate: x509: certificate signed by unknown authority";
  }
  if (/Refused|ECONNREFUSED/.test(code)) return `dial tcp ${port}: connect: connection refused`;
  if (/ENOTFOUND|DNS|EAI/.test(code + message)) return `dial tcp: lookup ${hostname}: no such host`;
  if (/Unable to connect/.test(message)) return `dial tcp ${port}: connect: connection refused`;
  return message;
}
