// The ACME accounts of certbot.

import type { HostReader } from "../host/host.ts";
import { serverUrl } from "./acme-servers.ts";

const accountsDir = "/etc/letsencrypt/accounts";

/**
 * Returns the account to name in a request to this server, which is the one that came last, or undefined if certbot needs
 * no name. Of several, as after a restore, it asks for one, and fails where nobody answers.
 */
export function accountFor(reader: HostReader, server: string | undefined): string | undefined {
  const { host, pathname } = new URL(serverUrl(server));
  const dir = `${accountsDir}/${host}${pathname}`;
  const ids = (reader.list(dir) ?? []).filter((name) => /^[0-9a-f]{32}$/.test(name));
  const came = (id: string): number => reader.stat(`${dir}/${id}`)?.changedMs ?? 0;
  return ids.length < 2 ? undefined : ids.sort((a, b) => came(b) - came(a))[0];
}
