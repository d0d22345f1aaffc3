// The flags of a command that obtains a certificate.

import type { IssueOptions } from "../../certs/issue/request.ts";
import { usage } from "../arguments.ts";
import type { Arguments, Values } from "../command.ts";

export const certificateFlags = {
  email: {
    type: "string",
    group: "Certificate",
    valueHint: "address",
    description: "E-mail address for messages of the certificate authority",
  },
  server: {
    type: "string",
    group: "Certificate",
    valueHint: "url",
    description: "ACME directory URL of the certificate authority; Let's Encrypt by default",
  },
  staging: {
    type: "boolean",
    group: "Certificate",
    description: "Use the test server of Let's Encrypt, which browsers do not trust",
  },
  "key-type": {
    type: "string",
    group: "Certificate",
    valueHint: "type",
    description: "Type of the private key: ecdsa (default) or rsa",
  },
  profile: {
    type: "string",
    group: "Certificate",
    valueHint: "name",
    description: "Certificate profile of the authority, such as shortlived (certbot 4.0 or later)",
  },
  "no-preflight": {
    type: "boolean",
    group: "Advanced",
    description: "Skip the checks of DNS records, port 80 and rate limits",
  },
} as const satisfies Arguments;

type Chosen = Pick<IssueOptions, "email" | "server" | "keyType" | "profile" | "preflight">;

/** Returns the choices that the flags make. Throws a usage Problem for an invalid value. */
export function certificateChoices(values: Values): Chosen {
  const text = (name: string): string | undefined => values[name] as string | undefined;
  const [email, server, keyType, profile] = [text("email"), text("server"), text("key-type"), text("profile")];
  // certbot reads a comma as the end of an address.
  if (email !== undefined && !/^(?!-)[^\s\p{C}@,]+@[^\s\p{C}@,]+$/u.test(email))
    throw usage(`--email '${email}' is not an e-mail address`);
  if (server !== undefined && values.staging === true) throw usage("--server and --staging cannot be used together");
  if (server !== undefined) demandServer(server);
  if (keyType !== undefined && keyType !== "ecdsa" && keyType !== "rsa") {
    throw usage(`--key-type '${keyType}' is neither ecdsa nor rsa`);
  }
  if (profile !== undefined && !/^[\w.][\w.-]{0,99}$/.test(profile))
    throw usage(`--profile '${profile}' is not a name`);
  return {
    email,
    server: values.staging === true ? "staging" : server,
    keyType,
    profile,
    preflight: values["no-preflight"] !== true,
  };
}

/** certbot's configuration file has the URL, as it was typed. */
const serverPattern = /^https:\/\/[\w.~:/?@[\]!$&*+,;=%-]+$/i;

/** The command line of certbot, which every user can see, contains the URL. */
function demandServer(server: string): void {
  const url = serverPattern.test(server) && URL.canParse(server) ? new URL(server) : null;
  if (url === null) throw usage("--server is not an https URL");
  if (url.username !== "" || url.password !== "") {
    throw usage("--server has a password: register an account with certbot register --eab-kid instead");
  }
}
