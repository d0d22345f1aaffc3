// The power is cut while a site gets its certificate: it is served afterwards, and the next run succeeds.

import { afterEach, describe, expect, test } from "bun:test";
import { suites } from "../integration/base.ts";
import { chance, figure, rounds } from "../integration/rounds.ts";
import { TestHost } from "../integration/test-host.ts";
import { Year } from "../integration/year.ts";

const lifetime = 90;
const publish = `edox-ops project publish one --domain one.test --source /srv/one --tls --server ${Year.directory(lifetime)}`;
const http = "edox-ops project publish one --domain one.test --source /srv/one";

for (const suite of suites) {
  describe(`power cut on ${suite}`, () => {
    let host: TestHost | undefined;
    let ca: TestHost | undefined;
    afterEach(() => {
      host?.down();
      ca?.down();
    });

    for (const round of rounds(1, 3)) {
      test(`publish --tls: a power cut at a random moment leaves a site that is served, and the next run succeeds, ${round}`, async () => {
        const cut = await TestHost.bare(suite, { commitSeconds: 1 });
        host = cut;
        // The authority keeps its accounts, because it is on another host.
        ca = await TestHost.up("bookworm");
        expect(cut.run(["edox-ops", "bootstrap", "--yes"]).code).toBe(0);
        Year.prepare(cut, ca, [lifetime], ["one.test"]);
        cut.sh("mkdir -p /srv/one && echo one >/srv/one/index.html && edox-ops certs install --yes");
        expect(cut.sh(http)).toMatchObject({ code: 0 });
        cut.sync();
        const seconds = 8 * chance("publish --tls", suite, round);
        cut.raw(["systemd-run", "--quiet", "--unit=victim", ...publish.split(" ")]);
        await Bun.sleep(seconds * 1000);
        await cut.powerCut();
        const page = () => cut.sh("curl -ksSL --retry 5 --retry-connrefused --retry-delay 1 http://one.test/").stdout;
        expect([round, page()]).toEqual([round, "one\n"]);
        const isDone = cut.sh("test -e /etc/letsencrypt/live/one.test/fullchain.pem").code === 0;
        expect(cut.sh(publish)).toMatchObject({ code: 0 });
        expect(page()).toBe("one\n");
        expect(cut.sh("curl -ksS -o /dev/null -w '%{http_code}' https://one.test/").stdout).toBe("200");
        figure(
          "publish --tls, power cut",
          suite,
          seconds / 8,
          isDone ? "with its certificate" : "without a certificate",
        );
      });
    }
  });
}
