import { describe, expect, test } from "bun:test";
import * as v from "valibot";
import { certbotLog } from "../../src/certs/certbot-log.ts";
import { documentSchema } from "../../src/report/schema.ts";
import { bootstrap, typed } from "../cli/typed.ts";
import { fakeDebian } from "../fake-debian.ts";
import { type FakeHost, ok } from "../fake-host.ts";
import { addCertbot, type FakeCertbot } from "./fake-certbot.ts";
import { type LineageSpec, projectRecord, putLineage } from "./lineage-files.ts";
import { logOf } from "./recorded.ts";

const lock = "/etc/letsencrypt/.certbot.lock";
const due = { from: "2026-11-01", to: "2027-01-30" };

/** Returns a host whose projects have these certificates, with the renewal hook. */
async function served(...specs: LineageSpec[]): Promise<{ host: FakeHost; certbot: FakeCertbot }> {
  const host = await bootstrap(fakeDebian());
  const certbot = addCertbot(host, specs);
  const done = await typed("certs install-renewal-hook --yes", host);
  expect(done).toMatchObject({ exit: 0, err: "" });
  const records = Object.assign({}, ...specs.map(({ name }, i) => projectRecord(`site${i}`, name)));
  host.put("/etc/edox-ops/projects.json", JSON.stringify(records), { mode: 0o600 });
  return { host, certbot };
}

async function renewed(host: FakeHost, flags = "--yes") {
  const { exit, out } = await typed(`certs renew ${flags} --json`, host);
  const { renewals = [], error, outcome, warnings } = v.parse(documentSchema, JSON.parse(out));
  return { exit, outcome, error, warnings, results: renewals.map(({ name, result }) => `${name} ${result}`) };
}

describe("certs renew", () => {
  test("a certificate that is due is renewed, and nginx serves it", async () => {
    const { host } = await served({ name: "a.test", ...due }, { name: "b.test" });
    const { exit, out, err } = await typed("certs renew --yes", host);
    expect({ exit, err, lines: out.split("\n").slice(1) }).toEqual({
      exit: 0,
      err: "",
      lines: ["renewed a.test", "skipped b.test", "Certificate renewal completed and nginx reloaded.", ""],
    });
    expect(host.ran.filter((line) => line.startsWith("certbot"))).toEqual([
      "certbot renew --no-random-sleep-on-renew --non-interactive",
    ]);
    expect(host.text("/var/log/edox-ops/certs.log")).toContain("STEP certs.renew SUCCESS returncode=0");
    expect((await typed("certs renew --yes", host)).out).toEndWith("No certificate is due for renewal.\n");
  });

  test("--force and --name renew one certificate that is not due", async () => {
    const { host } = await served({ name: "a.test" }, { name: "b.test" });
    expect(await renewed(host, "--yes --force --name b.test")).toMatchObject({ exit: 0, results: ["b.test renewed"] });
    expect(host.ran).toContain(
      "certbot renew --cert-name b.test --force-renewal --no-random-sleep-on-renew --non-interactive",
    );
  });

  test("a certificate that fails does not hide the others", async () => {
    const { host, certbot } = await served({ name: "a.test", ...due }, { name: "b.test", ...due }, { name: "c.test" });
    certbot.refused.set("a.test", "Some challenges have failed.");
    host.put("/etc/letsencrypt/renewal/broken.test.conf", "");
    expect(await renewed(host)).toMatchObject({
      exit: 1,
      outcome: "failed",
      error: {
        code: "command-failed",
        message: "not renewed: a.test: Some challenges have failed.; broken.test: authenticator is missing",
      },
      results: ["a.test failed", "b.test renewed", "broken.test failed", "c.test skipped"],
    });
  });

  test("the reason of the authority is reported for a certificate that fails", async () => {
    const { host, certbot } = await served({ name: "a.test", ...due }, { name: "b.test", ...due });
    certbot.refused.set("a.test", "can't set attribute");
    const document = { type: "urn:ietf:params:acme:error:rateLimited", detail: "too many certificates" };
    host.put(certbotLog, logOf(429, document, "Retry-After: 600\n"));
    expect(await renewed(host)).toMatchObject({
      exit: 1,
      error: {
        code: "limit-exceeded",
        message:
          "not renewed: a.test: the certificate authority accepts no more requests for 10 min: too many certificates",
        hint: ["edox-ops", "certs", "renew", "--yes", "--json"],
      },
      results: ["a.test failed", "b.test renewed"],
    });
  });

  test("a cause that all certificates share is reported once", async () => {
    const { host, certbot } = await served({ name: "a.test", ...due }, { name: "b.test", ...due });
    for (const name of ["a.test", "b.test"]) certbot.refused.set(name, "Requesting ca.test/dir: Connection refused");
    expect(await renewed(host)).toMatchObject({
      error: {
        code: "unreachable",
        message: expect.stringMatching(
          /^not renewed: a\.test, b\.test: the certificate authority https:\S+ cannot be reached: connection refused$/,
        ),
      },
      results: ["a.test failed", "b.test failed"],
    });
    certbot.refused.set("b.test", "can't set attribute");
    expect((await renewed(host)).error?.message).toBe(
      "not renewed: a.test: Requesting ca.test/dir: Connection refused; b.test: can't set attribute",
    );
  });

  test("a dry run without certbot fails as a run does", async () => {
    const { host } = await served({ name: "a.test", ...due });
    host.taught.unshift((argv) => (argv[0] === "certbot" ? { code: 127, stdout: "", stderr: "" } : undefined));
    for (const flags of ["--dry-run", "--yes"]) {
      const { exit, error } = await renewed(host, flags);
      expect([flags, exit, error?.message]).toEqual([flags, 1, "certbot is not installed"]);
    }
  });

  test("a certificate that was missing is renewed, too", async () => {
    const { host } = await served({ name: "a.test", ...due });
    const path = "/etc/letsencrypt/live/a.test/fullchain.pem";
    host.remove(path);
    host.taught.unshift((argv) => {
      if (argv[0] === "certbot") host.link(path, "../../archive/a.test/fullchain1.pem");
      return undefined;
    });
    expect(await renewed(host)).toMatchObject({ exit: 0, results: ["a.test renewed"] });
  });

  test("a certbot that fails without naming a certificate is an error", async () => {
    const { host, certbot } = await served({ name: "a.test" });
    certbot.before = () => ({ code: 1, stdout: "", stderr: "OSError: no space left\n" });
    expect(await renewed(host)).toMatchObject({
      exit: 1,
      error: { message: "certbot failed: OSError: no space left" },
    });
  });

  test("a name that certbot does not know, and a host without certbot, are errors", async () => {
    const { host } = await served({ name: "a.test" });
    expect(await renewed(host, "--yes --name x.test")).toMatchObject({ exit: 1, error: { code: "not-found" } });
    const bare = await bootstrap(fakeDebian());
    bare.taught.unshift(([name]) => (name === "certbot" ? { code: 127, stdout: "", stderr: "" } : undefined));
    expect(await renewed(bare)).toMatchObject({ exit: 1, error: { message: "certbot is not installed" } });
  });

  test("without --yes nothing is renewed", async () => {
    const { host } = await served({ name: "a.test", ...due });
    expect(await renewed(host, "")).toMatchObject({ exit: 2, error: { code: "not-confirmed" } });
    expect(host.ran.filter((line) => line.startsWith("certbot"))).toEqual([]);
  });

  test("another certbot is awaited, and named", async () => {
    const { host } = await served({ name: "a.test", ...due });
    const holder = { pid: 4711, command: "/usr/bin/certbot -q renew", sinceMs: 0 };
    host.locks.set(lock, holder);
    const end = host.now() + 5000;
    const { sleep } = host;
    host.sleep = async (ms) => {
      await sleep(ms);
      if (host.now() > end) host.locks.delete(lock);
    };
    const { exit, err } = await typed("certs renew --yes", host);
    expect({ exit, err }).toEqual({ exit: 0, err: expect.stringContaining("/usr/bin/certbot -q renew (pid 4711)") });
  });

  test("a certbot that starts in between is awaited, and one that never ends is an error", async () => {
    const { host, certbot } = await served({ name: "a.test", ...due });
    let runs = 0;
    certbot.before = (words) =>
      words[0] === "renew" && runs++ < 2
        ? { code: 1, stdout: "", stderr: "Another instance of Certbot is already running.\n" }
        : undefined;
    expect(await renewed(host)).toMatchObject({ exit: 0, results: ["a.test renewed"] });
    expect(runs).toBe(3);
    host.locks.set(lock, { pid: 4711, command: "certbot", sinceMs: 0 });
    expect(await renewed(host)).toMatchObject({
      exit: 75,
      error: { code: "locked", message: expect.stringContaining("pid 4711") },
    });
  });

  test("an nginx that refuses its files keeps the old certificate, which is an error", async () => {
    const { host, certbot } = await served({ name: "a.test", ...due });
    host.put("/etc/nginx/conf.d/foreign.conf", "bogus;\n");
    certbot.broken = 'unknown directive "bogus"';
    expect(await renewed(host)).toMatchObject({
      exit: 1,
      error: { code: "invalid-config", message: expect.stringContaining('unknown directive "bogus"') },
      results: ["a.test renewed"],
    });
  });

  test("an nginx that still serves the old certificate after the reload is an error", async () => {
    const { host, certbot } = await served({ name: "a.test", ...due });
    const old = certbot.loaded.get("a.test") ?? "";
    Object.assign(certbot.loaded, { get: () => old });
    expect(await renewed(host)).toMatchObject({
      exit: 1,
      error: {
        code: "not-served",
        message: expect.stringContaining("a.test (serial "),
        hint: ["systemctl", "reload", "nginx"],
      },
    });
  });

  test("without the hook, nginx is reloaded by the command itself", async () => {
    const { host } = await served({ name: "a.test", ...due });
    host.remove("/etc/letsencrypt/renewal-hooks/deploy/edox-ops-reload-nginx.sh");
    expect(await renewed(host)).toMatchObject({ exit: 0, results: ["a.test renewed"] });
    expect(host.ran).toContain("systemctl reload nginx");
  });

  test("a result of the hook from an earlier renewal does not count, and nginx is reloaded", async () => {
    const { host, certbot } = await served({ name: "a.test", ...due });
    const record = "/var/lib/edox-ops/renewals/a.test";
    host.put(record, `reloaded ${Math.floor(host.now() / 1000) - 3600}\n`);
    const before = host.text(record);
    // certbot runs no hooks with --no-directory-hooks in its cli.ini.
    certbot.before = () => {
      putLineage(host, { name: "a.test", from: "2027-01-15", to: "2027-04-15" });
      return ok();
    };
    expect(await renewed(host)).toMatchObject({ exit: 0, results: ["a.test renewed"] });
    expect([host.text(record), host.ran.includes("systemctl reload nginx")]).toEqual([before, true]);
  });

  test("a stopped nginx stays stopped", async () => {
    const { host } = await served({ name: "a.test", ...due });
    host.remove("/run/systemd/units/invocation:nginx.service");
    const ran = host.ran.length;
    expect(await renewed(host)).toMatchObject({
      exit: 0,
      warnings: [],
      results: ["a.test renewed"],
    });
    expect(host.ran.slice(ran).filter((line) => line.startsWith("systemctl"))).toEqual([]);
  });

  test("a success resets a failed certbot.service, and a failure does not", async () => {
    const { host, certbot } = await served({ name: "a.test", ...due });
    const reset = "systemctl reset-failed certbot.service";
    host.taught.unshift((argv) => {
      if (argv.join(" ") === reset) return ok();
      if (argv.at(-1) !== "certbot.service") return undefined;
      return ok("Id=certbot.service\nResult=exit-code\nExecMainExitTimestamp=Fri 2027-01-15 03:12:11 UTC\n");
    });
    certbot.refused.set("a.test", "refused");
    expect((await renewed(host)).exit).toBe(1);
    expect(host.ran).not.toContain(reset);
    certbot.refused.clear();
    expect((await renewed(host)).exit).toBe(0);
    expect(host.ran).toContain(reset);
  });

  test("without root, a dry run cannot see what is due", async () => {
    const host = fakeDebian({ uid: 1000 });
    addCertbot(host, [{ name: "a.test", ...due }]);
    host.hidden.add("/etc/letsencrypt/live");
    expect(await renewed(host, "--dry-run")).toMatchObject({ outcome: "unknown" });
    expect(await renewed(host)).toMatchObject({ exit: 2, error: { code: "not-root" } });
  });

  test("a dry run names the certificates that are due", async () => {
    const { host } = await served({ name: "a.test", ...due }, { name: "b.test" });
    const { exit, out } = await typed("certs renew --check --json", host);
    expect([exit, JSON.parse(out).steps[0].changes[0].reason]).toEqual([
      3,
      "to be renewed: a.test (16 % of its lifetime left)",
    ]);
    host.taught.unshift((argv) => (argv[0] === "certbot" ? ok() : undefined));
    expect((await typed("certs renew --check --name b.test", host)).exit).toBe(0);
  });
});
