import { expect, test } from "bun:test";
import { otherServed, servedCertificates } from "../../src/certs/served.ts";
import { parseCertificate } from "../../src/host/x509.ts";
import { type FakeHost, fakeHost, ok } from "../fake-host.ts";
import { issue } from "../sites/certificates.ts";

const [old, fresh] = ["2027-01-01", "2027-01-15"].map(
  (from) => issue({ subject: "a.test", names: "DNS:a.test", from, to: "2027-04-01" }).certificate,
) as [string, string];
const serial = parseCertificate(fresh)?.serialNumber ?? "";
const names = Array.from({ length: 100 }, (_, i) => `site${i}.test`);
const serials = new Map(names.map((name) => [name, serial]));

/** Returns a host whose port 443 serves these certificates: `served` gets the number of the request. */
function host(served: (count: number, on: FakeHost) => ReturnType<typeof ok>): FakeHost & { most: number } {
  const on = Object.assign(fakeHost(), { most: 0 });
  let [count, running] = [0, 0];
  on.probe = async (argv) => {
    on.ran.push(argv.join(" "));
    running += 1;
    on.most = Math.max(on.most, running);
    await Promise.resolve();
    running -= 1;
    return served(count++, on);
  };
  return on;
}

test("served certificates: many names have a limited number of processes at once", async () => {
  const on = host(() => ok(fresh));
  expect([(await otherServed(on, serials)).size, on.ran.length, on.most]).toEqual([0, 100, 32]);
});

test("served certificates: only those that are not served yet are requested again", async () => {
  const on = host((count) => ok(count < 3 ? old : fresh));
  expect([(await otherServed(on, serials)).size, on.ran.length]).toEqual([0, 103]);
  const never = await otherServed(
    host(() => ok(old)),
    new Map([["a.test", serial]]),
  );
  expect([...never]).toMatchObject([["a.test", { serial: parseCertificate(old)?.serialNumber }]]);
});

test("served certificates: a host that answers slowly is asked again after the longest wait", async () => {
  const on = host((count, { sleep }) => {
    void sleep(100);
    return ok(count < 100 ? old : fresh);
  });
  expect([(await otherServed(on, serials)).size, on.ran.length]).toEqual([0, 200]);
});

test("served certificates: a port that answers nothing is not waited for by each name", async () => {
  const silent = host(() => ({ code: 124, stdout: "", stderr: "" }));
  const found = await servedCertificates(silent, names);
  expect(silent.ran.length).toBe(32);
  expect([...found.values()]).toEqual(Array(100).fill({ reason: "nginx did not answer on port 443" }));
  // One name may lead to another server that does not answer.
  const mixed = host((count) => (count === 31 ? ok(fresh) : { code: 124, stdout: "", stderr: "" }));
  await servedCertificates(mixed, names);
  expect(mixed.ran.length).toBeGreaterThan(32);
});
