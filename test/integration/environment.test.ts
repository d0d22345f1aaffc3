// The environment cannot weaken a run as root: each row is compared with an uninterrupted run on a bare host.

import { afterEach, beforeAll, describe, expect, test } from "bun:test";
import { soak } from "./rounds.ts";
import { TestHost } from "./test-host.ts";

const ours = ["/etc/edox-ops", "/etc/nginx", "/var/www", "/var/log/edox-ops", "/run/edox-ops"];
let host: TestHost | undefined;
afterEach(() => {
  host?.down();
  host = undefined;
});

/** Returns types, modes and owners, and the contents of all files but the log, which contains times. */
function state(made: TestHost): string[] {
  return made
    .listing(...ours)
    .split("\n")
    .filter((line) => !/^[0-9a-f]{64} .*\.log$/.test(line));
}

/** Programs that a hostile PATH offers in place of the real ones. Each leaves a mark. */
const traps = `mkdir -p /root/evil && cd /root/evil
  for name in apt-get dpkg nginx systemctl openssl sh env; do
    printf '#!/bin/sh\\ntouch /root/trapped\\nexit 0\\n' >$name; chmod +x $name
  done`;

describe("environment: a first run has the usual result", () => {
  let undisturbed: string[] = [];
  beforeAll(async () => {
    using first = await TestHost.bare();
    expect(first.run(["edox-ops", "bootstrap", "--yes"]).code).toBe(0);
    undisturbed = state(first);
  });

  const variables = {
    "a PATH with other programs in it": "PATH=/root/evil",
    "another locale, IFS and TZ": "LC_ALL=tr_TR.UTF-8 LANGUAGE=de IFS=/ TZ=Asia/Kathmandu",
    "foreign libraries": "LD_LIBRARY_PATH=/root/evil LD_PRELOAD=/root/evil/none.so",
    "the runtime's own variables":
      "BUN_CONFIG_VERBOSE_FETCH=curl BUN_OPTIONS=--smol NODE_TLS_REJECT_UNAUTHORIZED=0 NODE_EXTRA_CA_CERTS=/none",
    "apt's, dpkg's and debconf's variables":
      "APT_CONFIG=/root/evil/apt.conf DPKG_ROOT=/none DEBIAN_FRONTEND=dialog DEBCONF_DB_OVERRIDE=x",
    "the HOME of another user, as sudo may leave it": "HOME=/home/other SUDO_USER=other",
  };
  const bootstrap = "/usr/local/bin/edox-ops bootstrap --yes";
  const full = `mount -t tmpfs -o size=8k none /tmp; head -c 8k /dev/zero >/tmp/full; TMPDIR=/none ${bootstrap}`;
  const alone = {
    ...Object.fromEntries(Object.entries(variables).map(([name, words]) => [name, `env ${words} ${bootstrap}`])),
    "no variable at all": `env -i ${bootstrap}`,
    "a umask of 0": `umask 0; ${bootstrap}`,
    "a umask that hides everything": `umask 0777; ${bootstrap}`,
    "descriptors 0 to 2 closed": `${bootstrap} <&- >&- 2>&-`,
    "a /tmp where nothing may be run": `mount -t tmpfs -o noexec none /tmp; ${bootstrap}`,
  };
  // The short form combines them in a few runs, and the soak also has each in a run of its own.
  const together = {
    "all hostile variables together": `env ${Object.values(variables).join(" ")} ${bootstrap}`,
    "no variable at all, and a umask of 0": `umask 0; env -i ${bootstrap}`,
    "a umask that hides everything, descriptors 0 to 2 closed, and a /tmp where nothing may be run": `mount -t tmpfs -o noexec none /tmp; umask 0777; ${bootstrap} <&- >&- 2>&-`,
    "a /tmp that is full, and TMPDIR nowhere": full,
  };
  for (const [name, command] of Object.entries(soak ? { ...alone, ...together } : together)) {
    test(`environment: ${name}`, async () => {
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
