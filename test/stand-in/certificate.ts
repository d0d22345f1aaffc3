// Creates certificates of a private authority for servers that tests start.

import { writeFileSync } from "node:fs";

/** Writes ca.pem, cert.pem and key.pem into a folder. The certificate is valid for this address and these names. */
export function certify(dir: string, address: string, names: readonly string[] = []): void {
  const known = ["IP:127.0.0.1", `IP:${address}`, ...["gateway", "localhost", ...names].map((name) => `DNS:${name}`)];
  writeFileSync(`${dir}/names`, `subjectAltName=${known.join(",")}\nbasicConstraints=CA:FALSE\n`);
  const make = (...words: string[]) => {
    const { success, stderr } = Bun.spawnSync(["openssl", ...words], { cwd: dir });
    if (!success) throw new Error(`openssl ${words.join(" ")} failed\n${stderr}`);
  };
  const key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes".split(" ");
  make("req", "-x509", ...key, "-days", "30", "-subj", "/CN=A CA for tests", "-keyout", "ca.key", "-out", "ca.pem");
  make("req", ...key, "-subj", "/CN=a server for tests", "-keyout", "key.pem", "-out", "request.pem");
  const ca = "-CA ca.pem -CAkey ca.key -CAcreateserial".split(" ");
  make("x509", "-req", "-in", "request.pem", ...ca, "-days", "30", "-extfile", "names", "-out", "cert.pem");
}
