// A full disk: the cause is reported first, and no file of edox-ops is incomplete. After space was freed, the next run
// succeeds, and the host equals that of an uninterrupted run.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { suites } from "./base.ts";
import { figure, rounds } from "./rounds.ts";
import type { Ended } from "./run.ts";
import { TestHost } from "./test-host.ts";
import { damaged, endsWell, type Undisturbed, undisturbed } from "./undisturbed.ts";

const bootstrap = ["edox-ops", "bootstrap", "--yes"];
for (const suite of suites) {
  // The short form runs on one suite, because the other has the same result.
  for (const round of rounds(suite === "bookworm" ? 1 : 0, 5)) {
    describe(`full disk on ${suite}, ${round}`, () => {
      let first: Undisturbed;
      let host: TestHost;
      beforeAll(async () => {
        first = await undisturbed(suite);
        host = await TestHost.bare(suite, { inodes: 12_000 });
      });
      afterAll(() => host?.down());

      function failsWith(kind: string, ...words: RegExp[]): void {
        failed(kind, host.run(bootstrap), ...words);
      }

      function failed(kind: string, { code, stderr }: Ended, ...words: RegExp[]): void {
        expect([kind, code]).toEqual([kind, 1]);
        for (const each of words) expect(stderr).toMatch(each);
        expect(damaged(host, first)).toEqual([]);
        figure(kind, suite, 0, stderr.split(": ").slice(1, 3).join(": "));
      }

      /** Fills the disk up to this many megabytes. */
      function leave(megabytes: number): void {
        const { code, stderr } = host.sh(`rm -rf /filler; sync -f /; mkdir /filler
          fallocate -l $((($(stat -f -c %a /) - ${Math.max(1, megabytes)} * 256) * 4096)) /filler/large || exit
          [ ${megabytes} = 0 ] || exit 0
          for _ in 1 2 3; do cat /dev/zero 2>/dev/null >>/filler/large || sync -f /; done
          # A large file may want more than the last blocks to grow by one.
          for block in $(seq 1000); do head -c 4096 /dev/zero 2>/dev/null >/filler/$block || exit 0; done`);
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

      test("full disk: where apt fetches, and where dpkg unpacks", () => {
        withReadOnly(() => {
          const cause = /^error: packages\.install: \/ is a read-only file system: /;
          failsWith("read-only at the start", cause, /^hint: mount -o remount,rw \/$/m);
        });
        const leaving = { MB: [leave, "space", "-h"], inodes: [leaveInodes, "inodes", "-i"] } as const;
        // Files that one round fetched are still there in the next.
        for (const room of ["0 MB", "5 MB", "60 MB", "0 inodes"]) {
          const [amount = "", unit] = room.split(" ");
          const [take, what, flag] = leaving[unit as keyof typeof leaving];
          take(Number(amount));
          const cause = new RegExp(`^error: packages\\.install: no ${what} left at /\\S*: apt-get could not `);
          failsWith(`${room} left`, cause, new RegExp(`^hint: df ${flag} /`, "m"));
        }
        // The size of a package depends on the mirror, so the disk is filled after dpkg has begun.
        const filledUp = host.sh(`rm -rf /filler; edox-ops bootstrap --yes >/dev/null & run=$!
          until ls /var/lib/dpkg/updates/[0-9]* >/dev/null 2>&1; do kill -0 $run || break; done
          cat /dev/zero 2>/dev/null >/filler; wait $run`);
        const cause = /^error: packages\.install: no space left at \/\S*: apt-get could not /;
        failed("full while dpkg unpacks", filledUp, cause, /^hint: df -h \//m);
        leaveInodes(100);
        const noInodes = /^error: packages\.install: no inodes left at \/\S*: apt-get could not /;
        failsWith("100 inodes left", noInodes, /^hint: df -i \//m);
        expect(host.run(["dpkg", "--audit"]).stdout).not.toBe("");
      });

      test("full disk: where edox-ops writes its files", () => {
        const upTo = (steps: string): void => {
          host.sh("rm -rf /filler");
          expect(host.run([...bootstrap, "--only", steps])).toMatchObject({ code: 0, stderr: "" });
        };
        upTo("packages.install");
        withReadOnly(() => {
          const cause = /^error: site\.directories: \/ is a read-only file system: /;
          failsWith("read-only before site.directories", cause, /^hint: mount -o remount,rw \/$/m);
        });
        // A full disk may have a last block for a directory.
        const noRoom = /^error: (site\.directories|nginx\.prepare): no space left at \//;
        leave(0);
        failsWith("0 MB left before site.directories", noRoom, /^hint: df -h \//m);
        leaveInodes(0);
        const noInode = /^error: (site\.directories|nginx\.prepare): no inodes left at \//;
        failsWith("0 inodes left before site.directories", noInode, /^hint: df -i \//m);
        upTo("packages.install,site.directories");
        const noFile = /^error: nginx\.prepare: no space left at \/etc\/nginx/;
        leave(0);
        failsWith("0 MB left before nginx.prepare", noFile, /^hint: df -h \/etc\/nginx/m);
        host.sh("rm -rf /filler");
        endsWell(host, first);
      });
    });
  }
}

test("bootstrap: marks of apt that a full disk or a power cut has damaged are moved aside with a warning", async () => {
  using host = await TestHost.bare("trixie");
  const path = "/var/lib/apt/extended_states";
  host.sh(`head -c 300 /dev/zero >${path}`);
  const { code, stdout } = host.run(bootstrap);
  expect([code, stdout]).toEqual([0, expect.stringContaining(`${path} was damaged, and is now ${path}.damaged`)]);
  expect(host.sh(`stat -c %s ${path}.damaged; apt-get check >/dev/null; echo $?`).stdout).toBe("300\n0\n");
});
