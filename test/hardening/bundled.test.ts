// What an offline bundle holds for the host commands.

import { expect, test } from "bun:test";
import { hostAdmin } from "../../src/hardening/admin.ts";
import hardening from "../../src/hardening/feature.ts";
import { harden } from "../../src/hardening/parts/harden.ts";

test("hardening: its role in a bundle has every package that a step of host harden --all or host admin installs", async () => {
  const role = await hardening.bundled?.({ family: "debian", codename: "bookworm", architecture: "amd64" });
  const steps = [...harden({ all: true }).steps, ...hostAdmin("alice", { line: "" }).steps];
  const names = steps.flatMap(({ resources }) => resources.map(({ name }) => name));
  const packages = names.filter((name) => name.startsWith("package:")).map((name) => name.slice("package:".length));
  expect(packages).toContain("sudo");
  expect(packages.filter((name) => !role?.packages.includes(name))).toEqual([]);
});
