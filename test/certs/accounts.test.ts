// The ACME account that a request names where certbot has several, as after a restore.

import { expect, test } from "bun:test";
import { accountFor } from "../../src/certs/accounts.ts";
import { fakeHost } from "../fake-host.ts";

const [old, restored] = ["a".repeat(32), "b".repeat(32)];
const dir = "/etc/letsencrypt/accounts/acme-v02.api.letsencrypt.org/directory";

test("certs issue: of several accounts for a server, the one that came last is named", () => {
  const host = fakeHost();
  expect(accountFor(host, undefined)).toBeUndefined();
  host.dir(`${dir}/${old}`);
  expect(accountFor(host, undefined)).toBeUndefined();
  host.dir(`${dir}/${restored}`);
  host.put(`${dir}/README`, "");
  expect(accountFor(host, undefined)).toBe(restored);
  expect(accountFor(host, "staging")).toBeUndefined();
});
