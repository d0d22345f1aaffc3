// Builds a stand-in for the image docker:dind from the host's own engine, with its own entry point. No registry is
// used.

import { existsSync, renameSync } from "node:fs";
import { dirname } from "node:path";
import { dindImage } from "../../src/runner/selftest-image.ts";
import { CiHost } from "./ci-host.ts";
import { type CiPackages, ciPackages } from "./ci-packages.ts";
import { must } from "./run.ts";

/** Equivalent to that image's entry point if DOCKER_TLS_CERTDIR is /certs. */
const entryPoint = `#!/bin/sh
set -e
mkdir -p /certs/ca /certs/server /certs/client && cd /certs
new="-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
openssl req -x509 $new -days 2 -subj /CN=ca -keyout ca/key.pem -out ca/cert.pem -addext basicConstraints=critical,CA:TRUE
printf 'subjectAltName=DNS:docker\\nextendedKeyUsage=serverAuth,clientAuth\\n' >names
for who in server client; do
  openssl req $new -subj /CN=$who -keyout $who/key.pem -out $who/request.pem
  openssl x509 -req -in $who/request.pem -CA ca/cert.pem -CAkey ca/key.pem -CAcreateserial -days 2 -extfile names -out $who/cert.pem
  cp ca/cert.pem $who/ca.pem
done
tls="--tlsverify --tlscacert server/ca.pem --tlscert server/cert.pem --tlskey server/key.pem"
exec dockerd --host=unix:///var/run/docker.sock --host=tcp://0.0.0.0:2376 $tls
`;

/** The copy on this machine, beside the packages that are in the image. */
const copyPath = ({ folder }: CiPackages): string => `${dirname(folder)}/dind.tar`;

/**
 * Returns the path on this machine of the image, in the format of docker save. It is made once, and cached, on a host of
 * its own if no test has made it on another.
 */
export async function cachedDindArchive(): Promise<string> {
  const path = copyPath(await ciPackages("trixie"));
  if (!existsSync(path)) {
    using ci = await CiHost.up("trixie", { tls: false });
    const { code, stderr } = ci.prepare("--only", "docker.install");
    if (code !== 0) throw new Error(stderr);
    await dindArchive(ci);
  }
  return path;
}

/**
 * Returns the path of the image in the host, in the format of docker save. The image is not loaded into the host's
 * engine.
 */
export async function dindArchive({ host, packages }: CiHost): Promise<string> {
  const path = "/root/dind.tar";
  const entry = "/usr/local/bin/dockerd-entrypoint.sh";
  await Bun.write(`${host.root}${entry}`, entryPoint);
  const without = ["usr/share", "usr/local/bin/edox-ops", "usr/lib/gitlab-runner", "usr/bin/gitlab-runner"];
  const changes = [
    `ENTRYPOINT ["${entry}"]`,
    "VOLUME /var/lib/docker",
    "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  ];
  const { code, stderr } = host.sh(`set -o pipefail; chmod 755 ${entry}
    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends busybox-static openssl >/dev/null
    tar -C / ${without.map((each) => `--exclude=${each}`).join(" ")} -c usr bin sbin lib lib64 etc tmp |
      docker import ${changes.map((each) => `-c '${each}'`).join(" ")} - ${dindImage} >/dev/null &&
    docker save -o ${path} ${dindImage} && docker rmi ${dindImage} >/dev/null`);
  if (code !== 0) throw new Error(`no image could be made\n${stderr}`);
  const copy = copyPath(packages);
  must(["cp", `${host.root}${path}`, `${copy}.${process.pid}`]);
  renameSync(`${copy}.${process.pid}`, copy);
  return path;
}
