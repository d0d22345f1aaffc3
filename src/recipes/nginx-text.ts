// The texts that edox-ops gives to nginx.

import { charsetTypes, compressedTypes, contentTypes } from "./content-types.ts";
import { hashedNames } from "./hashed-names.ts";
import { sitesEnabledDir } from "./paths.ts";

const header = `# Written by edox-ops. A change made here is replaced by the next bootstrap;
# the replaced file is kept under /etc/edox-ops/replaced.
`;

/**
 * The zones that the sites of edox-ops count in. Their names and keys are those of the Python version: a zone whose key
 * changes is not taken by a reload. Its rate of 10 a second refused 40 of the 61 requests of one page; this one refills
 * the burst of its sites (20) in each millisecond, which is what nginx counts in.
 */
const zones = `limit_req_zone $binary_remote_addr zone=edox_ops_static:10m rate=25000r/s;
limit_conn_zone $binary_remote_addr zone=edox_ops_conn:10m;

# Sites of an edox-ops before this one count here, until they are written anew.
limit_req_zone $binary_remote_addr zone=edox_ops_reader:10m rate=500r/s;

# A file whose name carries a hash of its content never changes; all others are asked for anew, and answered with 304.
map $uri $edox_ops_cache {
    default "public, max-age=0, must-revalidate";
${hashedNames.map(({ of, pattern }) => `    # ${of}\n    "~${pattern}" "public, max-age=31536000, immutable";\n`).join("")}}
`;

/** Returns the file that all sites share. `sizes`: of the table of names, where no other file sets them. */
export function limitsText(sizes: readonly (readonly [string, number])[]): string {
  const lines = sizes.map(([name, size]) => `${name} ${size};\n`);
  const names =
    lines.length === 0
      ? ""
      : `# Room for host names of any legal length. The next bootstrap leaves out what another file sets.\n${lines.join("")}\n`;
  return header + names + zones;
}

/** Headers that a proxy adds to what it forwards. A proxy may add none, but its clients cannot remove what it adds. */
const forwarded = ["x_forwarded_for", "x_real_ip", "forwarded", "via"];

/**
 * How the clients of sites are counted, in a file that an earlier version leaves alone: after a rollback of the program it
 * still writes its own file of limits, and the sites that use these zones stay valid.
 */
export const clientsText = `${header}# The address that a request counts for. nginx does not count an empty one: a request of this host itself, from the
# loopback or to the same address that it comes from. A request that a proxy forwarded counts, also by one on this host.
map "$remote_addr $server_addr ${forwarded.map((name) => `$http_${name}`).join("")}" $edox_ops_client {
    default $binary_remote_addr;
    "~^(?:127\\.[0-9.]+|::1) \\S+ $" "";
    "~^(\\S+) \\1 $" "";
}

# A reader never meets these limits, a flood from one address does.
limit_req_zone $edox_ops_client zone=edox_ops_client:10m rate=500r/s;
limit_conn_zone $edox_ops_client zone=edox_ops_client_conn:10m;
`;

/**
 * What each site includes about content types. The sizes are those of nginx's table of types: the default of 1,024 makes
 * it warn, depending on the platform, and Debian's nginx.conf is not the only one.
 */
export const typesText = `${header}types_hash_max_size 4096;
types_hash_bucket_size 128;
types {
${contentTypes.map(([type, extensions]) => `    ${type} ${extensions.join(" ")};\n`).join("")}}
default_type application/octet-stream;
charset_types ${charsetTypes.join(" ")};
gzip_types ${compressedTypes.join(" ")};
`;

/** For an nginx whose own configuration does not read them. */
export const sitesText = `${header}include ${sitesEnabledDir}/edox-ops-*;
`;

export interface CatchAll {
  /** "80", "[::]:80", "443", "[::]:443": those that are to be answered by nothing. */
  sockets: string[];
  /** ssl_reject_handshake is known from nginx 1.19.4; before that the path of a throwaway certificate with its key. */
  certificatePath: string | null;
}

/** The default server: it closes a connection to an unknown name without an answer. */
export function catchAllText({ sockets, certificatePath }: CatchAll): string {
  const tls = sockets.filter((socket) => socket.endsWith("443"));
  const refuse =
    certificatePath === null
      ? ["ssl_reject_handshake on;"]
      : [`ssl_certificate ${certificatePath};`, `ssl_certificate_key ${certificatePath};`];
  const lines = [
    ...sockets.map((socket) => `listen ${socket}${tls.includes(socket) ? " ssl" : ""} default_server;`),
    "server_name _;",
    ...(tls.length > 0 ? [...refuse, "ssl_protocols TLSv1.2 TLSv1.3;"] : []),
    "server_tokens off;",
    "return 444;",
  ];
  return `${header}server {\n${lines.map((line) => `    ${line}\n`).join("")}}\n`;
}
