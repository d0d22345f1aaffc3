// Finds each hint of the source, and the test that types it.

import { expect, test } from "bun:test";
import { absentCases } from "./absent-cases.ts";
import { aptCases } from "./apt-cases.ts";
import { backupCases } from "./backup-cases.ts";
import { bundleCases } from "./bundle-cases.ts";
import { cases } from "./cases.ts";
import { certsCases } from "./certs-cases.ts";
import { ciCases } from "./ci-cases.ts";
import { createCases } from "./create-cases.ts";
import { onHosts, parts, untyped } from "./elsewhere.ts";
import { firewallCases } from "./firewall-cases.ts";
import { keysCases } from "./keys-cases.ts";
import { hintLiterals } from "./literals.ts";
import { answerCases, machineCases } from "./machine-cases.ts";
import { piCases } from "./pi-cases.ts";
import { releaseCases } from "./release-cases.ts";
import { runnerCases } from "./runner-cases.ts";
import { siteCases } from "./site-cases.ts";
import { sshCases } from "./ssh-cases.ts";
import { treeCases } from "./tree-cases.ts";
import { upkeepCases } from "./upkeep-cases.ts";
import { usageCases } from "./usage-cases.ts";
import { userCases } from "./user-cases.ts";
import { versionCases } from "./version-cases.ts";
import { watchCases } from "./watch-cases.ts";

test("hints: a test types each hint of the source", async () => {
  const known = [
    ...cases,
    ...absentCases,
    ...aptCases,
    ...backupCases,
    ...bundleCases,
    ...certsCases,
    ...ciCases,
    ...firewallCases,
    ...keysCases,
    ...piCases,
    ...sshCases,
    ...releaseCases,
    ...siteCases,
    ...versionCases,
    ...upkeepCases,
    ...usageCases,
    ...watchCases,
    ...runnerCases,
    ...treeCases,
    ...userCases,
    ...answerCases,
    ...machineCases,
    ...createCases,
  ].map(({ of }) => of);
  known.push(...Object.keys(onHosts), ...Object.keys(untyped), ...parts);
  const found = [...(await hintLiterals())].sort();
  expect(found.filter((each) => !known.includes(each))).toEqual([]);
  expect(known.filter((each) => !found.includes(each))).toEqual([]);
  for (const file of new Set(Object.values(onHosts))) {
    expect(await Bun.file(`${import.meta.dir}/../integration/${file}`).text()).toContain("typedHint(");
  }
});
