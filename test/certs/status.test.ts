import { expect, test } from "bun:test";
import { typed, variables } from "../cli/typed.ts";
import { fakeDebian } from "../fake-debian.ts";
import { type FakeHost, ok } from "../fake-host.ts";
import { addCertbot } from "./fake-certbot.ts";

const project = (slug: string, domain: string) => ({ [slug]: { slug, domain, tls: true, enabled: true } });

function host(options: { uid?: number } = {}): FakeHost {
  const made = fakeDebian(options);
  const certbot = addCertbot(made, [
    { name: "docs.test", names: ["docs.test", "www.docs.test"] },
    { name: "old.test", webroot: "/srv/old" },
    { name: "dns.test", names: ["*.dns.test"], authenticator: "dns-rfc2136" },
  ]);
  certbot.loaded.set("old.test", certbot.loaded.get("docs.test") ?? "");
  made.put("/etc/letsencrypt/renewal/bad.test.conf", "[renewalparams]\n");
  made.put("/etc/edox-ops/projects.json", JSON.stringify(project("demo", "docs.test")), { mode: 0o600 });
  made.put("/var/lib/edox-ops/renewals/old.test", "failed 1800000000 nginx: [emerg] bogus\n");
  made.put("/var/lib/edox-ops/renewals/docs.test", "reloaded 1800000000\n");
  made.taught.unshift((argv) => {
    if (argv.at(-1) !== "certbot.service") return undefined;
    const timer = "Id=certbot.timer\nActiveState=active\nNextElapseUSecRealtime=Fri 2027-01-15 12:00:00 UTC\n";
    const service =
      "Id=certbot.service\nActiveState=failed\nResult=exit-code\nExecMainExitTimestamp=Fri 2027-01-15 03:12:11 UTC\n";
    return ok(`${timer}\n${service}`);
  });
  return made;
}

test("certs status: each certificate with its dates, its projects, and whether nginx serves it", async () => {
  const { exit, out } = await typed("certs status --json", host());
  const { certs, warnings } = JSON.parse(out);
  expect([exit, warnings]).toEqual([0, ["bad.test cannot be used: authenticator is missing"]]);
  const { certificates, ...timer } = certs;
  expect(timer).toEqual({
    timer_active: true,
    next_run: "2027-01-15T12:00:00.000Z",
    last_run: "2027-01-15T03:12:11.000Z",
    last_result: "exit-code",
  });
  expect(certificates).toMatchObject([
    { name: "dns.test", authenticator: "dns-rfc2136", webroots: [], served: null, projects: [], hook: null },
    {
      name: "docs.test",
      webroots: ["/var/lib/edox-ops/acme"],
      certificate: {
        names: ["docs.test", "www.docs.test"],
        issuer: "CN=docs.test",
        key_type: "ecdsa prime256v1",
        not_after: "2027-04-01T00:00:00.000Z",
        days_left: 75,
        lifetime_left: 0.841,
      },
      served: true,
      projects: ["demo"],
      hook: { result: "reloaded", at: "2027-01-15T08:00:00.000Z", reason: "" },
    },
    {
      name: "old.test",
      webroots: ["/srv/old"],
      served: false,
      hook: { result: "failed", reason: "nginx: [emerg] bogus" },
    },
  ]);
  expect(certificates[2].served_serial).toBe(certificates[1].certificate.serial);
});

test("certs status: a line for each certificate", async () => {
  const { exit, out } = await typed("certs status", host());
  expect(exit).toBe(0);
  const serials = (text: string): string => text.replaceAll(/[0-9A-F]{30,}/g, "SERIAL");
  expect(serials(out).split("\n")).toEqual([
    "timer_active: True",
    "next_run: 2027-01-15T12:00:00.000Z",
    "last_run: 2027-01-15T03:12:11.000Z",
    "last_result: exit-code",
    expect.stringMatching(/^certificate dns.test: .*; dns-rfc2136; .*; served: unknown; hook: not run$/),
    "certificate docs.test: docs.test www.docs.test; issuer CN=docs.test; serial SERIAL; ecdsa prime256v1; " +
      "until 2027-04-01T00:00:00.000Z, 75 days and 84 % of its lifetime left; webroot /var/lib/edox-ops/acme; " +
      "from https://acme.test/dir; projects: demo; served: yes; hook: reloaded 2027-01-15T08:00:00.000Z",
    expect.stringMatching(
      /webroot \/srv\/old; .*; projects: none; served: no, SERIAL; hook: failed .* nginx: \[emerg\] bogus$/,
    ),
    "certificates: bad.test cannot be used: authenticator is missing",
    "",
  ]);
});

test("certs status: at a terminal a row for each certificate fits into 80 columns, and faults are below", async () => {
  const made = host();
  variables.COLUMNS = "80";
  const { exit, out } = await typed("certs status", made).finally(() => delete variables.COLUMNS);
  expect(exit).toBe(0);
  expect(out).toMatchSnapshot();
  expect(Math.max(...out.split("\n").map((line) => line.length))).toBeLessThanOrEqual(80);
});

test("certs status: a host without certificates has none", async () => {
  const { exit, out, err } = await typed("certs status --json", fakeDebian());
  expect({ exit, err, certificates: JSON.parse(out).certs.certificates }).toEqual({
    exit: 0,
    err: "",
    certificates: [],
  });
});

test("certs status: a systemd that does not answer leaves the certificates known", async () => {
  const made = host();
  made.taught.unshift((argv) => (argv[0] === "systemctl" ? { code: 1, stdout: "", stderr: "no bus\n" } : undefined));
  const { certs, warnings } = JSON.parse((await typed("certs status --json", made)).out);
  expect([certs.timer_active, certs.certificates.length, warnings[0]]).toEqual([
    null,
    3,
    "systemctl show failed: no bus",
  ]);
});

test("certs status: without root, on a host whose certbot only root may read", async () => {
  const made = host({ uid: 1000 });
  for (const path of ["/etc/letsencrypt", "/etc/edox-ops/"]) made.hidden.add(path);
  const { exit, out, err } = await typed("certs status", made);
  expect({ exit, err, last: out.split("\n").at(-2) }).toEqual({
    exit: 0,
    err: "",
    last: "certificates: only root may read the certificates (run: sudo edox-ops certs status)",
  });
});

test("certs status: without root, the renewals are known and the certificates are not", async () => {
  const made = host({ uid: 1000 });
  for (const path of ["/etc/letsencrypt/live", "/etc/edox-ops/"]) made.hidden.add(path);
  const { exit, out } = await typed("certs status --json", made);
  const { outcome, certs, warnings } = JSON.parse(out);
  expect([exit, outcome, certs.timer_active]).toEqual([0, "unknown", true]);
  expect(certs.certificates[1]).toMatchObject({
    name: "docs.test",
    webroots: ["/var/lib/edox-ops/acme"],
    certificate: null,
    served: null,
    projects: null,
    hook: { result: "reloaded" },
  });
  expect(warnings.at(-1)).toBe("only root may read the certificates (run: sudo edox-ops certs status)");
});
