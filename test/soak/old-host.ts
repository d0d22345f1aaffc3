// A host with sites over HTTPS, deploy keys and runners, which is backed up and destroyed, and the machines around it.

import { expect } from "bun:test";
import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import type { Suite } from "../integration/base.ts";
import { bootstrapped } from "../integration/bootstrapped.ts";
import { type CiPackages, ciPackages } from "../integration/ci-packages.ts";
import { type CiServer, serveFolder } from "../integration/ci-server.ts";
import { Dns } from "../integration/dns.ts";
import { defaultServer, installPebble, runPebble } from "../integration/pebble.ts";
import { TestHost } from "../integration/test-host.ts";
import { GitLab } from "../stand-in/gitlab.ts";

export const slugs = ["one", "two", "three"] as const;
export const sites = "/var/www/docs";
/** Docker stacks overlays itself, and needs a plain file system there. */
export const data = "/var/lib/docker";
const store = "/usr/local/share/ca-certificates";

/** Returns the stdout of a script that must succeed in a host. */
export function well(host: TestHost, script: string): string {
  const { code, stdout, stderr } = host.sh(script);
  if (code !== 0) throw new Error(`${script} failed (${code})\n${stdout}${stderr}`);
  return stdout;
}

/** Returns the flags for the packages of Docker and GitLab Runner on this server. */
export function mirrorFlags({ docker, gitlab }: CiPackages, { url }: CiServer): string[] {
  return [
    ...["--docker-apt-url", `${url}${docker.path}`, "--docker-apt-fingerprint", docker.fingerprint],
    ...["--runner-apt-url", `${url}${gitlab.path}`, "--runner-apt-fingerprint", gitlab.fingerprint],
  ];
}

/** Returns a listing of the trees of all sites. */
export function treesOf(host: TestHost): string {
  const trees = slugs.map((slug) => `${sites}/${slug}`);
  return host.listing(...trees, `${sites}/.edox-ops-versions`, `${sites}/.edox-ops-previews`);
}

interface Machines {
  /** The authority, the DNS, the client and the server of the repository are one host. */
  ground: TestHost;
  dns: Dns;
  server: CiServer;
  gitlab: GitLab;
}

export class OldHost implements Disposable {
  readonly ground: TestHost;
  readonly dns: Dns;
  readonly repo: string;
  /** The digest of each file that it served. */
  bytes = "";
  trees = "";
  private password = "";
  private shellToken = "";

  /** Sets up a host of this release, backs it up and destroys it. */
  static async backedUp(suite: Suite): Promise<OldHost> {
    const packages = await ciPackages(suite);
    const ground = await bootstrapped("bookworm");
    try {
      installPebble(ground);
      well(
        ground,
        "DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends openssh-server >/dev/null",
      );
      const dns = new Dns(ground);
      dns.start();
      const directory = runPebble(ground, { port: 14000, address: ground.address });
      well(ground, `curl -sS --fail https://pebble:15000/roots/0 >${store}/pebble-root.crt; update-ca-certificates`);
      const server = await serveFolder(packages.folder, ground.gateway);
      const gitlab = await GitLab.start({ address: ground.gateway, tls: true });
      const old = new OldHost({ ground, dns, server, gitlab }, packages);
      await old.setUp(suite, directory);
      return old;
    } catch (error) {
      ground.down();
      throw error;
    }
  }

  private constructor(
    private readonly machines: Machines,
    readonly packages: CiPackages,
  ) {
    this.ground = machines.ground;
    this.dns = machines.dns;
    this.repo = `sftp:root@${this.ground.address}:/srv/backup`;
  }

  /** The flags for the packages that it installed. */
  get ciFlags(): string[] {
    return mirrorFlags(this.packages, this.machines.server);
  }

  private async setUp(suite: Suite, directory: string): Promise<void> {
    const { ground, machines, repo } = this;
    const { gitlab } = machines;
    using host = await TestHost.bare(suite, undefined, data);
    this.prepare(host);
    mkdirSync(`${host.root}/root/.config/letsencrypt`, { recursive: true });
    defaultServer(host, directory);
    cpSync(gitlab.caPath, `${host.root}/root/gitlab-ca.pem`);
    this.lead(slugs, host.address);
    well(host, "edox-ops bootstrap --yes");
    for (const slug of slugs) {
      well(
        host,
        `mkdir -p /srv/${slug}/part; cd /srv/${slug}; for i in $(seq 30); do seq $i $((i + 300)) >part/page-$i.html; done; echo ${slug} >index.html`,
      );
      well(
        host,
        `edox-ops project publish ${slug} --domain ${slug}.test --source /srv/${slug} --tls --server ${directory}`,
      );
    }
    this.shellToken = await gitlab.addRunner();
    for (const [name, token] of [
      ["token", await gitlab.addRunner()],
      ["shell", this.shellToken],
      ["reader", "canary-reader"],
    ] as const)
      writeFileSync(`${host.root}/root/${name}`, `${token}\n`, { mode: 0o600 });
    const register = `edox-ops gitlab-runner register --url ${gitlab.url} --ca-file /root/gitlab-ca.pem`;
    for (const line of [
      "printf '/old /part/page-1.html 301\\n' >/srv/one/_redirects; edox-ops project deploy one --source /srv/one",
      "edox-ops project update two --password site --password-file /root/reader",
      "edox-ops project deploy two /srv/two --as 1.0 --alias latest",
      "edox-ops project deploy three /srv/three --preview fix",
      "edox-ops project key add one --generate --name ci --json >/root/key.json",
      "echo '# own' >/etc/nginx/conf.d/own.conf",
      "edox-ops host logrotate --yes",
      `edox-ops watch enable --ntfy http://${ground.gateway}/topic --yes`,
      `edox-ops gitlab-runner prepare-ci-host --yes ${this.ciFlags.join(" ")}`,
      `${register} --profile ci --token-file /root/token`,
      `${register} --token-file /root/shell --description shell`,
      `edox-ops backup init --repo ${repo} --generate --with-releases --yes`,
      "edox-ops backup enable --daily 02:30 --keep 14d --yes",
      "edox-ops backup run",
    ]) {
      well(host, line);
    }
    await this.jobRuns();
    const { private_key: key } = JSON.parse(well(host, "cat /root/key.json"));
    writeFileSync(`${ground.root}/root/key`, key, { mode: 0o600 });
    this.password = well(host, "cat /etc/edox-ops/backup-password");
    this.bytes = this.servedBy(host);
    this.trees = treesOf(host);
    expect(this.bytes.split("\n").length).toBeGreaterThan(90);
  }

  /** Does what an admin prepares on each host: it trusts the authority of the test, knows its names, and can log in. */
  prepare(host: TestHost): void {
    const { ground } = this;
    this.introduce(host);
    well(host, `mkdir -p ${store}`);
    for (const name of ["pebble.crt", "pebble-root.crt"]) {
      cpSync(`${ground.root}${store}/${name}`, `${host.root}${store}/${name}`);
    }
    // The servers of the test have other files in each run.
    writeFileSync(`${host.root}/etc/apt/apt.conf.d/91direct`, `Acquire::http::Proxy::${ground.gateway} "DIRECT";\n`);
    well(
      host,
      "apt-get update -qq; DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends openssh-client ca-certificates >/dev/null; update-ca-certificates",
    );
    const key = well(
      host,
      "mkdir -p -m 0700 ~/.ssh; ssh-keygen -q -t ed25519 -N '' -f ~/.ssh/id_ed25519; cat ~/.ssh/id_ed25519.pub",
    );
    well(ground, `mkdir -p -m 0700 ~/.ssh; echo '${key.trim()}' >>~/.ssh/authorized_keys`);
    well(host, `ssh-keyscan ${ground.address} >>~/.ssh/known_hosts 2>/dev/null`);
  }

  /** The part of {@link prepare} that a saved state of a host does not have. */
  introduce(host: TestHost): void {
    well(host, `echo '${this.ground.address} pebble' >>/etc/hosts`);
    writeFileSync(`${host.root}/etc/resolv.conf`, `nameserver ${this.ground.address}\n`);
  }

  /** Makes the names of these sites lead to an address. */
  lead(names: readonly string[], address: string): void {
    for (const name of names) this.dns.set(`${name}.test`, { a: [address] });
  }

  /** Returns the command line that restores it on a host. */
  restoring(host: TestHost, more: string): string {
    writeFileSync(`${host.root}/root/password`, this.password, { mode: 0o600 });
    return `edox-ops restore-host --password-file /root/password ${more}`;
  }

  /** Returns the digest of each file that a client receives over HTTPS, whose certificate it verifies. */
  servedBy(host: TestHost): string {
    const files = slugs.flatMap((slug) => {
      const found = well(
        host,
        `cd ${sites}/${slug} && find . -type f ! -name '_*' ! -name '*.gz' ! -name '*.br' | sort`,
      );
      return found
        .trim()
        .split("\n")
        .map((path) => `https://${slug}.test/${path.slice(2)}`);
    });
    writeFileSync(`${this.ground.root}/root/urls`, `${files.join("\n")}\n`);
    const user = "--user reader:canary-reader";
    return well(
      this.ground,
      `while read -r url; do echo "$url $(curl -sS --fail ${user} "$url" | sha256sum)"; done </root/urls`,
    );
  }

  /** Returns the status and the target of a redirect that a server at this address answers. */
  status(address: string, url: string): string {
    const flags = "-sS -o /dev/null -w '%{http_code} %{redirect_url}'";
    return this.ground.sh(`curl ${flags} --resolve one.test:443:${address} ${url}`).stdout;
  }

  /** Expects that a runner runs a job. */
  async jobRuns(): Promise<void> {
    const { gitlab } = this.machines;
    const job = await gitlab.addJob({ script: ["docker version --format '{{.Server.Os}}'"], token: this.shellToken });
    expect(await gitlab.jobUntil(job, ["success", "failed"])).toMatchObject({
      state: "success",
      trace: expect.stringContaining("linux\n"),
    });
  }

  [Symbol.dispose](): void {
    this.machines.gitlab[Symbol.dispose]();
    this.machines.server[Symbol.dispose]();
    this.ground.down();
  }
}
