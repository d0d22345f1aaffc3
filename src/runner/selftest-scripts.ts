// What is run in the containers of a self-test: lines for the shell of the daemon's image, and nothing of a person's in them.

/** As the guide's jobs wait for the daemon. */
const daemonSeconds = 30;
const transferSeconds = 10;
/** Enough for packets of full length, both ways to be told of a narrower link. */
export const transferBytes = 256 * 1024;
/** Where the client finds what it shows the daemon. */
export const certificates = "/certs/client";

/** Until the daemon answers; what it says then is its version. */
export const waiting = `for i in $(seq ${daemonSeconds * 2}); do
  docker version --format '{{.Server.Version}}' 2>/tmp/said && exit; sleep 0.5
done; [ -e ${certificates}/ca.pem ] || echo 'there is no certificate: does volumes have ${certificates}?' >>/tmp/said
tail -n 1 /tmp/said >&2; exit 1`;

/** The shell of the image itself, with what it is linked with and what it speaks TLS with. */
const parts =
  "bin/busybox lib/ld-musl-* usr/bin/ssl_client lib/lib*ssl* lib/libcrypto* usr/lib/lib*ssl* usr/lib/libcrypto*";
const base = `docker image inspect edox-ops-base >/dev/null 2>&1 ||
tar -C / -ch $(cd / && ls -d ${parts} 2>/dev/null) | docker import - edox-ops-base >/dev/null`;
export const privileged = `{ ${base}; } &&
docker run --rm --privileged --network none edox-ops-base /bin/busybox mount -t tmpfs none /bin`;
export const building = `{ ${base}; } && mkdir -p /tmp/image && cd /tmp/image && date >file &&
printf 'FROM edox-ops-base\\nCOPY file /\\nRUN ["/bin/busybox", "test", "-s", "/file"]\\n' >Dockerfile &&
docker build --quiet .`;

/** From a container in the daemon, on a bridge whose packets have this length at the most: there, and back. */
export function transfer(url: string, length: number): string {
  const bridge = `edox-ops-${length}`;
  // Any answer will do: what was sent has come through then.
  const wget = `timeout ${transferSeconds} wget -S -q -O /dev/null --no-check-certificate`;
  const answered = "2>&1 | grep -q HTTP/";
  const sends = `${wget} --post-file=/blob ${url}/api/v4/runners/verify ${answered}`;
  const takes = `${wget} ${url}/users/sign_in ${answered}`;
  return `docker network create -o com.docker.network.driver.mtu=${length} ${bridge} >/dev/null &&
docker run --rm --network ${bridge} edox-ops-base /bin/busybox sh -c '/bin/busybox --install /bin
head -c ${transferBytes} /dev/zero | tr "\\0" x >/blob
${sends} && ${takes} || { echo "no answer from a container with packets of ${length}" >&2; exit 1; }'`;
}
