// Flags for apt mirrors of Docker and GitLab Runner.

import { printableAddress } from "../../engine/fetch.ts";
import type { Mirror } from "../../resources/apt-repository.ts";
import { usage } from "../arguments.ts";
import type { Arguments, Values } from "../command.ts";

export const runnerMirrorFlags = {
  "runner-apt-url": {
    type: "string",
    group: "Advanced",
    valueHint: "url",
    description: "Mirror of GitLab Runner's apt repository",
  },
  "runner-apt-key": {
    type: "string",
    completes: "file",
    group: "Advanced",
    valueHint: "url",
    description: "URL or path of the signing key of that mirror",
  },
  "runner-apt-fingerprint": {
    type: "string",
    group: "Advanced",
    valueHint: "fingerprint",
    description: "Fingerprint of that signing key",
  },
} as const satisfies Arguments;

export const dockerMirrorFlags = {
  "docker-apt-url": {
    type: "string",
    group: "Advanced",
    valueHint: "url",
    description: "Mirror of Docker's apt repository",
  },
  "docker-apt-key": {
    type: "string",
    completes: "file",
    group: "Advanced",
    valueHint: "url",
    description: "URL or path of the signing key of that mirror",
  },
  "docker-apt-fingerprint": {
    type: "string",
    group: "Advanced",
    valueHint: "fingerprint",
    description: "Fingerprint of that signing key",
  },
} as const satisfies Arguments;

/** Returns the mirror that the flags describe. Throws a usage Problem for an invalid address, path or fingerprint. */
export function mirrorOf(values: Values, name: "docker" | "runner"): Mirror {
  const typedAddress = (what: string): string | undefined => values[`${name}-apt-${what}`] as string | undefined;
  const [uri, key, fingerprint] = [
    typedAddress("url"),
    typedAddress("key"),
    typedAddress("fingerprint")?.replaceAll(" ", "").toUpperCase(),
  ];
  if (uri !== undefined && !isAddress(uri)) {
    throw usage(`invalid URL '${printableAddress(uri)}' for --${name}-apt-url: use http or https, without a password`);
  }
  if (key !== undefined && !isAddress(key) && !/^\/[!-~]+$/.test(key)) {
    throw usage(`invalid value '${printableAddress(key)}' for --${name}-apt-key: neither a URL nor an absolute path`);
  }
  if (fingerprint !== undefined && !/^([0-9A-F]{40}|[0-9A-F]{64})$/.test(fingerprint)) {
    throw usage(`--${name}-apt-fingerprint is not 40 hexadecimal digits, as \`gpg --show-keys\` prints them`);
  }
  return { uri: uri?.replace(/\/+$/, ""), key, fingerprint };
}

/**
 * Returns whether this is an address without a user name and password, which every user of the host could read, and
 * without line ends.
 */
function isAddress(text: string): boolean {
  return /^https?:\/\/[\w.[\]:-]+(\/[\w./~%+-]*)?$/.test(text) && URL.canParse(text);
}
