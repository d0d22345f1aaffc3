// A command that undoes something which may be gone already.

import { expect, test } from "bun:test";
import { undo } from "../../src/engine/inverse.ts";
import { openJournal, readJournal } from "../../src/engine/journal.ts";
import { journalDir } from "../../src/engine/paths.ts";
import { fakeHost, ok } from "../fake-host.ts";

test("inverse: a command runs only while its path exists, also from a journal", async () => {
  const host = fakeHost();
  host.dir("/var/lib");
  host.taught.push(([program]) => (program === "ip" ? ok() : undefined));
  const argv = ["ip", "link", "delete", "probe"];
  const journal = openJournal(host, { step: "proof", again: [] });
  journal.add({ kind: "command", argv, ifExists: "/sys/class/net/probe" });
  const { inverses } = readJournal(host, `${journalDir}/proof`);
  expect(await undo(host, inverses)).toEqual({ changes: [], failures: [] });
  host.put("/sys/class/net/probe", "");
  expect(await undo(host, inverses)).toMatchObject({ changes: [{ kind: "command", argv }], failures: [] });
  expect(host.ran).toEqual(["ip link delete probe"]);
});
