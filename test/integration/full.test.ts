// A disk that takes nothing more: the cause is named first and nothing of ours is half. With room again, the next run
// ends well, and the host is that of an undisturbed run.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { suites } from "./base.ts";
import { figure, rounds } from "./rounds.ts";
import { TestHost } from "./test-host.ts";
import { damaged, endsWell, type Undisturbed, undisturbed } from "./undisturbed.ts";

const bootstrap = ["edox-ops", "bootstrap", "--yes"];
for (const suite of suites) {
  // In short on one suite, where the other would tell the same.
  for (const round of rounds(suite === "bookworm" ? 1 : 0, 1)) {
    describe(`on ${suite}, ${round}`, () => {
      let first: Undisturbed;
      let host: TestHost;
      beforeAll(async () => {
        first = await undisturbed(suite);
        host = await TestHost.bare(suite, { inodes: 12_000 });
      });
      afterAll(() => host?.down());

      function failsWith(kind: string, ...words: RegExp[]): void {
        const { code, stderr } = host.run(bootstrap);
        expect(code).toBe(1);
        for (const each of words) expect(stderr).toMatch(each);
        expect(damaged(host, first)).toEqual([]);
        figure(kind, suite, 0, stderr.split(": ").slice(1, 3).join(": "));
      }

      /** All room but so many megabytes is taken. */
      function leave(megabytes: number): void {
        const { code, stderr } = host.sh(`rm -rf /filler; sync -f /
          fallocate -l $((($(stat -f -c %a /) - ${Math.max(1, megabytes)} * 256) * 4096)) /filler || exit
          [ ${megabytes} != 0 ] || for _ in 1 2 3; do cat /dev/zero 2>/dev/null >>/filler || sync -f /; done`);
        expect([code, stderr]).toEqual([0, ""]);
      }

      function leaveInodes(inodes: number): void {
        host.sh(`rm -rf /filler; mkdir /filler; cd /filler; seq $(($(stat -f -c %d /) - ${inodes})) | xargs touch`);
      }

      function withReadOnly(act: () => void): void {
        const freeze = "journalctl --relinquish-var; systemctl stop nginx; mount -o remount,bind,ro /";
        expect(host.sh(freeze).code).toBe(0);
        act();
        expect(host.raw(["mount", "-o", "remount,bind,rw", "/"]).code).toBe(0);
      }

      test("where apt fetches, and where dpkg unpacks", () => {
        withReadOnly(() => {
          const cause = /^error: packages\.install: \/ is a read-only file system: /;
          failsWith("read-only at the start", cause, /^hint: mount -o remount,rw \/$/m);
        });
        const leaving = { MB: [leave, "space", "-h"], inodes: [leaveInodes, "inodes", "-i"] } as const;
        // What one of them has fetched, the next finds there.
        const rooms = ["0 MB", "5 MB", "60 MB", "0 inodes", "80 MB", "100 inodes"];
        for (const room of rooms) {
          const [amount = "", unit] = room.split(" ");
          const [take, what, flag] = leaving[unit as keyof typeof leaving];
          take(Number(amount));
          const cause = new RegExp(`^error: packages\\.install: no ${what} left at /\\S*: apt-get could not `);
          failsWith(`${room} left`, cause, new RegExp(`^hint: df ${flag} /`, "m"));
        }
        expect(host.run(["dpkg", "--audit"]).stdout).not.toBe("");
      });

      test("where files of ours are written", () => {
        const upTo = (steps: string): void => {
          host.sh("rm -rf /filler");
          expect(host.run([...bootstrap, "--only", steps])).toMatchObject({ code: 0, stderr: "" });
        };
        upTo("packages.install");
        withReadOnly(() => {
          const cause = /^error: site\.directories: \/ is a read-only file system: /;
          failsWith("read-only before site.directories", cause, /^hint: mount -o remount,rw \/$/m);
        });
        leave(0);
        // A full disk may have a last block for a directory.
        const noRoom = /^error: (site\.directories|nginx\.prepare): no space left at \//;
        failsWith("0 MB left before site.directories", noRoom, /^hint: df -h \//m);
        leaveInodes(0);
        const noInode = /^error: (site\.directories|nginx\.prepare): no inodes left at \//;
        failsWith("0 inodes left before site.directories", noInode, /^hint: df -i \//m);
        upTo("packages.install,site.directories");
        leave(0);
        const noFile = /^error: nginx\.prepare: no space left at \/etc\/nginx/;
        failsWith("0 MB left before nginx.prepare", noFile, /^hint: df -h \/etc\/nginx/m);
        host.sh("rm -rf /filler");
        endsWell(host, first);
      });
    });
  }
}
