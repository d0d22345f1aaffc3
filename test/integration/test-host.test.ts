// The host that the other tests stand on.

import { expect, test } from "bun:test";
import { TestHost } from "./test-host.ts";

test("what is to run in a host arrives as it is written", async () => {
  using host = await TestHost.up("bookworm");
  expect(host.run(["echo", "$HOME", "$$"]).stdout).toBe("$HOME $$\n");
  expect(host.sh('kill -0 $$ && echo "$HOME"').stdout).toBe("/root\n");
});
