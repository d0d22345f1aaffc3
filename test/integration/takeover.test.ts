// A host that the real Python tool set up is taken over without downtime. Its sites stop refusing readers, and each
// command line has its former result, or the documented one.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { GitLab, tokens } from "../stand-in/gitlab.ts";
import { ciPackages, runnerVersions } from "./ci-packages.ts";
import { bothEnds, faultsOf } from "./python-ends.ts";
import { changing, hardening, looking } from "./python-table.ts";
import { installPythonTool, pythonTool } from "./python-tool.ts";
import { TestHost } from "./test-host.ts";

describe("takeover from the Python tool", () => {
  let host: TestHost;
  let gitlab: GitLab;

  beforeAll(async () => {
    host = await TestHost.bare();
    installPythonTool(host);
    await putRunner(host);
    gitlab = await GitLab.start({ address: host.gateway });
    const { code, stderr } = host.sh(`set -e
      mkdir -p /srv/site /srv/other
      echo home >/srv/site/index.html; for i in $(seq 80); do echo x >/srv/site/$i.css; done
      cp -r /srv/site /srv/next; echo next >/srv/next/index.html
      echo page >/srv/other/page.html
      echo 127.0.0.1 demo.test two.test three.test py.test ts.test >>/etc/hosts
      edox() { ${pythonTool} "$@"; }
      edox bootstrap --yes
      dpkg -i /root/gitlab-runner*.deb >/dev/null 2>&1
      edox project add demo --domain demo.test --source-path /srv/site
      edox project add two --domain two.test --root-path /var/www/docs/docs.example.org --source-path /srv/other
      edox project add three --domain three.test --branch 'release 1'
      for slug in demo two three; do edox project init $slug; done
      for slug in demo two; do edox project deploy $slug; edox project enable $slug; done
      for i in 1 2; do sleep 1; edox project deploy demo; done
      edox gitlab-runner register --url ${gitlab.url} --token ${tokens.registration}`);
    expect([code, stderr]).toEqual([0, ""]);
  });
  afterAll(() => {
    gitlab?.[Symbol.dispose]();
    host?.down();
  });

  /**
   * Returns how many of a page's 80 files are refused to a browser with six connections and a latency of two
   * milliseconds.
   */
  const refused = (): number => {
    const load = `for c in 0 1 2 3 4 5; do
      seq $c 6 80 | sed '/^0$/d; s,.*,url = http://demo.test/&.css\\noutput = /dev/null,' |
        curl -sS --rate 500/s -K - -w '%{http_code}\\n' &
    done | grep -vc '^200$'`;
    return Number(host.sh(load).stdout);
  };

  describe("takeover: before bootstrap", () => {
    test("takeover: each read-only line has the result of the Python tool, or the documented one", () => {
      const before = host.listing("/etc", "/var/www", "/var/log/edox-ops");
      const ended = bothEnds(host, looking);
      expect(looking.flatMap((row, i) => faultsOf(row, ended[i]))).toEqual([]);
      expect(host.listing("/etc", "/var/www", "/var/log/edox-ops")).toBe(before);
    });

    test("takeover: doctor passes, and reports drift as a warning", () => {
      const { code, stdout } = host.sh("edox-ops doctor");
      expect([code, stdout]).toEqual([0, expect.not.stringContaining("[FAIL]")]);
      for (const name of ["nginx:limits", "nginx:unknown-names", "project:demo", "project:two", "state:permissions"]) {
        expect(stdout).toContain(`[WARN] ${name}: `);
      }
      expect(stdout).toMatch(
        /^\[WARN\] host:python-version: the Python edox-ops 0\.1\.0 is still installed in \/opt\/edox-ops;/m,
      );
    });
  });

  test("takeover: before bootstrap, most of a page's files are refused", () => {
    expect(refused()).toBeGreaterThan(20);
  });

  test("takeover: bootstrap applies its changes with a reload, does not restart nginx, and keeps replaced files", () => {
    const master = host.run(["cat", "/run/nginx.pid"]).stdout;
    expect(host.run(["edox-ops", "bootstrap", "--yes"]).code).toBe(0);
    expect(host.run(["cat", "/run/nginx.pid"]).stdout).toBe(master);
    expect(host.sh("cat /etc/edox-ops/replaced/edox-ops-limits.conf.*").stdout).toContain("rate=10r/s");
    expect(host.run(["edox-ops", "bootstrap", "--check"]).code).toBe(0);
  });

  test("takeover: after bootstrap, no file is refused, and unknown names are not served", () => {
    expect(refused()).toBe(0);
    expect(host.run(["curl", "-sS", "http://127.0.0.1/1.css"]).stderr).toContain("Empty reply from server");
  });

  describe("takeover: projects", () => {
    const project = (line: string) => host.sh(`edox-ops project ${line}`);
    const page = (): string => host.sh("curl -s http://demo.test/").stdout;
    const backups = "/var/www/docs/.edox-ops-backups/demo";
    /** The records as the Python tool wrote them. */
    let made: Record<string, object>;

    beforeAll(() => {
      const { code } = host.sh(`set -e
        rm -r "$(ls -d ${backups}/* | head -1)"
        for stamp in 20260101T000000Z 20260102T000000Z; do
          mkdir -p ${backups}/$stamp && echo $stamp >${backups}/$stamp/index.html; ln -s /etc/passwd ${backups}/$stamp/passwd
        done
        rm ${backups}/20260102T000000Z/passwd; ln -s nothing ${backups}/20260102T000000Z/dangling
        echo new >/srv/site/index.html`);
      expect(code).toBe(0);
      made = JSON.parse(host.sh("cat /etc/edox-ops/projects.json").stdout);
    });

    test("takeover: projects are listed, and their records stay unchanged", () => {
      const before = host.sh("sha256sum /etc/edox-ops/projects.json").stdout;
      expect(project("list").stdout).toBe(host.sh(`${pythonTool} project list`).stdout);
      expect(project("backups list demo").stdout).toMatch(
        /^20260101T000000Z\t\d+\t.+\n20260102T000000Z\t.+\n(20\d{6}T\d{6}Z)\t165\t.+\nNewest backup: \1\n$/,
      );
      expect(host.sh("sha256sum /etc/edox-ops/projects.json").stdout).toBe(before);
    });

    test("takeover: projects with any root path, branch and group are accepted, and an invalid one does not affect the others", () => {
      const other = (slug: string, more: object) => ({
        ...{ ...made.demo, slug, domain: `${slug}.test`, root_path: `/var/www/docs/${slug}`, source_path: null },
        ...{ enabled: false, ...more },
      });
      const all = {
        ...made,
        dotted: other("dotted", { root_path: "/var/www/docs/app.example.org", branch: "feature#1" }),
        hostile: other("hostile", { root_path: "/var/www/docs/../../../etc" }),
        nested: other("nested", { root_path: "/var/www/docs/team/handbook", branch: "release 1", owner_group: "Www" }),
      };
      const write = (records: object) =>
        host.sh(`printf '%s' '${JSON.stringify(records, null, 2)}' >/etc/edox-ops/projects.json`);
      host.sh("groupadd --badname Www || groupadd --badnames Www || echo Www:x:4711: >>/etc/group");
      write(all);
      expect(project("list").stdout).toMatch(
        /^demo\t.*\tenabled\ndotted\t.*\tdisabled\nhostile\t-\t-\tinvalid: root_path .*\nnested\t.*\tdisabled\nthree\t.*\ntwo\t/,
      );
      for (const slug of ["dotted", "nested"]) {
        expect(project(`init ${slug}`)).toMatchObject({ code: 0, stderr: "" });
        expect(project(`deploy ${slug} --source /srv/site`)).toMatchObject({ code: 0, stderr: "" });
        expect(project(`enable ${slug}`)).toMatchObject({ code: 0, stderr: "" });
        expect(host.sh(`curl -s --resolve ${slug}.test:80:127.0.0.1 http://${slug}.test/`).stdout).toBe("new\n");
        expect(project(`validate ${slug}`).code).toBe(0);
        expect(project(`remove ${slug} --delete-files --yes`).code).toBe(0);
      }
      const passwd = host.sh("sha256sum /etc/passwd").stdout;
      expect(project("remove hostile --delete-files --yes")).toMatchObject({ code: 1 });
      expect(project("remove hostile")).toMatchObject({ code: 0, stdout: expect.not.stringContaining("etc") });
      expect(host.sh("sha256sum /etc/passwd").stdout).toBe(passwd);
      write(made);
    });

    test("takeover: validation finds only drift of the site's text, and enable corrects it with a reload", () => {
      const { code, stderr } = project("validate demo");
      expect([code, stderr]).toEqual([
        0,
        expect.stringMatching(
          /^WARN: \S+ can be changed by another user.*\nWARN: \S+ differs from its record \(drift\).*\n$/,
        ),
      ]);
      const master = host.run(["cat", "/run/nginx.pid"]).stdout;
      expect(project("enable demo")).toMatchObject({ code: 0, stderr: "" });
      expect(host.run(["cat", "/run/nginx.pid"]).stdout).toBe(master);
      expect(project("validate demo").stderr).toMatch(/^WARN: \S+ can be changed by another user.*\n$/);
      const { stdout: report } = host.sh("edox-ops doctor");
      expect(report).toContain("[WARN] project:demo: /var/www/docs/demo can be changed by another user than root");
      expect(report).toMatch(/\[(OK|WARN)\] deploy-backups:size: /);
    });

    test("takeover: a deploy makes root the owner of the tree, and the old tree becomes a backup", () => {
      expect(project("deploy demo")).toMatchObject({ code: 0, stderr: "" });
      expect(page()).toBe("new\n");
      expect(host.sh("stat -c %U:%G:%a /var/www/docs/demo /var/www/docs/demo/index.html").stdout).toBe(
        "root:www-data:755\nroot:www-data:644\n",
      );
      expect(project("backups list demo").stdout.split("\n").length).toBe(6);
      expect(project("validate demo").stdout).toBe("Project demo validation passed.\n");
      expect(host.sh("find /var/www/docs/.edox-ops-backups/demo/2* -newermt 2026-06-01 ! -user root").stdout).toBe("");
    });

    test("takeover: a project whose deploy was killed between its renames is restored by the next deploy", () => {
      host.sh("cd /var/www/docs && mv demo demo.previous-swap && mkdir demo.staging");
      expect(page()).not.toBe("new\n");
      const { code, stderr } = project("validate demo");
      expect(code).toBe(1);
      expect(stderr).toContain("FAIL: /var/www/docs/demo is missing");
      expect(stderr).toContain("WARN: /var/www/docs/demo.previous-swap was left by an interrupted deploy");
      expect(project("deploy demo").code).toBe(0);
      expect(page()).toBe("new\n");
      host.sh("rm -r /var/www/docs/demo.previous-swap /var/www/docs/demo.staging");
    });

    test("takeover: an old backup can be restored, and an unsafe one is refused by name", () => {
      expect(project("restore demo --yes --backup 20260102T000000Z").code).toBe(0);
      expect(page()).toBe("20260102T000000Z\n");
      expect(project("restore demo --yes --backup 20260101T000000Z").stderr).toContain(
        "20260101T000000Z/passwd is a link to /etc/passwd",
      );
      expect(page()).toBe("20260102T000000Z\n");
    });
  });

  test("takeover: each changing line has the result of the Python tool, or the documented one", () => {
    const words = { URL: gitlab.url, TOKEN: tokens.registration };
    const ended = bothEnds(host, changing, words);
    expect(changing.flatMap((row, i) => faultsOf(row, ended[i]))).toEqual([]);
  });

  test("takeover: the hardening of the Python tool is replaced, and a copy of its jail is kept", () => {
    const ended = bothEnds(host, hardening);
    expect(hardening.flatMap((row, i) => faultsOf(row, ended[i]))).toEqual([]);
    expect(ended.map(([, ours]) => ours.code)).toEqual(hardening.map(() => 0));
    const kept = host.sh("ls /etc/edox-ops/replaced").stdout;
    expect(kept).toMatch(/^edox-ops-sshd\.local\.\w+$/m);
    expect(kept).toMatch(/^edox-ops\.\w+$/m);
    expect(JSON.parse(host.sh("cat /etc/edox-ops/host.json").stdout).ssh_port).toBe(22);
    const checks = host
      .sh("edox-ops doctor")
      .stdout.match(/^.* host:(firewall|fail2ban|logrotate|security-updates): /gm);
    expect(checks?.every((line) => line.startsWith("[OK] ")) && checks.length).toBe(4);
  });
});

/** Copies the packages of GitLab Runner to the place that they are installed from. */
async function putRunner(host: TestHost): Promise<void> {
  const { folder, gitlab } = await ciPackages("bookworm");
  const [version] = runnerVersions;
  const names = [`gitlab-runner-helper-images_${version}-1_all.deb`, `gitlab-runner_${version}-1_amd64.deb`];
  for (const name of names) host.put(`${folder}${gitlab.path}/pool/${name}`, `/root/${name}`);
}
