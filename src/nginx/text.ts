// Contains the configuration that edox-ops writes for nginx.

import { charsetTypes, compressedTypes, contentTypes } from "./content-types.ts";
import { hashedNames } from "./hashed-names.ts";
import { acmeDir, brotliPath, sitesEnabledDir, tlsPath } from "./paths.ts";

const header = `# Written by edox-ops. A change made here is replaced by the next bootstrap;
# the replaced file is kept under /etc/edox-ops/replaced.
`;

/**
 * The zones that count requests of all sites. Their names and keys are those of the Python version, since a reload does
 * not apply a changed key. That version's rate of 10 per second refused 40 of the 61 requests of one page. This rate
 * refills the sites' burst (20) in each millisecond, the unit in which nginx counts.
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

type Sizes = readonly (readonly [name: string, size: number])[];

/** Returns the file that all sites share. The sizes are those of nginx's tables that no other file sets. */
export function limitsText({ names, variables }: { names: Sizes; variables: Sizes }): string {
  const room = (what: string, sizes: Sizes): string =>
    sizes.length === 0 ? "" : `# Room for ${what}\n${sizes.map(([name, size]) => `${name} ${size};\n`).join("")}\n`;
  return [
    header,
    room("host names of any legal length. The next bootstrap leaves out what another file sets.", names),
    room("the variables of redirects and headers.", variables),
    zones,
  ].join("");
}

/** Headers that a proxy adds to forwarded requests. A proxy may add none, but its clients cannot remove them. */
const forwarded = ["x_forwarded_for", "x_real_ip", "forwarded", "via"];

/**
 * Defines how the clients of sites are counted, in a file that earlier versions do not touch. After a rollback of the
 * program, the old version still writes its own limits file, and sites that use these zones stay valid.
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
 * The content types that each site includes. The sizes apply to nginx's table of types: with the default of 1,024,
 * nginx warns on some platforms, and not only Debian's nginx.conf is in use.
 */
export const typesText = `${header}types_hash_max_size 4096;
types_hash_bucket_size 128;
types {
${contentTypes.map(([type, extensions]) => `    ${type} ${extensions.join(" ")};\n`).join("")}}
default_type application/octet-stream;
charset_types ${charsetTypes.join(" ")};
gzip_types ${compressedTypes.join(" ")};
`;

/** Mozilla's intermediate list without DHE, which no TLS 1.2 client needs. */
const ciphers = [
  "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256",
  "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384",
  "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305",
].join(":");

/**
 * Returns the TLS settings of every server, those of Mozilla's intermediate profile. A list of curves without the
 * post-quantum one would switch it off where OpenSSL has it, and with it nginx does not start where OpenSSL has not.
 */
export function tlsText({ postQuantum }: { postQuantum: boolean }): string {
  const curves = [...(postQuantum ? ["X25519MLKEM768"] : []), "X25519", "prime256v1", "secp384r1"].join(":");
  return `${header}ssl_protocols TLSv1.2 TLSv1.3;
ssl_ciphers ${ciphers};
ssl_prefer_server_ciphers off;
ssl_ecdh_curve ${curves};
# All servers share one cache: nginx looks a session up in that of the default server.
ssl_session_cache shared:edox_ops_tls:10m;
ssl_session_timeout 1d;
ssl_session_tickets off;
`;
}

/** The module of Debian's package that sends brotli files. */
export const brotliModule = "/usr/lib/nginx/modules/ngx_http_brotli_static_module.so";
/** A directory that belongs to this package alone: dpkg removes it with the module. */
export const brotliDir = "/usr/share/doc/libnginx-mod-http-brotli-static";

/** Enables brotli files beside pages. nginx refuses the directive if it has no module for it. */
export const brotliText = `${header}# Sites include this only while the package libnginx-mod-http-brotli-static is installed.
brotli_static on;
`;

/**
 * The line of a site that includes {@link brotliText}. The path leads through a directory of the package, and nginx
 * ignores a pattern that matches nothing, so the configuration stays valid when the package is removed.
 */
export const brotliInclude = `include ${brotliDir.slice(0, -1)}[${brotliDir.at(-1)}]/../../../..${brotliPath};`;

/** The include for an nginx whose own configuration does not read our sites. */
export const sitesText = `${header}include ${sitesEnabledDir}/edox-ops-*;
`;

interface CatchAll {
  /** "80", "[::]:80", "443", "[::]:443": the sockets on which unknown names get no response. */
  sockets: string[];
  /**
   * null from nginx 1.19.4 on, which has ssl_reject_handshake. Before that, the path of a throwaway certificate with
   * its key.
   */
  certificatePath: string | null;
  /** The sockets that get the parameter http2. */
  http2: readonly string[];
}

/**
 * Returns the location of ACME challenges, which precedes every other rule of a server. `missing` is what nginx tries
 * where there is no such challenge. `open`: the directives that exempt it from a password.
 */
export function acmeLocation(missing: string, open: readonly string[] = []): string[] {
  return [
    "location ^~ /.well-known/acme-challenge/ {",
    ...open.map((line) => `    ${line}`),
    `    root ${acmeDir};`,
    "    default_type text/plain;",
    `    try_files $uri ${missing};`,
    "}",
  ];
}

/**
 * Returns the default servers: they close connections to unknown names without a response. Over HTTP they answer a
 * challenge, so that a certificate can be obtained before the site of its name exists.
 */
export function catchAllText({ sockets, certificatePath, http2 }: CatchAll): string {
  const tls = sockets.filter((socket) => socket.endsWith("443"));
  const plain = sockets.filter((socket) => !tls.includes(socket));
  const refuse =
    certificatePath === null
      ? ["ssl_reject_handshake on;"]
      : [`ssl_certificate ${certificatePath};`, `ssl_certificate_key ${certificatePath};`];
  const over = (some: readonly string[], words: string): string[] => [
    ...some.map((socket) => `listen ${socket}${words}${http2.includes(socket) ? " http2" : ""} default_server;`),
    "server_name _;",
    "server_tokens off;",
  ];
  const servers = [
    ...(plain.length > 0
      ? [server([...over(plain, ""), ...acmeLocation("=404"), "location / {", "    return 444;", "}"])]
      : []),
    ...(tls.length > 0 ? [server([...over(tls, " ssl"), ...refuse, `include ${tlsPath};`, "return 444;"])] : []),
  ];
  return header + servers.join("");
}

/** Returns a server block with these lines. An empty line separates them. */
export function server(lines: readonly string[]): string {
  return `server {\n${lines.map((line) => (line === "" ? "\n" : `    ${line}\n`)).join("")}}\n`;
}
