// The headers that every page of a site has.

import type { Project } from "../project.ts";
import type { OwnHeader } from "../rules/header-maps.ts";
import { type Part, sitePart } from "./part.ts";

/**
 * The default allows what site generators need: inline scripts and styles, data: images, and WebAssembly for search.
 * The strict policy is that of the Python version.
 */
export const policies = {
  default: [
    "default-src 'self'",
    "script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval'",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data: https:",
    "font-src 'self' data:",
    "worker-src 'self' blob:",
    "object-src 'none'",
    "base-uri 'self'",
    "form-action 'self'",
    "frame-ancestors 'self'",
  ].join("; "),
  strict: "default-src 'self'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'",
};

/** Returns the text of the policy that a site is sent with. */
export function policyOf({ csp }: Project): string {
  if (csp === undefined) return policies.default;
  return csp === "strict" ? policies.strict : csp;
}

/** The value of each header, in the order in which nginx sends them. */
const values: Readonly<Record<string, (project: Project, part: Part) => string>> = {
  "Cache-Control": (_, { caching }) => caching.value,
  "X-Content-Type-Options": () => "nosniff",
  "X-Frame-Options": () => "SAMEORIGIN",
  "Referrer-Policy": () => "strict-origin-when-cross-origin",
  "Permissions-Policy": () => "geolocation=(), microphone=(), camera=()",
  "Content-Security-Policy": policyOf,
};

export const ownHeaderNames: readonly string[] = Object.keys(values);

/** Returns the headers of every page. Rules may change them. */
export function ownHeaders(project: Project, part: Part = sitePart(project)): OwnHeader[] {
  return Object.entries(values).map(([name, of]) => {
    return { name, value: of(project, part), always: name !== "Cache-Control" };
  });
}
