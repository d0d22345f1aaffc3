// Whether the running nginx has loaded its files, by what /proc shows.

import { expect, test } from "bun:test";
import { hasLoadedFiles } from "../../src/nginx/running.ts";
import { type FakeHost, fakeHost } from "../fake-host.ts";

const path = "/etc/nginx/nginx.conf";
const hour = 3_600_000;

/** A host whose kernel was booted this long ago, with a worker of nginx that starts now. */
function nginxHost(bootedMs: number): FakeHost {
  const host = fakeHost();
  const boot = host.now() - bootedMs;
  host.put("/proc/uptime", () => `${((host.now() - boot) / 1000).toFixed(2)} 0`);
  host.put("/proc/stat", `cpu  1 2 3\nbtime ${Math.floor(boot / 1000)}\nprocesses 9\n`);
  host.put("/run/nginx.pid", "99\n");
  host.put("/proc/99/task/99/children", "100 ");
  host.put("/proc/100/cmdline", "nginx: worker process\0");
  host.put("/proc/100/stat", `100 (nginx) S 99 ${"0 ".repeat(17)}${Math.ceil(bootedMs / 10)} 0`);
  return host;
}

for (const isContainer of [false, true]) {
  test(`nginx: a file that was changed after its start is not loaded${isContainer ? ", in a container with lxcfs" : ""}`, async () => {
    const host = nginxHost(100 * hour);
    // The container was started an hour ago; processes count from the boot of its host.
    const start = host.now() - hour;
    if (isContainer) host.put("/proc/uptime", () => `${((host.now() - start) / 1000).toFixed(2)} 0`);
    host.put(path, "http {}");
    expect(hasLoadedFiles(host, [path])).toBe(true);
    await host.sleep(3000);
    host.put(path, "http { }");
    expect(hasLoadedFiles(host, [path])).toBe(false);
  });
}
