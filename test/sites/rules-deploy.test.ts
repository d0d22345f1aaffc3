// Deploys of sites with rules: what nginx gets before the tree is live, and what a failure restores.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { SiteHost } from "./site-host.ts";

const dir = "/etc/nginx/edox-ops-rules";
const [maps, server] = [`${dir}/live.maps`, `${dir}/live.server`];
const vhost = "/etc/nginx/sites-available/edox-ops-live";
let site: SiteHost;
beforeEach(async () => {
  site = await SiteHost.bootstrapped();
});
afterEach(() => site[Symbol.dispose]());

/** Writes the rules of the source. */
function rules(redirects: string | null, headers: string | null = null): void {
  for (const [name, text] of [
    ["_redirects", redirects],
    ["_headers", headers],
  ] as const) {
    if (site.disk.host.stat(`/srv/site/${name}`) !== null) site.disk.remove(`/srv/site/${name}`);
    if (text !== null) site.disk.write(`/srv/site/${name}`, text);
  }
}

const publish = (flags = "") => site.type(`project publish live --domain live.example.org --source /srv/site ${flags}`);
const deploy = (flags = "") => site.type(`project deploy live --source /srv/site ${flags}`);
const fine = { exit: 0, err: "" };

test("rules: a new site is published with its rules in one command, and doctor finds no drift", async () => {
  rules("/old /new\n/blog/* /news/:splat 302\n", "/*\n  X-Robots-Tag: noindex\n");
  const { exit, err, out } = await publish();
  expect([exit, err]).toEqual([0, ""]);
  expect(out).toContain("2 redirects, 1 path with headers\n");
  expect(site.fake.text(maps)).toContain("|/old|301 /new|");
  expect(site.fake.text(server)).toContain('add_header X-Robots-Tag "$edox_ops_header_0__live" always;');
  expect(site.fake.text(vhost)).toContain(`include ${server};`);
  // The fake curl answers no request for several sites at once.
  expect((await site.type("project validate live")).err).not.toContain("drift");
});

test("rules: a deploy loads them before its tree is live, requests each once, and reports their number as JSON", async () => {
  expect(await publish()).toMatchObject(fine);
  expect(site.fake.text(vhost)).not.toContain("edox-ops-rules");
  rules("/old /\n/older /old\n");
  const { exit, out, err } = await deploy("--json");
  expect([exit, err]).toEqual([0, ""]);
  expect(JSON.parse(out).deploy.rules).toEqual({ redirects: 2, headers: 0 });
  expect(site.rules.requests).toBe(2);
  expect(site.fake.text(vhost)).toContain(`include ${maps};`);
  const log = site.fake.text("/var/log/edox-ops/project.log") ?? "";
  expect(log).toContain("project.rules");
});

test("rules: a publication of a site without rules activates its first ones, and removes the last ones", async () => {
  expect(await publish()).toMatchObject(fine);
  const before = site.fake.text(vhost);
  rules("/old /\n");
  expect(await publish("--csp strict")).toMatchObject(fine);
  expect(site.fake.text(vhost)).toContain(`include ${maps};`);
  expect(site.fake.text(maps)).toContain("|/old|301 /|");
  rules(null);
  expect(await publish("--csp default")).toMatchObject(fine);
  expect(site.fake.text(vhost)).toBe(before);
});

test("rules: a site that lost its rules is the same as before them", async () => {
  expect(await publish()).toMatchObject(fine);
  const before = site.fake.text(vhost);
  rules("/old /\n");
  expect(await deploy()).toMatchObject(fine);
  expect(site.fake.text(vhost)).not.toBe(before);
  rules(null);
  expect(await deploy()).toMatchObject(fine);
  expect(site.fake.text(vhost)).toBe(before);
  expect([site.fake.text(maps), site.fake.text(server)]).toEqual([null, null]);
});

test("rules: a site with the longest slug has some, and nginx has room for their variables while a site has rules", async () => {
  const limits = "/etc/nginx/conf.d/edox-ops-limits.conf";
  const slug = `${"a-".repeat(31)}aa`;
  const first = site.fake.text(limits);
  expect(first).not.toContain("variables_hash");
  rules("/old /\n/blog/* /news/:splat 301!\n", "/*\n  X-A: b\n");
  const line = (word: string) => `project ${word} ${slug} --domain long.example.org --source /srv/site`;
  expect(await site.type(line("publish"))).toMatchObject(fine);
  expect(site.fake.text(limits)).toBe(
    `${first}`.replace(
      "\nlimit_req_zone",
      "\n# Room for the variables of redirects and headers.\nvariables_hash_bucket_size 512;\nvariables_hash_max_size 16384;\n\nlimit_req_zone",
    ),
  );
  expect((await site.type("doctor")).out).toContain("[OK] nginx:limits");
  rules(null);
  expect(await site.type(`project deploy ${slug} --source /srv/site`)).toMatchObject(fine);
  expect(site.fake.text(limits)).toBe(first);
  rules("/old /\n");
  expect(await site.type(`project deploy ${slug} --source /srv/site`)).toMatchObject(fine);
  expect(site.fake.text(limits)).not.toBe(first);
  expect(await site.type(`project remove ${slug} --yes`)).toMatchObject(fine);
  expect(site.fake.text(limits)).toBe(first);
});

test("rules: nginx's table of variables is not set twice where a foreign file sets it", async () => {
  site.fake.put("/etc/nginx/conf.d/theirs.conf", "variables_hash_max_size 2048;\n");
  rules("/old /\n");
  expect(await publish()).toMatchObject(fine);
  const limits = site.fake.text("/etc/nginx/conf.d/edox-ops-limits.conf");
  expect(limits).toContain("variables_hash_bucket_size 512;\n");
  expect(limits).not.toContain("variables_hash_max_size");
});

test("rules: those of a version or a preview have no effect, and its deploy warns of them", async () => {
  expect(await publish()).toMatchObject(fine);
  const warning = (files: string): string =>
    `warning: ${files} no effect here: only the rules of the site itself apply\n`;
  rules("this is refused in a site\n");
  const version = await deploy("--as 1.4");
  expect(version.err).toContain(warning("_redirects has"));
  site.disk.write("/srv/site/_headers", "/*\n  X-A: b\n");
  const preview = await deploy("--preview fix-7");
  expect(preview.err).toContain(warning("_redirects and _headers have"));
  expect([version.exit, preview.exit, site.fake.text(maps)]).toEqual([0, 0, null]);
  site.disk.write("/srv/other/index.html", "home");
  const { err } = await site.type("project deploy live /srv/other --as 1.5");
  expect(err).not.toContain("no effect");
});

test("rules: the probe of a version or a preview expects the answer of the site's rules, and not of its own", async () => {
  rules("/1.4/* /closed.html 200!\n");
  site.disk.write("/srv/site/closed.html", "closed");
  expect(await publish()).toMatchObject(fine);
  rules("/ /elsewhere 302!\n");
  const away = { code: 0, stdout: "HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\n\r\n", stderr: "" };
  for (const flags of ["--as 1.5", "--preview fix-7"]) {
    site.answer = away;
    expect([flags, (await deploy(flags)).exit]).toEqual([flags, 1]);
  }
  site.answer = { code: 0, stdout: "HTTP/1.1 200 OK\r\n\r\nclosed", stderr: "" };
  expect((await deploy("--as 1.4")).exit).toBe(0);
});

test("rules: a restore activates those of the restored tree", async () => {
  rules("/old /\n");
  expect(await publish()).toMatchObject(fine);
  const first = site.fake.text(maps);
  rules("/old /\n/older /old\n");
  expect(await deploy()).toMatchObject(fine);
  expect(site.fake.text(maps)).not.toBe(first);
  expect(await site.type("project rollback live --yes")).toMatchObject(fine);
  expect(site.fake.text(maps)).toBe(first);
});

describe("rules: a deploy that fails changes nothing:", () => {
  beforeEach(async () => {
    rules("/old /\n");
    expect(await publish()).toMatchObject(fine);
    site.disk.write("/srv/site/next.html", "next");
  });

  async function expectSame(message: string, line = "project deploy live --source /srv/site"): Promise<void> {
    const [texts, site_] = [[site.fake.text(maps), site.fake.text(server)], site.fake.text(vhost)];
    const { exit, err } = await site.type(line);
    expect(exit).toBe(1);
    expect(err).toContain(message);
    expect([site.fake.text(maps), site.fake.text(server)]).toEqual(texts);
    expect(site.fake.text(vhost)).toBe(site_);
    expect(site.disk.host.stat("/var/www/docs/live/next.html")).toBeNull();
  }

  test("a line that is refused", async () => {
    rules("/old /\n/x https://a.example/ 200\n");
    await expectSame("_redirects:2: nginx is no proxy for other hosts");
    await expectSame("_redirects:2: nginx is no proxy for other hosts", "project publish live --source /srv/site");
  });

  test("nginx answers a rule wrongly", async () => {
    rules("/a /\n/b /\n");
    site.rules.wrong.set("/b", "HTTP/1.1 404 Not Found\r\n\r\n");
    await expectSame("_redirects:2: nginx answers /b with '404' in place of '301 /'");
  });

  test("nginx refuses the rules", async () => {
    rules("/a /\n");
    site.rules.refusal = 'nginx: [emerg] unexpected "}" in /run/edox-ops/rules-live/nginx.conf:9\n';
    await expectSame("nginx refuses the rules of the site: nginx: [emerg] unexpected");
  });

  test("the trees cannot be exchanged", async () => {
    rules("/a /\n");
    site.trees.exchange = () => {
      throw new Error("no space left on device");
    };
    await expectSame("no space left on device");
  });

  test("the page is not served after the swap", async () => {
    rules("/a /\n");
    site.answer = { code: 7, stdout: "", stderr: "curl: (7) refused\n" };
    await expectSame("does not answer");
    await expectSame("does not answer", "project publish live --source /srv/site --csp strict");
  });
});

test("rules: a dry run prints the files that would change, and changes nothing", async () => {
  expect(await publish()).toMatchObject(fine);
  rules("/old /\n");
  const before = site.snapshot();
  const { exit, out } = await deploy("--dry-run --diff");
  expect(exit).toBe(0);
  expect(out).toContain(maps);
  expect(out).toContain("Would serve 1 redirect\n");
  expect(site.snapshot()).toEqual(before);
  rules("/old\n");
  expect((await deploy("--dry-run")).err).toContain("_redirects:1: a rule needs a target");
});

test("rules: those of a disabled project are checked by a deploy, and active once it is enabled", async () => {
  expect(await publish()).toMatchObject(fine);
  expect(await site.type("project disable live")).toMatchObject(fine);
  rules("/old /\n");
  expect(await deploy()).toMatchObject(fine);
  expect(site.rules.requests).toBe(1);
  expect(site.fake.text(maps)).toBeNull();
  expect(await site.type("project enable live")).toMatchObject(fine);
  expect(site.fake.text(maps)).toContain("|/old|301 /|");
});

test("rules: a deploy that was killed before the swap is mended by the next one, by enable and by render-nginx", async () => {
  rules("/old /\n");
  expect(await publish()).toMatchObject(fine);
  const texts = site.fake.text(maps);
  for (const mend of ["project deploy live --source /srv/site", "project enable live", "project render-nginx live"]) {
    // The rules of a tree that never became live.
    site.fake.put(maps, texts?.replace("/old", "/other") ?? "");
    const { err } = await site.type("project validate live");
    expect(err).toContain(`${maps} differs from the rules of the live tree (drift)`);
    expect(await site.type(mend)).toMatchObject(fine);
    expect(site.fake.text(maps)).toBe(texts);
  }
});

test.each([
  ["with its backup", "--keep 5"],
  ["without one", "--keep 1"],
])(
  "rules: a restore to the release that is live already, %s, mends the rules that a killed deploy left",
  async (_, keep) => {
    rules("/old /\n");
    expect(await publish()).toMatchObject(fine);
    const texts = site.fake.text(maps);
    rules("/old /\n/older /old\n");
    expect(await deploy()).toMatchObject(fine);
    const restore = `project restore live --yes ${keep}`;
    expect(await site.type(restore)).toMatchObject(fine);
    expect(site.fake.text(maps)).toBe(texts);
    // The rules of a tree that never became live.
    site.fake.put(maps, texts?.replace("/old", "/other") ?? "");
    expect(await site.type(restore)).toMatchObject({ ...fine, out: expect.stringContaining("Nothing to restore") });
    expect(site.fake.text(maps)).toBe(texts);
    expect((await site.type("project validate live")).err).not.toContain("drift");
  },
);

test("rules: project remove removes them, and --keep-nginx keeps them for the site that includes them", async () => {
  rules("/old /\n");
  expect(await publish()).toMatchObject(fine);
  expect(await site.type("project remove live --keep-nginx")).toMatchObject(fine);
  expect(site.fake.text(maps)).not.toBeNull();
  expect(await publish()).toMatchObject(fine);
  expect(await site.type("project remove live")).toMatchObject(fine);
  expect([site.fake.text(maps), site.fake.text(server)]).toEqual([null, null]);
});

test("rules: an invalid file in a live tree has no effect, and validation reports its line", async () => {
  expect(await publish()).toMatchObject(fine);
  const before = site.fake.text(vhost);
  rules("/old /\n");
  expect(await deploy()).toMatchObject(fine);
  site.disk.write("/var/www/docs/live/_redirects", "/a /b\n/old\n");
  const { err } = await site.type("project validate live");
  expect(err).toContain("_redirects:2: a rule needs a target");
  expect(err).toContain("(run: sed -n 2p /var/www/docs/live/_redirects)\n");
  expect(await site.type("project enable live")).toMatchObject(fine);
  expect(site.fake.text(vhost)).toBe(before);
});

describe("rules: a site that was live with such a file before nginx had rules:", () => {
  const refused = "/old /\n/api/* https://api.example.org/:splat 200\n";
  const warning = "_redirects:2: nginx is no proxy for other hosts: write 302 in place of this status";
  const effect = "redirects and headers of the site have no effect until this is corrected";

  /** Makes the live tree what an earlier version deployed. */
  async function liveBefore(redirects: string): Promise<string> {
    expect(await publish()).toMatchObject(fine);
    site.disk.write("/var/www/docs/live/_redirects", redirects);
    rules(redirects);
    return site.fake.text(vhost) ?? "";
  }

  test.each([
    ["valid", "/old /\n"],
    ["refused", refused],
  ])("with %s lines, no check reports it and only a deploy activates it", async (_, redirects) => {
    const before = await liveBefore(redirects);
    expect((await site.type("project validate live")).err).not.toMatch(/drift|_redirects/);
    for (const line of ["enable live", "update live --branch next", "render-nginx live"]) {
      expect(await site.type(`project ${line}`)).toMatchObject(fine);
      expect(site.fake.text(vhost)).toBe(before);
    }
  });

  test("valid lines are activated by the next deploy", async () => {
    const before = await liveBefore("/old /\n");
    expect(await deploy()).toMatchObject({ ...fine, out: expect.stringContaining("1 redirect\n") });
    expect(site.fake.text(vhost)).not.toBe(before);
    expect((await site.type("project validate live")).err).not.toMatch(/drift|_redirects/);
  });

  test.each(["", "--dry-run", "--strict-urls"])(
    "a line that is refused is a warning of each deploy %s",
    async (flag) => {
      const before = await liveBefore(refused);
      for (const page of ["one", "two"]) {
        site.disk.write(`/srv/site/${page}.html`, page);
        const { exit, err } = await deploy(flag);
        expect([exit, err]).toEqual([0, `warning: ${warning}; ${effect}\n`]);
        expect(site.fake.text(vhost)).toBe(before);
        expect(site.fake.text(maps)).toBeNull();
      }
      const isDry = flag === "--dry-run";
      expect(site.disk.host.stat("/var/www/docs/live/two.html") === null).toBe(isDry);
      expect((await site.type("project validate live")).err).not.toMatch(/drift|_redirects/);
    },
  );

  test("so is a rule that nginx answers wrongly or refuses", async () => {
    const before = await liveBefore("/b /\n");
    site.rules.wrong.set("/b", "HTTP/1.1 404 Not Found\r\n\r\n");
    const { exit, err } = await deploy();
    expect([exit, err]).toEqual([
      0,
      expect.stringContaining(`nginx answers /b with '404' in place of '301 /'; ${effect}`),
    ]);
    site.rules.wrong.clear();
    site.rules.refusal = 'nginx: [emerg] unexpected "}" in /run/edox-ops/rules-live/nginx.conf:9\n';
    expect(await deploy()).toMatchObject({ exit: 0, err: expect.stringContaining(effect) });
    expect(site.fake.text(vhost)).toBe(before);
  });

  test("a corrected file is active, and from then on a refused line ends the deploy", async () => {
    await liveBefore(refused);
    rules("/old /\n");
    expect(await deploy()).toMatchObject(fine);
    expect(site.fake.text(maps)).toContain("|/old|301 /|");
    rules(refused);
    expect(await deploy()).toMatchObject({ exit: 1, err: expect.stringContaining(warning) });
  });

  test("a restore of its backup succeeds without the rules", async () => {
    const before = await liveBefore(refused);
    rules("/old /\n");
    expect(await deploy()).toMatchObject(fine);
    const { exit, err } = await site.type("project rollback live --yes");
    expect([exit, err]).toEqual([0, `warning: ${warning}; ${effect}\n`]);
    expect(site.fake.text(vhost)).toBe(before);
    expect([site.fake.text(maps), site.fake.text(server)]).toEqual([null, null]);
  });

  test("its links can be checked", async () => {
    await liveBefore(refused);
    expect((await site.type("project check-links live")).err).not.toContain("_redirects");
  });
});

test("rules: a deploy that refuses a file names the command without it, which succeeds", async () => {
  site.disk.write("/srv/site/gone.html", "gone");
  expect(await publish()).toMatchObject(fine);
  site.disk.remove("/srv/site/gone.html");
  rules("/old\n", "/*\n  Set-Cookie: a=b\n");
  expect(await deploy()).toMatchObject({
    exit: 1,
    err: expect.stringContaining("--source /srv/site --exclude _redirects"),
  });
  const { exit, err } = await deploy("--exclude _redirects");
  expect([exit, err]).toEqual([1, expect.stringContaining("--exclude _redirects,_headers")]);
  for (const flag of ["--dry-run", ""]) {
    expect(await deploy(`--exclude _redirects,_headers ${flag}`)).toMatchObject({ exit: 0 });
  }
  expect(site.fake.text(maps)).toBeNull();
});

test("rules: a warning names a rule that never applies", async () => {
  rules("/index.html /x\n/a /b\n/a/ /c\n");
  const { exit, err } = await publish();
  expect(exit).toBe(0);
  expect(err).toContain("warning: _redirects:3: never applies: line 2 matches its path first");
  expect(err).toContain("warning: _redirects:1: never applies: / is index.html; add ! to its status");
});

test("rules: a site whose only rule never applies is deployed with a warning", async () => {
  rules("/index.html /x\n");
  const { exit, err } = await publish();
  expect([exit, err]).toEqual([0, "warning: _redirects:1: never applies: / is index.html; add ! to its status\n"]);
});

test("rules: an address with a redirect has not vanished", async () => {
  site.disk.write("/srv/site/old.html", "old");
  expect(await publish()).toMatchObject(fine);
  site.disk.remove("/srv/site/old.html");
  const refused = await deploy("--strict-urls");
  expect([refused.exit, refused.err]).toEqual([1, expect.stringContaining("/old")]);
  rules("/old /\n");
  expect(await deploy("--strict-urls")).toMatchObject(fine);
  expect(site.fake.text(maps)).toContain("|/old|301 /|");
});
