// `project certs issue`, with a certbot in memory.

import { describe, expect, test } from "bun:test";
import { prepared, typed } from "../cli/typed.ts";
import { fakeDebian, type Like } from "../fake-debian.ts";
import type { FakeHost } from "../fake-host.ts";
import { issue } from "../sites/certificates.ts";
import { addAuthority } from "./fake-authority.ts";
import { putLineage } from "./lineage-files.ts";
import { logOf, lost, unvalidated } from "./recorded.ts";

const registered = prepared("bootstrap --yes", "project add demo --domain demo.test");
const line = "project certs issue demo --yes";
const live = "/etc/letsencrypt/live/demo.test";

async function hostWith(...names: string[]) {
  const host = await registered(fakeDebian());
  return { host, authority: addAuthority(host, ["demo.test", ...names]) };
}

const requests = (host: FakeHost): string[] => host.ran.filter((each) => each.startsWith("certbot certonly"));

describe("project certs issue", () => {
  test("obtains a certificate for a project that is not served, and requests none again", async () => {
    const { host } = await hostWith();
    const { exit, out, err } = await typed(line, host);
    expect([exit, err]).toEqual([0, ""]);
    expect(out).toEndWith(`Issued certificate for demo.test at ${live}\n`);
    expect(host.stat(`${live}/fullchain.pem`)).not.toBeNull();
    expect(host.text("/etc/nginx/conf.d/edox-ops-default.conf")).toContain("location ^~ /.well-known/acme-challenge/");
    expect(await typed(`${line} --check`, host)).toMatchObject({ exit: 0 });
    await typed(line, host);
    expect(requests(host)).toHaveLength(1);
  });

  test("installs certbot, its hook and its timer first", async () => {
    const { host } = await hostWith();
    const { out } = await typed("project certs issue demo --dry-run", host);
    const ids = [...out.matchAll(/^(?:ok|pending) +(\S+)/gm)].map(([, id]) => id);
    const before = ["certs.install", "certs.hook", "certs.timer", "certs.challenge"];
    expect(ids).toEqual([...before, "certs.issue", "certs.renew-before", "certs.site", "certs.load"]);
    expect(out).toContain(
      "run certbot certonly --webroot -w /var/lib/edox-ops/acme --cert-name demo.test -d demo.test ",
    );
    expect(host.stat("/var/lib/edox-ops/acme")).toBeNull();
  });

  test("--alias: the certificate covers the names, and then the record and the site have them", async () => {
    const { host } = await hostWith("www.demo.test");
    await typed(line, host);
    await typed("project init demo", host);
    for (const each of ["project update demo --tls", "project enable demo"]) {
      expect(await typed(each, host)).toMatchObject({ exit: 0 });
    }
    const { exit, out } = await typed(`${line} --alias www.demo.test`, host);
    expect([exit, out]).toEqual([0, expect.stringMatching(/changed +certs\.issue[\s\S]*changed +certs\.site/)]);
    expect(requests(host)[1]).toContain("-d demo.test -d www.demo.test ");
    expect(host.text("/etc/nginx/sites-available/edox-ops-demo")).toContain("server_name demo.test www.demo.test;");
    expect(await typed(`${line} --check`, host)).toMatchObject({ exit: 0 });
  });

  test("--domain: the site changes its domain once there is a certificate for it, and keeps the former name as an alias", async () => {
    const { host } = await hostWith("new.test");
    await typed(line, host);
    await typed("project init demo", host);
    for (const each of ["project update demo --tls", "project enable demo"]) await typed(each, host);
    const change = `${line} --domain new.test --alias demo.test`;
    const { exit, out } = await typed(change, host);
    expect([exit, out]).toEqual([0, expect.stringMatching(/changed +certs\.issue[\s\S]*changed +certs\.site/)]);
    expect(out).toEndWith("Issued certificate for new.test at /etc/letsencrypt/live/new.test\n");
    expect(requests(host)[1]).toContain("--cert-name new.test -d new.test -d demo.test ");
    const site = host.text("/etc/nginx/sites-available/edox-ops-demo");
    expect(site).toContain("server_name new.test demo.test;");
    expect(site).toContain("ssl_certificate /etc/letsencrypt/live/new.test/fullchain.pem;");
    expect((await typed("project show demo", host)).out).toContain("\ndomain: new.test\n");
    expect(await typed(`${change} --check`, host)).toMatchObject({ exit: 0 });
  });

  test("--domain: without a certificate neither the record nor the site changes", async () => {
    const { host } = await hostWith();
    await typed(line, host);
    await typed("project init demo", host);
    for (const each of ["project update demo --tls", "project enable demo"]) await typed(each, host);
    const before = [host.text("/etc/edox-ops/projects.json"), host.text("/etc/nginx/sites-available/edox-ops-demo")];
    expect((await typed(`${line} --domain new.test`, host)).exit).toBe(1);
    expect([host.text("/etc/edox-ops/projects.json"), host.text("/etc/nginx/sites-available/edox-ops-demo")]).toEqual(
      before,
    );
  });

  test("an update with names that the certificate does not cover has the command that obtains it as its hint", async () => {
    const { host } = await hostWith("www.demo.test");
    await typed(line, host);
    await typed("project init demo", host);
    for (const each of ["project update demo --tls", "project enable demo"]) await typed(each, host);
    const alias = "project update demo --alias www.demo.test";
    const hint = "project certs issue demo --alias www.demo.test --yes";
    expect(await typed(alias, host)).toMatchObject({
      exit: 1,
      err: expect.stringContaining(`hint: edox-ops ${hint}\n`),
    });
    expect(await typed(hint, host)).toMatchObject({ exit: 0 });
    expect(await typed(alias, host)).toMatchObject({ exit: 0 });
    expect((await typed("project update demo --domain www.test", host)).err).toEndWith(
      "hint: edox-ops project certs issue demo --domain www.test --yes\n",
    );
  });

  test("a site that has not loaded its certificate is reloaded", async () => {
    const { host } = await hostWith();
    await typed(line, host);
    await typed("project init demo", host);
    await typed("project update demo --tls", host);
    await typed("project enable demo", host);
    putLineage(host, { name: "demo.test", server: "https://acme-v02.api.letsencrypt.org/directory" });
    expect((await typed(line, host)).out).toMatch(/changed +certs\.load/);
  });

  test("replaces a certificate of the test authority, an expired one, and one with another key", async () => {
    const { host } = await hostWith();
    await typed(`${line} --staging`, host);
    expect(requests(host)[0]).toEndWith("--staging");
    await typed(line, host);
    expect(requests(host)[1]).toContain("--force-renewal");
    expect(requests(host)[1]).not.toContain("--staging");
    await typed(`${line} --key-type rsa --no-preflight`, host);
    expect(requests(host)[2]).toEndWith("--key-type rsa");
    const expired = { name: "demo.test", from: "2026-09-01", to: "2026-12-01" };
    putLineage(host, { ...expired, server: "https://ca.test/dir" });
    await typed(line, host);
    expect(requests(host)[3]).toEndWith("--server https://ca.test/dir");
  });

  test("--staging never replaces a certificate of another authority: certbot would refuse it", async () => {
    const { host } = await hostWith("www.demo.test");
    await typed(line, host);
    expect(await typed(`${line} --alias www.demo.test --staging`, host)).toMatchObject({
      exit: 1,
      err: expect.stringMatching(
        /--staging does not replace it\nhint: edox-ops project certs issue demo --yes --alias www\.demo\.test\n$/,
      ),
    });
    expect(requests(host)).toHaveLength(1);
  });

  test("another program on port 80 is named before a stopped nginx is started, also with a certificate", async () => {
    const { host } = await hostWith();
    await typed(line, host);
    for (const path of ["/run/systemd/units/invocation:nginx.service", "/run/nginx.pid"]) host.nodes.delete(path);
    host.put("/proc/net/tcp", "  sl  local_address\n   0: 00000000:0050 00000000:0000 0A 0:0 0:0 0 0 0 4711 1\n");
    host.link("/proc/77/fd/3", "socket:[4711]");
    host.put("/proc/77/comm", "python3\n");
    await typed("project init demo", host);
    for (const each of [line, "project enable demo"]) {
      const { exit, err } = await typed(each, host);
      expect([each, exit, err]).toEqual([each, 1, expect.stringContaining("port 80 is taken by python3 (pid 77)")]);
    }
  });

  test("obtains a certificate whose files are gone, although nginx refuses the site without them", async () => {
    const { host } = await hostWith();
    await typed(line, host);
    await typed("project init demo", host);
    for (const each of ["project update demo --tls", "project enable demo"]) await typed(each, host);
    for (const path of [...host.nodes.keys()]) {
      if (/^\/etc\/letsencrypt\/(?:live|archive|renewal)\/demo/.test(path)) host.nodes.delete(path);
    }
    host.nodes.delete("/run/nginx.pid");
    host.taught.unshift((argv) => {
      const isSecure = host.text("/etc/nginx/sites-available/edox-ops-demo")?.includes("ssl_certificate ") === true;
      const isBroken = argv[0] === "nginx" && isSecure && host.statTarget(`${live}/fullchain.pem`) === null;
      const stderr = `nginx: [emerg] cannot load certificate "${live}/fullchain.pem": BIO_new_file() failed\n`;
      return isBroken ? { code: 1, stdout: "", stderr } : undefined;
    });
    const { exit, err } = await typed(line, host);
    expect([exit, err]).toEqual([0, ""]);
    expect(host.text("/etc/nginx/sites-available/edox-ops-demo")).toContain("ssl_certificate ");
  });

  test("a failed request changes nothing else, and is explained", async () => {
    const { host, authority } = await hostWith();
    await typed("certs setup-auto-renew --yes", host);
    const before = host.listing("/etc/");
    authority.refusal = { code: 1, ...unvalidated(["demo.test", "caa", "CAA record prevents issuance"]) };
    const { exit, err } = await typed(line, host);
    expect(exit).toBe(1);
    expect(err).toContain("the CAA record of demo.test does not allow this certificate authority");
    expect(err).toContain(`hint: edox-ops ${line}\n`);
    expect(host.listing("/etc/")).toEqual(before);
    authority.refusal = { code: 1, ...lost };
    const detail = "too many, retry after 2027-01-16 00:00:00 UTC";
    host.put(
      "/var/log/letsencrypt/letsencrypt.log",
      logOf(429, { type: "urn:ietf:params:acme:error:rateLimited", detail }),
    );
    expect((await typed(line, host)).err).toContain("accepts no more requests before 2027-01-16 00:00:00 UTC");
  });

  test("a certbot that issues for other names than asked is an error", async () => {
    const { host } = await hostWith();
    await typed("certs setup-auto-renew --yes", host);
    host.taught.unshift((argv) => {
      if (argv[1] !== "certonly") return undefined;
      putLineage(host, { name: "demo.test", names: ["other.test"] });
      return { code: 0, stdout: "", stderr: "" };
    });
    expect(await typed(line, host)).toMatchObject({
      exit: 1,
      err: expect.stringContaining("after applying all changes"),
    });
  });

  test("a signal that ends certbot is reported, and not the error that certbot ends with", async () => {
    const { host, authority } = await hostWith();
    await typed("certs setup-auto-renew --yes", host);
    host.taught.unshift((argv) => {
      if (argv[1] !== "certonly") return undefined;
      host.signal = { name: "SIGTERM", number: 15 };
      return { code: 1, stdout: "", stderr: "Exiting due to user request.\n" };
    });
    const { exit, err } = await typed(line, host);
    expect([exit, err]).toEqual([143, expect.stringContaining("SIGTERM")]);
    expect(err).not.toContain("certbot failed");
    expect(authority.tokens).toHaveLength(1);
  });

  test("another certbot is named after the wait", async () => {
    const { host } = await hostWith();
    await typed("certs setup-auto-renew --yes", host);
    host.locks.set("/etc/letsencrypt/.certbot.lock", { pid: 7, command: "certbot renew", sinceMs: 0 });
    const { exit, err } = await typed(line, host);
    expect([exit, err]).toEqual([1, expect.stringContaining("another certbot is running: certbot renew (pid 7)")]);
  });
});

describe("project certs issue: a certificate that certbot does not manage", () => {
  const foreign = `${live} has a certificate that certbot does not manage:`;

  test("is not replaced, and the hint uses it", async () => {
    const { host } = await hostWith();
    const { certificate, key } = issue({
      subject: "demo.test",
      names: "DNS:demo.test",
      from: "2027-01-01",
      to: "2027-04-01",
    });
    host.put(`${live}/fullchain.pem`, certificate);
    host.put(`${live}/privkey.pem`, key, { mode: 0o600 });
    const { exit, err } = await typed(line, host);
    expect([exit, requests(host)]).toEqual([1, []]);
    expect(err).toContain(`${foreign} use it, or move it away\nhint: edox-ops project update demo --tls\n`);
  });

  test("is moved away where browsers would refuse it", async () => {
    const { host } = await hostWith();
    host.put(`${live}/fullchain.pem`, "mine");
    const { exit, err } = await typed(line, host);
    expect([exit, requests(host)]).toEqual([1, []]);
    expect(err).toContain(`${foreign} move it away\nhint: mv ${live} ${live}.old\n`);
  });

  test("a left archive is moved away, and a damaged lineage deleted, so that no DOMAIN-0001 arises", async () => {
    const { host } = await hostWith();
    host.put("/etc/letsencrypt/archive/demo.test/cert1.pem", "old");
    expect((await typed(line, host)).err).toContain(
      "hint: mv /etc/letsencrypt/archive/demo.test /etc/letsencrypt/archive/demo.test.old\n",
    );
    putLineage(host, { name: "demo.test" });
    host.remove("/etc/letsencrypt/archive/demo.test/fullchain1.pem");
    const { exit, err } = await typed(line, host);
    expect([exit, requests(host)]).toEqual([1, []]);
    expect(err).toContain("certbot cannot use its certificate demo.test: ");
    expect(err).toContain("hint: certbot delete --cert-name demo.test --non-interactive\n");
  });

  test.each([
    ["its configuration alone", []],
    ["links without files", ["live"]],
    ["a certificate without a configuration", ["live", "archive"]],
  ] as const)("that a killed certbot left unfinished is replaced: %s", async (_, kept) => {
    const { host } = await hostWith();
    putLineage(host, { name: "demo.test" });
    host.put("/etc/letsencrypt/renewal/demo.test.conf", "");
    for (const path of ["/etc/letsencrypt/live/demo.test", "/etc/letsencrypt/archive/demo.test"]) {
      const isKept = kept.some((each) => path.includes(`/${each}/`));
      if (!isKept) for (const each of host.list(path) ?? []) host.remove(`${path}/${each}`);
    }
    expect(await typed(line, host)).toMatchObject({ exit: 0, err: "" });
    expect(host.ran).toContain(
      "rm -rf /etc/letsencrypt/live/demo.test /etc/letsencrypt/archive/demo.test /etc/letsencrypt/renewal/demo.test.conf",
    );
    expect(requests(host)).toHaveLength(1);
  });

  test("that the site is served with is kept, though its configuration is empty", async () => {
    const { host } = await hostWith();
    for (const words of [line, "project init demo", "project update demo --tls", "project enable demo"]) {
      expect(await typed(words, host)).toMatchObject({ exit: 0 });
    }
    host.put("/etc/letsencrypt/renewal/demo.test.conf", "");
    const { exit, err } = await typed(line, host);
    expect([exit, host.ran.filter((each) => each.startsWith("rm "))]).toEqual([1, []]);
    expect(err).toContain(
      "hint: mv /etc/letsencrypt/renewal/demo.test.conf /etc/letsencrypt/renewal/demo.test.conf.old\n",
    );
  });
});

test("project certs issue: a name that the new certificate does not cover any more is reported", async () => {
  const { host } = await hostWith();
  putLineage(host, { name: "demo.test", names: ["demo.test", "mail.demo.test"] });
  const warning =
    "warning: the new certificate of demo.test does not cover mail.demo.test any more: --alias keeps a name";
  const planned = await typed("project certs issue demo --dry-run", host);
  expect(planned.out + planned.err).toContain(warning);
  const { exit, out, err } = await typed(line, host);
  expect([exit, (out + err).split(warning).length]).toEqual([0, 2]);
});

describe("project certs issue: the command line", () => {
  test.each([
    ["--email nobody", "--email 'nobody' is not an e-mail address"],
    ["--server http://ca.test/dir", "--server is not an https URL"],
    ["--server https://me:secret@ca.test/dir", "--server has a password"],
    ["--server https://ca.test/dir --staging", "--server and --staging cannot be used together"],
    ["--key-type dsa", "--key-type 'dsa' is neither ecdsa nor rsa"],
    ["--profile -x", "--profile"],
    ["--email me@on.test,you@on.test", "is not an e-mail address"],
    ["--email me\u001b[31m@on.test", "is not an e-mail address"],
    ["--server file:///etc/passwd", "--server is not an https URL"],
    ["--server https:ca.test/dir", "--server is not an https URL"],
    ["--server https://ca.test\\@other.test/dir", "--server is not an https URL"],
    ["--server https://ca.test/\u001b[31m", "--server is not an https URL"],
    ["--server https://ca.test/dir\nserver=https://other.test/dir", "--server is not an https URL"],
    ["--server https://ca.test/%(home)s", "--server is not an https URL"],
    ["--server --force-renewal", "--server"],
    ["--alias -d", "--alias"],
  ])("refuses %j", async (flags, message) => {
    const { host } = await hostWith();
    const { exit, err } = await typed(`${line} ${flags}`, host);
    expect([exit, requests(host)]).toEqual([2, []]);
    expect(err).toContain(message);
    expect(err.split("hint:")[0]).not.toContain("secret");
  });

  test("--profile needs certbot 4.0, and the installed version is named", async () => {
    const { host } = await hostWith();
    await typed("certs setup-auto-renew --yes", host);
    const { exit, err } = await typed(`${line} --profile shortlived`, host);
    expect([exit, requests(host)]).toEqual([1, []]);
    expect(err).toContain("--profile shortlived needs certbot 4.0 or later, and this host has 1");
    expect(err).toContain(`hint: edox-ops ${line}\n`);
  });

  test("an address instead of a name is refused before a request", async () => {
    const { host } = await hostWith();
    await typed("project add numbers --domain 10.1.1.1", host);
    const { exit, err } = await typed("project certs issue numbers --yes", host);
    expect([exit, requests(host)]).toEqual([1, []]);
    expect(err).toContain("10.1.1.1 is an address, and certificates are obtained for names only");
  });

  test("it needs root, --yes, a registered project and nginx", async () => {
    const { host } = await hostWith();
    expect(await typed("project certs issue demo", host)).toMatchObject({ exit: 2 });
    const unknown = await typed("project certs issue none --yes", host);
    expect([unknown.exit, unknown.err]).toEqual([1, expect.stringContaining("error: project none is not registered")]);
    const like: Like = { uid: 1000 };
    const { exit, err } = await typed(line, fakeDebian(like));
    expect([exit, err]).toEqual([2, expect.stringContaining(`hint: sudo edox-ops ${line}`)]);
    const bare = fakeDebian();
    await typed("project add demo --domain demo.test", bare);
    expect((await typed(line, bare)).err).toContain("nginx is not set up");
  });
});

test("project remove, disable and update --no-tls: the certificate stays, and remove prints how to delete it", async () => {
  const { host } = await hostWith();
  for (const each of [line, "project init demo", "project update demo --tls", "project enable demo"]) {
    expect(await typed(each, host)).toMatchObject({ exit: 0 });
  }
  const lineage = host.listing("/etc/letsencrypt");
  for (const each of ["project update demo --no-tls", "project disable demo", "project remove demo"]) {
    expect(await typed(each, host)).toMatchObject({ exit: 0 });
    expect(host.listing("/etc/letsencrypt")).toEqual(lineage);
  }
  await typed("project add demo --domain demo.test", host);
  const note =
    "Left the certificate of demo.test, which certbot renews; to delete it: sudo certbot delete --cert-name demo.test";
  expect((await typed("project remove demo", host)).out).toContain(`${note}\n`);
});

test("project certs issue: replaces a certificate that does not match its key", async () => {
  const { host } = await hostWith();
  await typed(line, host);
  const other = putLineage(host, { name: "other.test" });
  host.put("/etc/letsencrypt/archive/demo.test/privkey1.pem", other.key);
  expect(await typed(line, host)).toMatchObject({ exit: 0 });
  expect(requests(host)[1]).toContain("--force-renewal");
});

test("project certs issue: a wildcard that certbot obtains by the DNS is kept", async () => {
  const { host } = await hostWith();
  putLineage(host, { name: "demo.test", names: ["demo.test", "*.demo.test"], authenticator: "dns-rfc2136" });
  expect(await typed(line, host)).toMatchObject({ exit: 0 });
  expect(requests(host)).toEqual([]);
});
