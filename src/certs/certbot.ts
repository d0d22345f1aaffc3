// The request for a certificate, and the command of certbot that sends it.

import type { Change } from "../engine/change.ts";
import type { HostReader, Output } from "../host/host.ts";
import type { Problem } from "../problem/problem.ts";
import type { CertbotContext } from "./errors/explanation.ts";

/** What a certificate is requested with. */
export interface CertificateRequest {
  /** The first name, which also names the lineage. */
  domain: string;
  /** The other names. */
  aliases: readonly string[];
  /** The webroot. */
  webroot: string;
  email?: string | undefined;
  /** The URL of an ACME directory, or "staging" for Let's Encrypt's test server. certbot's own default without it. */
  server?: string | undefined;
  keyType?: "ecdsa" | "rsa" | undefined;
  profile?: string | undefined;
  /** The id of an ACME account, where the server has several. */
  account?: string | undefined;
  /** Replaces a certificate that is not due. */
  forced?: boolean | undefined;
}

/** Returns the command line that obtains a certificate. `--cert-name` prevents a second lineage named DOMAIN-0001. */
export function issueArgv(request: CertificateRequest): string[] {
  const { domain, aliases, webroot, email, server, keyType, profile, account, forced } = request;
  return [
    ...["certbot", "certonly", "--webroot", "-w", webroot, "--cert-name", domain],
    ...[domain, ...aliases].flatMap((name) => ["-d", name]),
    ...["--non-interactive", "--agree-tos", "--no-eff-email", "--renew-with-new-domains"],
    ...[forced === true ? "--force-renewal" : "--keep-until-expiring"],
    ...(email === undefined ? ["--register-unsafely-without-email"] : ["--email", email]),
    ...(server === undefined ? [] : server === "staging" ? ["--staging"] : ["--server", server]),
    ...(account === undefined ? [] : ["--account", account]),
    ...(keyType === undefined ? [] : ["--key-type", keyType]),
    ...(profile === undefined ? [] : ["--required-profile", profile]),
  ];
}

/** Returns the change that runs certbot. A signal lets it stop gracefully, so that it removes its challenges. */
export function certbotCommand(argv: string[], reason: string, context: CertbotContext): Change {
  return { kind: "command", argv, reason, endsInOrder: true, explain };

  async function explain(reader: HostReader, output: Output): Promise<Problem> {
    const { certbotProblem } = await import("./errors/certbot.ts");
    return certbotProblem(reader, output, context);
  }
}
