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

/** Returns the headers of every page. Rules may change them. */
export function ownHeaders(project: Project, part: Part = sitePart(project)): OwnHeader[] {
  return [
    { name: "Cache-Control", value: part.caching.value, always: false },
    { name: "X-Content-Type-Options", value: "nosniff", always: true },
    { name: "X-Frame-Options", value: "SAMEORIGIN", always: true },
    { name: "Referrer-Policy", value: "strict-origin-when-cross-origin", always: true },
    { name: "Permissions-Policy", value: "geolocation=(), microphone=(), camera=()", always: true },
    { name: "Content-Security-Policy", value: policyOf(project), always: true },
  ];
}
