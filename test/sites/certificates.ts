// Throwaway certificates with fixed dates, for the clock of the host in memory.

import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";

export interface Issued {
  certificate: string;
  key: string;
}

export interface CertificateRequest {
  subject: string;
  /** Subject alternative names, as openssl writes them: "DNS:demo.test". */
  names?: string;
  /** UTC dates: "2027-01-01". */
  from: string;
  to: string;
  /** The issuer; without it the certificate is self-signed. */
  by?: Issued;
  isAuthority?: true;
  /** The address of the issuer's certificate, as public authorities include it. */
  issuerUrl?: string;
  /** The key; by default a new one is generated. */
  key?: string;
}

const config = `
[ca]
default_ca = here
[here]
database = index
new_certs_dir = .
default_md = sha256
policy = names
unique_subject = no
rand_serial = yes
[names]
commonName = supplied
`;

/** The signing request of each key. The subject in it does not count. */
const requests = new Map<string, string>();

function newKey(): string {
  const privateKeyEncoding = { type: "pkcs8", format: "pem" } as const;
  const publicKeyEncoding = { type: "spki", format: "pem" } as const;
  return generateKeyPairSync("ec", { namedCurve: "prime256v1", privateKeyEncoding, publicKeyEncoding }).privateKey;
}

/** Issues a certificate with openssl in a temporary directory. */
export function issue({ subject, names, from, to, by, isAuthority, issuerUrl, key }: CertificateRequest): Issued {
  const cwd = mkdtempSync(`${tmpdir()}/edox-ops-certificate-`);
  const run = (...words: string[]): void => {
    const { success, stderr } = Bun.spawnSync(["openssl", ...words], { cwd });
    if (!success) throw new Error(`openssl ${words.join(" ")} failed\n${stderr}`);
  };
  const date = (day: string): string => `${day.replaceAll("-", "")}000000Z`;
  try {
    writeFileSync(`${cwd}/config`, config);
    writeFileSync(`${cwd}/index`, "");
    const extensions = [
      // All of these are in public certificates, and strict clients refuse one without them.
      `basicConstraints=critical,CA:${isAuthority ? "TRUE" : "FALSE"}`,
      `keyUsage=critical,${isAuthority ? "keyCertSign,cRLSign" : "digitalSignature"}`,
      "subjectKeyIdentifier=hash",
      ...(by ? ["authorityKeyIdentifier=keyid"] : []),
      ...(isAuthority ? [] : ["extendedKeyUsage=serverAuth"]),
      ...(names ? [`subjectAltName=${names}`] : []),
      ...(issuerUrl ? [`authorityInfoAccess=caIssuers;URI:${issuerUrl}`] : []),
    ];
    writeFileSync(`${cwd}/extensions`, extensions.join("\n"));
    const own = key ?? newKey();
    writeFileSync(`${cwd}/key`, own);
    const request = requests.get(own);
    if (request !== undefined) writeFileSync(`${cwd}/request`, request);
    else {
      run("req", "-new", "-key", "key", "-subj", "/CN=any", "-out", "request");
      requests.set(own, readFileSync(`${cwd}/request`, "utf8"));
    }
    if (by) {
      writeFileSync(`${cwd}/ca`, by.certificate);
      writeFileSync(`${cwd}/ca.key`, by.key);
    }
    const issuer = by ? ["-cert", "ca", "-keyfile", "ca.key"] : ["-selfsign", "-keyfile", "key"];
    const dates = ["-startdate", date(from), "-enddate", date(to)];
    const files = ["-extfile", "extensions", "-subj", `/CN=${subject}`, "-in", "request", "-out", "certificate"];
    run("ca", "-config", "config", "-batch", "-notext", ...issuer, ...dates, ...files);
    return { certificate: readFileSync(`${cwd}/certificate`, "utf8"), key: own };
  } finally {
    rmSync(cwd, { recursive: true });
  }
}
