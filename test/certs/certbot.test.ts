// The command lines of certbot, and the explanations of what certbot 2.1 and 4.0 report.

import { describe, expect, test } from "bun:test";
import { certbotCommand, issueArgv } from "../../src/certs/certbot.ts";
import { certbotLog } from "../../src/certs/certbot-log.ts";
import { certbotFree } from "../../src/certs/certbot-run.ts";
import { certbotProblem } from "../../src/certs/errors/certbot.ts";
import { shellLine } from "../../src/text/lines.ts";
import { type FakeHost, fakeHost } from "../fake-host.ts";
import {
  badEmail,
  locked,
  logOf,
  lost,
  noProfiles,
  refused,
  unreachable,
  unregistered,
  unvalidated,
} from "./recorded.ts";

const again = "sudo edox-ops project certs issue on --email me@on.test --yes".split(" ");
const asked = { domain: "on.test", aliases: [], webroot: "/var/lib/edox-ops/acme" };

/** Returns a host whose nginx runs. */
function nginxHost(): FakeHost {
  const host = fakeHost();
  host.link("/run/systemd/units/invocation:nginx.service", "one");
  return host;
}

/** Returns code, message and hint of the problem. */
function explain(output: { stdout: string; stderr: string }, log = "", server?: string, host = nginxHost()) {
  if (log !== "") host.put(certbotLog, log);
  const { code, message, hint = [] } = certbotProblem(host, { code: 1, ...output }, { again, server });
  return { code, message, hint: shellLine(hint) };
}

const urn = (type: string, detail: string) => ({ type: `urn:ietf:params:acme:error:${type}`, detail, status: 403 });
const tooMany =
  "too many certificates (5) already issued for this exact set of identifiers in the last 168h0m0s, retry after 2026-12-01 03:04:05 UTC: see https://letsencrypt.org/docs/rate-limits/";

describe("certbot: the command line", () => {
  test("names the lineage, every name, the webroot, and answers each question", () => {
    expect(shellLine(issueArgv({ ...asked, aliases: ["www.on.test"] }))).toBe(
      "certbot certonly --webroot -w /var/lib/edox-ops/acme --cert-name on.test -d on.test -d www.on.test --non-interactive --agree-tos --no-eff-email --renew-with-new-domains --keep-until-expiring --register-unsafely-without-email",
    );
  });

  test("passes on the e-mail address, the server, the key type and the profile", () => {
    const line = (more: object): string =>
      shellLine(issueArgv({ ...asked, ...more })).split("--keep-until-expiring ")[1] ?? "";
    expect(line({ email: "me@on.test", server: "https://ca.test/dir" })).toBe(
      "--email me@on.test --server https://ca.test/dir",
    );
    expect(line({ server: "staging" })).toBe("--register-unsafely-without-email --staging");
    expect(line({ keyType: "rsa", profile: "shortlived" })).toBe(
      "--register-unsafely-without-email --key-type rsa --required-profile shortlived",
    );
    expect(line({ account: "1f2e" })).toBe("--register-unsafely-without-email --account 1f2e");
    expect(issueArgv({ ...asked, forced: true })).toContain("--force-renewal");
  });
});

describe("certbot: a name that is not validated", () => {
  test.each([
    [
      "nx.test",
      "dns",
      "DNS problem: NXDOMAIN looking up A for nx.test - check that a DNS record exists for this domain",
      "unreachable",
      "the certificate authority finds no address of nx.test",
    ],
    [
      "nx.test",
      "connection",
      'Get "http://nx.test:80/.well-known/acme-challenge/Kw": could not resolve URL "http://nx.test:80/"',
      "unreachable",
      "the certificate authority finds no address of nx.test",
    ],
    [
      "a.test",
      "connection",
      "203.0.113.5: Fetching http://a.test/.well-known/acme-challenge/x: Timeout during connect (likely firewall problem)",
      "unreachable",
      "the certificate authority cannot reach a.test on port 80",
    ],
    [
      "six.test",
      "connection",
      'Get "http://six.test:80/.well-known/acme-challenge/Qj": dial tcp [fd00::99]:80: connect: network is unreachable',
      "unreachable",
      "the certificate authority cannot reach six.test on port 80",
    ],
    [
      "off.test",
      "unauthorized",
      "Non-200 status code from HTTP: http://off.test:80/.well-known/acme-challenge/ov returned 404",
      "not-served",
      "another server than this nginx answers for off.test, with status 404",
    ],
    [
      "off.test",
      "unauthorized",
      "203.0.113.5: Invalid response from http://off.test/.well-known/acme-challenge/ov: 403",
      "not-served",
      "another server than this nginx answers for off.test, with status 403",
    ],
    [
      "wrong.test",
      "unauthorized",
      'The key authorization file from the server did not match this challenge "Yx.vn" != "hello"',
      "not-served",
      "wrong.test answers the challenge with another text",
    ],
    [
      "a.test",
      "caa",
      "CAA record for a.test prevents issuance",
      "precondition-failed",
      "the CAA record of a.test does not allow this certificate authority",
    ],
    ["a.test", "serverInternal", "internal", "unexpected-response", "a.test was not validated (serverInternal)"],
  ])("%s, %s is explained: %s", (name, type, detail, code, message) => {
    const found = explain(unvalidated([name, type, detail]));
    expect([found.code as string, found.message]).toEqual([
      code,
      `${message}${message.endsWith("80") ? " (firewall, or an address of another host)" : ""}: ${detail}`,
    ]);
    expect(found.hint).not.toBe("");
  });

  test("a stopped nginx, or another program on port 80, is the cause where the authority gets no response from it", () => {
    const host = fakeHost();
    const refusedAt = unvalidated(["a.test", "connection", "203.0.113.5: Fetching http://a.test/: Connection refused"]);
    expect(explain(refusedAt, "", undefined, host)).toEqual({
      code: "not-served",
      message: "nginx is not running",
      hint: "sudo systemctl start nginx",
    });
    host.put("/proc/net/tcp", "  sl  local_address\n   0: 00000000:0050 00000000:0000 0A 0:0 0:0 0 0 0 4711 1\n");
    host.link("/proc/77/fd/3", "socket:[4711]");
    host.put("/proc/77/comm", "python3\n");
    const elsewhere = unvalidated([
      "a.test",
      "unauthorized",
      "Non-200 status code from HTTP: http://a.test:80/ returned 404",
    ]);
    expect(explain(elsewhere, "", undefined, host)).toEqual({
      code: "conflict",
      message: "port 80 is taken by python3 (pid 77), which nginx needs",
      hint: "sudo ss -ltnp sport = :80",
    });
    expect(explain(unvalidated(["a.test", "caa", "no"]), "", undefined, host).message).toStartWith("the CAA record");
  });

  test("the first of several is explained, and the others are named", () => {
    const one: [string, string, string] = ["a.test", "caa", "no"];
    expect(explain(unvalidated(one, ["b.test", "dns", "none"])).message).toEndWith(": no; b.test failed too");
  });
});

describe("certbot: an error of the certificate authority", () => {
  test("is read from the log where certbot 2.1 loses it, with the time of the next attempt", () => {
    expect(explain(lost, logOf(429, urn("rateLimited", tooMany), "Retry-After: 3600\n"))).toEqual({
      code: "limit-exceeded",
      message: `the certificate authority accepts no more requests before 2026-12-01 03:04:05 UTC: ${tooMany}`,
      hint: shellLine(again),
    });
    const busy = logOf(429, urn("rateLimited", "Service busy"), "Retry-After: 3600\n");
    expect(explain(lost, busy).message).toBe(
      "the certificate authority accepts no more requests for 60 min: Service busy",
    );
  });

  test("of an earlier run is not taken for one of this run", () => {
    const log = `${logOf(429, urn("rateLimited", tooMany))}2026-11-29 06:00:00,000:DEBUG:certbot._internal.main:certbot version: 2.1.0\n`;
    expect(explain(refused(unreachable.refused), log).message).toContain("connection refused");
  });

  test("of an earlier run is not reported for a certbot that wrote no log, or could not", () => {
    const log = logOf(429, urn("rateLimited", tooMany));
    expect(explain({ stdout: "", stderr: "ImportError: no module named acme\n" }, log).message).toBe(
      "certbot failed: ImportError: no module named acme",
    );
    expect(explain(refused("OSError: [Errno 28] No space left on device\n"), log).message).toBe(
      "certbot failed: OSError: [Errno 28] No space left on device",
    );
  });

  test("is one short line for any text of an authority", () => {
    const messages = [
      explain(lost, logOf(400, urn("malformed", `\u001b[31mred\nnext\u202e${"a".repeat(1_000_000)}`))),
      explain(lost, logOf(400, urn("malformed", '\\"'.repeat(300_000)))),
      explain(lost, logOf(429, urn("rateLimited", "busy"), `Retry-After: \u001b[2J${"x".repeat(100_000)}\n`)),
      explain(lost, logOf(429, urn("rateLimited", "busy"), `Retry-After: ${"9".repeat(40)}\n`)),
      explain(lost, logOf(400, urn("z".repeat(40), "busy"))),
      explain(unvalidated([`a\u001b[1m${"b".repeat(5000)}`, `x\u001b[2J${"y".repeat(5000)}`, "d"])),
      explain(unvalidated(["a.test", "dns", "d"], [`b\u001b[1m${"b".repeat(5000)}`, "dns", "d"])),
    ].map(({ message }) => message);
    for (const message of messages) {
      expect(message).not.toMatch(/\p{Cc}/u);
      expect(message.length).toBeLessThan(1000);
    }
    expect(messages[0]).toStartWith("the certificate authority refused the request (malformed): red next");
  });

  test("is read where the status precedes the detail", () => {
    const document = { type: "urn:ietf:params:acme:error:caa", status: 403, detail: "CAA record forbids" };
    expect(explain(lost, logOf(403, document)).message).toBe(
      "a CAA record does not allow this certificate authority: CAA record forbids",
    );
  });

  test.each([
    [
      "rejectedIdentifier",
      'Cannot issue for "on.test": not a public suffix',
      "invalid-value",
      "issues no certificate for this name",
      shellLine(again),
    ],
    [
      "caa",
      "CAA record for on.test prevents issuance",
      "precondition-failed",
      "a CAA record does not allow",
      shellLine(again),
    ],
    [
      "serverInternal",
      "Service busy; retry later.",
      "unexpected-response",
      "reports an internal error: try again later",
      shellLine(again),
    ],
    [
      "invalidProfile",
      'profile "nosuch" not recognized',
      "invalid-value",
      "does not offer this profile",
      shellLine(again),
    ],
    [
      "userActionRequired",
      "Terms of service have changed",
      "precondition-failed",
      "terms of service",
      shellLine(again),
    ],
    [
      "invalidContact",
      "contact email has invalid domain",
      "invalid-value",
      "e-mail address",
      "sudo edox-ops project certs issue on --yes",
    ],
    ["unknownOne", "what", "unexpected-response", "refused the request (unknownOne)", shellLine(again)],
  ])("%s is explained", (type, detail, code, message, hint) => {
    const found = explain(lost, logOf(403, urn(type, detail)));
    expect(found).toMatchObject({ code, hint });
    expect(found.message).toContain(message);
    expect(found.message).toEndWith(`: ${detail}`);
  });

  test("an account that its operator creates: the hint registers it", () => {
    const detail = "newAccount requires external account binding";
    const output = { stdout: "", stderr: unregistered(detail) };
    const { hint } = explain(output, logOf(403, urn("externalAccountRequired", detail)), "https://ca.test/dir");
    expect(hint).toBe(
      "sudo certbot register --server https://ca.test/dir --agree-tos --eab-kid KEY_ID --eab-hmac-key KEY",
    );
  });
});

describe("certbot: a certificate authority that cannot be reached", () => {
  const url = "https://ca.test/dir";
  test.each([
    ["refused", "connection refused", `curl -sSI ${url}`],
    ["unknownName", "its name is not known", `curl -sSI ${url}`],
    ["unknownNameTrixie", "its name is not known", `curl -sSI ${url}`],
    ["otherName", "its certificate is for another name", `curl -sSI ${url}`],
    ["otherNameTrixie", "its certificate is for another name", `curl -sSI ${url}`],
    ["untrusted", "this host does not trust its certificate", "sudo update-ca-certificates"],
    ["expired", "is the clock right?", "timedatectl"],
    ["garbage", "it does not answer as one", `curl -sSI ${url}`],
    ["down", "it answers with status 503", `curl -sSI ${url}`],
    ["noNonce", "it does not answer as one", `curl -sSI ${url}`],
  ] as const)("%s is reported: %s", (kind, message, hint) => {
    const found = explain(refused(unreachable[kind]), "", url);
    expect(found.message).toContain(url);
    expect(found.message).toContain(message);
    expect(found.hint).toBe(hint);
  });
});

describe("certbot: its own faults", () => {
  test("a profile that this version does not know, an invalid e-mail address, another certbot", () => {
    const output = { code: 2, stdout: "", stderr: noProfiles };
    const withProfile = { again: [...again, "--profile", "shortlived"] };
    expect(certbotProblem(fakeHost(), output, withProfile).hint).toEqual(again);
    expect(explain({ stdout: "", stderr: badEmail })).toEqual({
      code: "invalid-value",
      message: "the certificate authority does not accept the e-mail address nonsense",
      hint: "sudo edox-ops project certs issue on --yes",
    });
    expect(explain({ stdout: "", stderr: locked })).toMatchObject({ code: "locked" });
  });

  test("anything else is one line, and the hint shows the log", () => {
    const found = explain(refused(`An unexpected error occurred:\n${"Traceback\n".repeat(500)}KeyError: 'x'\n`));
    expect(found.message).toBe("certbot failed: KeyError: 'x'");
    expect(found.hint).toBe(`sudo tail -n 50 ${certbotLog}`);
    const { stderr } = certbotProblem(fakeHost(), { code: 1, ...refused("x\n".repeat(500)) }, { again });
    expect(stderr.split("\n").length).toBeLessThanOrEqual(5);
  });

  test("a signal is passed on to certbot, and another certbot is waited for and named", async () => {
    expect(certbotCommand(issueArgv(asked), "none", { again })).toMatchObject({ endsInOrder: true });
    const host = fakeHost();
    expect(await certbotFree.check(host, () => {})).toBeNull();
    host.locks.set("/etc/letsencrypt/.certbot.lock", {
      pid: 7,
      command: "/usr/bin/python3 /usr/bin/certbot renew",
      sinceMs: 0,
    });
    expect(await certbotFree.check(host, () => {})).toEqual({
      reason: "another certbot is running: /usr/bin/python3 /usr/bin/certbot renew (pid 7)",
      hint: ["ps", "-fp", "7"],
      code: "locked",
    });
    expect(certbotFree.waitMs).toBe(600_000);
  });
});
