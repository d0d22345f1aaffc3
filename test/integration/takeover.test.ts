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
});
