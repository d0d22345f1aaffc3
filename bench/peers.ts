// Other tools that keep a host in the desired state. Each must first detect a difference, and then report none.

import { copyFileSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { shellLine } from "../src/text/lines.ts";
import type { Ended } from "../test/integration/run.ts";
import type { TestHost } from "../test/integration/test-host.ts";
import { expect } from "./bench-host.ts";
import type { Command } from "./inside.ts";

interface Peer extends Command {
  /** The package that pip installs. */
  package?: string;
  /** Returns whether the tool reported no difference. If it is missing, the tool changes something on every run. */
  unchanged?: (ended: Ended) => boolean;
}

const dir = "/opt/bench";
const ours = ["edox-ops", "bootstrap", "--yes"];

const all: Peer[] = [
  { name: "bash, batched", argv: ["bash", `${dir}/look.sh`], unchanged: ({ code }) => code === 0 },
  {
    name: "pyinfra 3.10.0",
    package: "pyinfra==3.10.0",
    argv: ["/opt/pyinfra/bin/pyinfra", "@local", `${dir}/deploy.py`, "-y"],
    every: 4,
    unchanged: ({ stdout, stderr }) => /^ *Grand total +(\d+) +- +- +\1 *$/m.test(stdout + stderr),
  },
  {
    name: "the Python edox-ops 0.1.0",
    package: "edox-ops==0.1.0",
    argv: ["/opt/edox-ops/bin/edox-ops", "bootstrap", "--yes"],
    every: 8,
    // The tool replaces our limits with its own.
    after: ours,
  },
  {
    name: "ansible-core 2.19.14",
    package: "ansible-core==2.19.14",
    argv: ["/opt/ansible-core/bin/ansible-playbook", "-i", "localhost,", `${dir}/playbook.yml`],
    every: 8,
    unchanged: ({ code, stdout }) => code === 0 && /^localhost .* changed=0 /m.test(stdout),
  },
];

/** Returns the tools that could be installed on a host that edox-ops bootstrapped. Each is shown to be converged. */
export function peers(host: TestHost): Peer[] {
  expect(host.sh("apt-get install -q -y --no-install-recommends python3-venv python3-apt"));
  for (const name of ["look.sh", "deploy.py", "playbook.yml"])
    host.put(`${import.meta.dir}/peers/${name}`, `${dir}/${name}`);
  expect(host.sh(`mkdir ${dir}/conf && cp /etc/nginx/conf.d/edox-ops-*.conf ${dir}/conf`));
  configurePip(host);
  const found = all.filter((peer) => peer.package === undefined || installed(host, peer.package));
  for (const peer of found) show(host, peer);
  return found;
}

function installed(host: TestHost, wanted: string): boolean {
  const venv = `/opt/${wanted.split("==")[0]}`;
  const install = `set -a; . ${dir}/pip.env; python3 -m venv ${venv} && ${venv}/bin/pip install -q ${wanted}`;
  const { code, stderr } = host.sh(install);
  if (code !== 0) console.error(`${wanted} is left out, pip does not get it: ${stderr.trim().split("\n").at(-1)}`);
  return code === 0;
}

/**
 * Gives the host's pip the configuration of this machine's pip, in files, because the URL of an index may contain a
 * password.
 */
function configurePip(host: TestHost): void {
  const { PIP_CONFIG_FILE, PIP_CERT, SSL_CERT_FILE } = process.env;
  const authorities = PIP_CERT ?? SSL_CERT_FILE ?? "/etc/ssl/certs/ca-certificates.crt";
  const settings = Object.entries(process.env).flatMap(([name, value = ""]) =>
    /^(PIP_.+|(https?|all|no)_proxy)$/i.test(name) && name !== "PIP_CONFIG_FILE"
      ? [`${name}=${shellLine([value])}`]
      : [],
  );
  if (existsSync(authorities)) {
    copyFileSync(authorities, `${host.root}${dir}/authorities.pem`);
    settings.push(`PIP_CERT=${dir}/authorities.pem`);
  }
  writeFileSync(`${host.root}${dir}/pip.env`, `${settings.join("\n")}\n`, { mode: 0o600 });
  const configs = [PIP_CONFIG_FILE, `${homedir()}/.config/pip/pip.conf`, `${homedir()}/.pip/pip.conf`, "/etc/pip.conf"];
  const config = configs.find((path) => path !== undefined && existsSync(path));
  mkdirSync(`${host.root}/root/.config/pip`, { recursive: true });
  if (config !== undefined) copyFileSync(config, `${host.root}/root/.config/pip/pip.conf`);
}

function show(host: TestHost, { name, argv, unchanged }: Peer): void {
  const run = (): Ended => host.run(["env", "LC_ALL=C.UTF-8", ...argv]);
  host.sh("chmod 0700 /var/www/docs; echo '#' >>/etc/nginx/conf.d/edox-ops-limits.conf");
  const differing = run();
  if (unchanged?.(differing)) throw new Error(`${name} sees no difference where there is one`);
  expect(host.run(ours));
  const same = run();
  const isConverged = unchanged ? unchanged(same) : same.code === 0;
  if (!isConverged) throw new Error(`${name} is not converged\n${same.stdout}${same.stderr}`);
  if (!unchanged) expect(host.run(ours));
  expect(host.run(["edox-ops", "bootstrap", "--check", "--quiet"]));
}
