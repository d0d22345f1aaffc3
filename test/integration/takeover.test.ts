// A host that the Python tool set up: taken over without an interruption, and its sites stop refusing readers.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { TestHost } from "./test-host.ts";

describe("a host of the Python tool", () => {
  let host: TestHost;
  beforeAll(async () => {
    host = await TestHost.bare();
    const { code } = host.sh(`
      apt-get update -qq && apt-get install -y -qq --no-install-recommends nginx git curl rsync ca-certificates
      rm /etc/nginx/sites-enabled/default
      cat >/etc/nginx/conf.d/edox-ops-limits.conf <<'END'
limit_req_zone $binary_remote_addr zone=edox_ops_static:10m rate=10r/s;
limit_conn_zone $binary_remote_addr zone=edox_ops_conn:10m;
END
      cat >/etc/nginx/sites-available/edox-ops-demo <<'END'
server {
    listen 80;
    server_name demo.test;
    root /var/www/docs/demo;
    location / {
        limit_req zone=edox_ops_static burst=20 nodelay;
        limit_conn edox_ops_conn 20;
        try_files $uri $uri/ =404;
    }
}
END
      ln -s /etc/nginx/sites-available/edox-ops-demo /etc/nginx/sites-enabled/edox-ops-demo
      mkdir -p /var/www/docs/demo && for i in $(seq 80); do echo x >/var/www/docs/demo/$i.css; done
      echo 127.0.0.1 demo.test >>/etc/hosts
      systemctl reload nginx`);
    expect(code).toBe(0);
  });
  afterAll(() => host?.down());

  /** How many of a page's 80 files are refused to a browser: six connections, and two milliseconds to the host. */
  const refused = (): number => {
    const load = `for c in 0 1 2 3 4 5; do
      seq $c 6 80 | sed '/^0$/d; s,.*,url = http://demo.test/&.css\\noutput = /dev/null,' |
        curl -sS --rate 500/s -K - -w '%{http_code}\\n' &
    done | grep -vc '^200$'`;
    return Number(host.sh(load).stdout);
  };

  test("before, most of a page's files are refused", () => {
    expect(refused()).toBeGreaterThan(20);
  });

  test("it is brought in line by a reload: nginx is not restarted, and what was there is kept", () => {
    const master = host.run(["cat", "/run/nginx.pid"]).stdout;
    expect(host.run(["edox-ops", "bootstrap", "--yes"]).code).toBe(0);
    expect(host.run(["cat", "/run/nginx.pid"]).stdout).toBe(master);
    expect(host.sh("cat /etc/edox-ops/replaced/edox-ops-limits.conf.*").stdout).toContain("rate=10r/s");
    expect(host.run(["edox-ops", "bootstrap", "--check"]).code).toBe(0);
  });

  test("after, none is, and an unknown name gets no site", () => {
    expect(refused()).toBe(0);
    expect(host.run(["curl", "-sS", "http://127.0.0.1/1.css"]).stderr).toContain("Empty reply from server");
  });

  describe("its projects", () => {
    const project = (line: string) => host.sh(`edox-ops project ${line}`);
    const page = (): string => host.sh("curl -s http://demo.test/").stdout;
    const backups = "/var/www/docs/.edox-ops-backups/demo";
    const record = {
      slug: "demo",
      domain: "demo.test",
      root_path: "/var/www/docs/demo",
      source_path: "/srv/site",
      branch: "main",
      owner_group: "www-data",
      enabled: true,
      tls: false,
    };

    beforeAll(() => {
      const { code } = host.sh(`set -e
        mkdir -p /etc/edox-ops && chmod 750 /etc/edox-ops
        printf '%s' '${JSON.stringify({ demo: record }, null, 2)}' >/etc/edox-ops/projects.json
        chmod 600 /etc/edox-ops/projects.json
        echo live >/var/www/docs/demo/index.html; chown -R www-data:www-data /var/www/docs/demo
        for stamp in 20260101T000000Z 20260102T000000Z; do
          mkdir -p ${backups}/$stamp && echo $stamp >${backups}/$stamp/index.html; ln -s /etc/passwd ${backups}/$stamp/passwd
        done
        rm ${backups}/20260102T000000Z/passwd; ln -s nothing ${backups}/20260102T000000Z/dangling
        mkdir -p /srv/site && echo new >/srv/site/index.html`);
      expect(code).toBe(0);
    });

    test("are listed, and the records stay as they were written", () => {
      const before = host.sh("sha256sum /etc/edox-ops/projects.json").stdout;
      expect(project("list").stdout).toBe("demo\tdemo.test\t/var/www/docs/demo\tenabled\n");
      expect(project("backups list demo").stdout).toMatch(
        /^20260102T000000Z\t\d+\t.+\n20260101T000000Z\t.+\nNewest backup: 2026/,
      );
      expect(host.sh("sha256sum /etc/edox-ops/projects.json").stdout).toBe(before);
    });

    test("are all taken, whatever their root paths, branches and groups; one that cannot be used stops no other", () => {
      const other = (slug: string, more: object) => ({
        ...{ ...record, slug, domain: `${slug}.test`, root_path: `/var/www/docs/${slug}`, source_path: null },
        ...{ enabled: false, ...more },
      });
      const all = {
        demo: record,
        dotted: other("dotted", { root_path: "/var/www/docs/docs.example.org", branch: "feature#1" }),
        hostile: other("hostile", { root_path: "/var/www/docs/../../../etc" }),
        nested: other("nested", { root_path: "/var/www/docs/team/handbook", branch: "release 1", owner_group: "Www" }),
      };
      const write = (records: object) =>
        host.sh(`printf '%s' '${JSON.stringify(records, null, 2)}' >/etc/edox-ops/projects.json`);
      host.sh("groupadd --badname Www || groupadd --badnames Www || echo Www:x:4711: >>/etc/group");
      write(all);
      expect(project("list").stdout).toMatch(
        /^demo\t.*\tenabled\ndotted\t.*\tdisabled\nhostile\t-\t-\tinvalid: root_path .*\nnested\t.*\tdisabled\n$/,
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
      write({ demo: record });
    });

    test("are validated: only the site's text differs, and enable brings it in line by a reload", () => {
      const { code, stdout } = project("validate demo");
      expect([code, stdout]).toEqual([
        1,
        expect.stringMatching(
          /^WARN: \S+ can be changed by another user.*\nFAIL: \S+ differs from what the record says \(drift\).*\n$/,
        ),
      ]);
      const master = host.run(["cat", "/run/nginx.pid"]).stdout;
      expect(project("enable demo")).toMatchObject({ code: 0, stderr: "" });
      expect(host.run(["cat", "/run/nginx.pid"]).stdout).toBe(master);
      const { code: valid, stdout: warned } = project("validate demo");
      expect([valid, warned]).toEqual([0, expect.stringMatching(/^WARN: .*\nProject demo validation passed\.\n$/)]);
      const { stdout: told } = host.sh("edox-ops doctor");
      expect(told).toContain("[WARN] project:demo: /var/www/docs/demo can be changed by another user than root");
      expect(told).toMatch(/\[(OK|WARN)\] deploy-backups:size: /);
    });

    test("are deployed: the tree becomes root's, and the one of before a backup", () => {
      expect(project("deploy demo")).toMatchObject({ code: 0, stderr: "" });
      expect(page()).toBe("new\n");
      expect(host.sh("stat -c %U:%G:%a /var/www/docs/demo /var/www/docs/demo/index.html").stdout).toBe(
        "root:www-data:755\nroot:www-data:644\n",
      );
      expect(project("backups list demo").stdout.split("\n").length).toBe(5);
      expect(project("validate demo").stdout).toBe("Project demo validation passed.\n");
      expect(host.sh("find /var/www/docs/.edox-ops-backups/demo/2* -newermt 2026-06-01 ! -user root").stdout).toBe("");
    });

    test("that a deploy was killed in between its renames, are up again with the next", () => {
      host.sh("cd /var/www/docs && mv demo demo.previous-swap && mkdir demo.staging");
      expect(page()).not.toBe("new\n");
      const { code, stdout } = project("validate demo");
      expect(code).toBe(1);
      expect(stdout).toContain("FAIL: /var/www/docs/demo is missing");
      expect(stdout).toContain("WARN: /var/www/docs/demo.previous-swap was left by a deploy that was killed");
      expect(project("deploy demo").code).toBe(0);
      expect(page()).toBe("new\n");
      host.sh("rm -r /var/www/docs/demo.previous-swap /var/www/docs/demo.staging");
    });

    test("are restored from an old backup, and one that cannot be a site is refused by name", () => {
      expect(project("restore demo --yes --backup 20260102T000000Z").code).toBe(0);
      expect(page()).toBe("20260102T000000Z\n");
      expect(project("restore demo --yes --backup 20260101T000000Z").stderr).toContain(
        "20260101T000000Z/passwd is a link to /etc/passwd",
      );
      expect(page()).toBe("20260102T000000Z\n");
    });
  });
});
