// The environment of a run cannot weaken what it does as root: each row against an undisturbed run on a bare host.

import { afterEach, beforeAll, describe, expect, test } from "bun:test";
import { TestHost } from "./test-host.ts";

const ours = ["/etc/edox-ops", "/etc/nginx", "/var/www", "/var/log/edox-ops", "/run/edox-ops"];
let host: TestHost | undefined;
afterEach(() => {
  host?.down();
  host = undefined;
});

/** Types, modes and owners, and the contents of all but the log, which has times in it. */
function state(made: TestHost): string[] {
  return made
    .listing(...ours)
    .split("\n")
    .filter((line) => !/^[0-9a-f]{64} .*\.log$/.test(line));
}

/** Programs that a hostile PATH offers in the place of the real ones; each leaves a mark. */
const traps = `mkdir -p /root/evil && cd /root/evil
  for name in apt-get dpkg nginx systemctl openssl sh env; do
    printf '#!/bin/sh\\ntouch /root/trapped\\nexit 0\\n' >$name; chmod +x $name
  done`;

describe("a first run ends as any other", () => {
  let undisturbed: string[] = [];
  beforeAll(async () => {
    using first = await TestHost.bare();
    expect(first.run(["edox-ops", "bootstrap", "--yes"]).code).toBe(0);
    undisturbed = state(first);
  });

  const rows: Record<string, string> = {
    "a PATH with other programs in it": "PATH=/root/evil /usr/local/bin/edox-ops bootstrap --yes",
    "no variable at all": "env -i /usr/local/bin/edox-ops bootstrap --yes",
    "another locale, IFS and TZ": "env LC_ALL=tr_TR.UTF-8 LANGUAGE=de IFS=/ TZ=Asia/Kathmandu edox-ops bootstrap --yes",
    "libraries of somebody else":
      "env LD_LIBRARY_PATH=/root/evil LD_PRELOAD=/root/evil/none.so edox-ops bootstrap --yes",
    "the runtime's own variables":
      "env BUN_CONFIG_VERBOSE_FETCH=curl BUN_OPTIONS=--smol NODE_TLS_REJECT_UNAUTHORIZED=0 NODE_EXTRA_CA_CERTS=/none edox-ops bootstrap --yes",
    "apt's, dpkg's and debconf's variables":
      "env APT_CONFIG=/root/evil/apt.conf DPKG_ROOT=/none DEBIAN_FRONTEND=dialog DEBCONF_DB_OVERRIDE=x edox-ops bootstrap --yes",
    "the HOME of somebody else, as sudo may leave it": "env HOME=/home/other SUDO_USER=other edox-ops bootstrap --yes",
    "a umask of 0": "umask 0; edox-ops bootstrap --yes",
    "a umask that hides everything": "umask 0777; edox-ops bootstrap --yes",
    "descriptors 0 to 2 closed": "edox-ops bootstrap --yes <&- >&- 2>&-",
    "a /tmp where nothing may be run": "mount -t tmpfs -o noexec none /tmp; edox-ops bootstrap --yes",
    "a /tmp that is full, and TMPDIR nowhere":
      "mount -t tmpfs -o size=8k none /tmp; head -c 8k /dev/zero >/tmp/full; TMPDIR=/none edox-ops bootstrap --yes",
  };
  for (const [name, command] of Object.entries(rows)) {
    test(name, async () => {
      host = await TestHost.bare();
      host.sh(traps);
      const { code, stderr } = host.sh(command);
      expect([code, stderr.replace(/^ERROR: ld\.so: .*$\n/gm, "")]).toEqual([0, ""]);
      expect(host.run(["test", "-e", "/root/trapped"]).code).toBe(1);
      expect(state(host)).toEqual(undisturbed);
      expect(host.sh("grep -vc '^\\[[0-9TZ:-]*\\] [A-Z]* ' /var/log/edox-ops/bootstrap.log").stdout).toBe("0\n");
    });
  }
});
