// The scripts that run in the containers of a self-test, for the shell of the daemon's image. They contain no user
// input but the validated address of GitLab.

/** Seconds that one run of the script waits for the daemon, before the caller checks whether its container still runs. */
const daemonSeconds = 2;
const transferSeconds = 10;
/** Bytes that suffice for packets of full length, so that both directions discover a smaller path MTU. */
export const transferBytes = 256 * 1024;
/** The directory in which the client finds its certificate for the daemon. */
export const certificates = "/certs/client";

/** Waits briefly until the daemon responds, and prints its version. */
export const waiting = `for i in $(seq ${daemonSeconds * 2}); do
  docker version --format '{{.Server.Version}}' 2>/tmp/said && exit; sleep 0.5
done; [ -e ${certificates}/ca.pem ] || echo 'there is no certificate: does volumes have ${certificates}?' >>/tmp/said
tail -n 1 /tmp/said >&2; exit 1`;

/** The image's own shell, with its libraries and its TLS client. */
const parts =
  "bin/busybox lib/ld-musl-* usr/bin/ssl_client lib/lib*ssl* lib/libcrypto* usr/lib/lib*ssl* usr/lib/libcrypto*";
const base = `docker image inspect edox-ops-base >/dev/null 2>&1 ||
tar -C / -ch $(cd / && ls -d ${parts} 2>/dev/null) | docker import - edox-ops-base >/dev/null`;
export const privileged = `{ ${base}; } &&
docker run --rm --privileged --network none edox-ops-base /bin/busybox mount -t tmpfs none /bin`;
export const building = `{ ${base}; } && mkdir -p /tmp/image && cd /tmp/image && date >file &&
printf 'FROM edox-ops-base\\nCOPY file /\\nRUN ["/bin/busybox", "test", "-s", "/file"]\\n' >Dockerfile &&
docker build --quiet .`;

/**
 * Returns a script that sends data from a container in the daemon and receives data there, on a bridge with this MTU.
 */
export function transfer(url: string, length: number): string {
  const bridge = `edox-ops-${length}`;
  // Any HTTP response is a success, because it shows that the data arrived.
  const wget = `timeout ${transferSeconds} wget -S -q -O /dev/null --no-check-certificate`;
  const answered = "2>&1 | grep -q HTTP/";
  const sends = `${wget} --post-file=/blob ${url}/api/v4/runners/verify ${answered}`;
  const takes = `${wget} ${url}/users/sign_in ${answered}`;
  return `docker network create -o com.docker.network.driver.mtu=${length} ${bridge} >/dev/null &&
docker run --rm --network ${bridge} edox-ops-base /bin/busybox sh -c '/bin/busybox --install /bin
head -c ${transferBytes} /dev/zero | tr "\\0" x >/blob
${sends} && ${takes} || { echo "no answer from a container with packets of ${length}" >&2; exit 1; }'`;
}
