// A host with sites over HTTPS, deploy keys and runners is backed up and destroyed, and other hosts take its place: one of
// the same release, one of the next, and one without a network that has a bundle.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import type { Suite } from "../integration/base.ts";
import { bootstrapped } from "../integration/bootstrapped.ts";
import { createBundle } from "../integration/bundle.ts";
import { type CiPackages, ciPackages } from "../integration/ci-packages.ts";
import { type CiServer, serveFolder } from "../integration/ci-server.ts";
import { Dns } from "../integration/dns.ts";
import { defaultServer, installPebble, runPebble } from "../integration/pebble.ts";
import { figure } from "../integration/rounds.ts";
import { must } from "../integration/run.ts";
import { TestHost } from "../integration/test-host.ts";
import { typedHint } from "../integration/typed-hint.ts";
import { GitLab } from "../stand-in/gitlab.ts";

const slugs = ["one", "two", "three"] as const;
const store = "/usr/local/share/ca-certificates";
const sites = "/var/www/docs";
const data = "/var/lib/docker";

/** The machines around the host: the authority, the DNS, the client and the server of the repository are one host. */
let ground: TestHost;
let dns: Dns;
let packages: CiPackages;
let server: CiServer;
let gitlab: GitLab;
let shellToken: string;
let password: string;
let repo: string;
let ciFlags: string[];
/** The digest of each served file, before the move. */
let bytes: string;
let trees: string;

function well(host: TestHost, script: string): string {
  const { code, stdout, stderr } = host.sh(script);
  if (code !== 0) throw new Error(`${script} failed (${code})\n${stdout}${stderr}`);
  return stdout;
}

/** What an admin prepares on each host: it trusts the authority of the test, knows its names, and can log in. */
function prepare(host: TestHost): void {
  well(host, `echo '${ground.address} pebble' >>/etc/hosts; mkdir -p ${store}`);
  for (const name of ["pebble.crt", "pebble-root.crt"]) {
    cpSync(`${ground.root}${store}/${name}`, `${host.root}${store}/${name}`);
  }
  writeFileSync(`${host.root}/etc/resolv.conf`, `nameserver ${ground.address}\n`);
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

function lead(names: readonly string[], address: string): void {
  for (const name of names) dns.set(`${name}.test`, { a: [address] });
}

/** Returns the digest of each file that a client receives over HTTPS, whose certificate it verifies. */
function servedBy(host: TestHost, names: readonly string[] = slugs): string {
  const files = names.flatMap((slug) => {
    const found = well(host, `cd ${sites}/${slug} && find . -type f ! -name '_*' ! -name '*.gz' ! -name '*.br' | sort`);
    return found
      .trim()
      .split("\n")
      .map((path) => `https://${slug}.test/${path.slice(2)}`);
  });
  writeFileSync(`${ground.root}/root/urls`, `${files.join("\n")}\n`);
  const user = "--user reader:canary-reader";
  return well(
    ground,
    `while read -r url; do echo "$url $(curl -sS --fail ${user} "$url" | sha256sum)"; done </root/urls`,
  );
}

/** Returns the flags for the packages of Docker and GitLab Runner on this server. */
function mirrorFlags({ docker, gitlab }: CiPackages, { url }: CiServer): string[] {
  return [
    ...["--docker-apt-url", `${url}${docker.path}`, "--docker-apt-fingerprint", docker.fingerprint],
    ...["--runner-apt-url", `${url}${gitlab.path}`, "--runner-apt-fingerprint", gitlab.fingerprint],
  ];
}

const listing = (host: TestHost): string =>
  host.listing(
    ...slugs.map((slug) => `${sites}/${slug}`),
    `${sites}/.edox-ops-versions`,
    `${sites}/.edox-ops-previews`,
  );

function restoring(host: TestHost, more: string): string {
  writeFileSync(`${host.root}/root/password`, password, { mode: 0o600 });
  return `edox-ops restore-host --password-file /root/password ${more}`;
}

const status = (address: string, url: string): string =>
  ground.sh(`curl -sS -o /dev/null -w '%{http_code} %{redirect_url}' --resolve one.test:443:${address} ${url}`).stdout;

async function jobRuns(): Promise<void> {
  const job = await gitlab.addJob({ script: ["docker version --format '{{.Server.Os}}'"], token: shellToken });
  expect(await gitlab.jobUntil(job, ["success", "failed"])).toMatchObject({
    state: "success",
    trace: expect.stringContaining("linux\n"),
  });
}

beforeAll(async () => {
  packages = await ciPackages("bookworm");
  ground = await bootstrapped("bookworm");
  installPebble(ground);
  well(ground, "DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends openssh-server >/dev/null");
  dns = new Dns(ground);
  dns.start();
  const directory = runPebble(ground, { port: 14000, address: ground.address });
  well(ground, `curl -sS --fail https://pebble:15000/roots/0 >${store}/pebble-root.crt; update-ca-certificates`);
  server = await serveFolder(packages.folder, ground.gateway);
  gitlab = await GitLab.start({ address: ground.gateway, tls: true });
  ciFlags = mirrorFlags(packages, server);
  repo = `sftp:root@${ground.address}:/srv/backup`;

  using host = await TestHost.bare("bookworm", undefined, data);
  prepare(host);
  mkdirSync(`${host.root}/root/.config/letsencrypt`, { recursive: true });
  defaultServer(host, directory);
  cpSync(gitlab.caPath, `${host.root}/root/gitlab-ca.pem`);
  lead(slugs, host.address);
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
  shellToken = await gitlab.addRunner();
  for (const [name, token] of [
    ["token", await gitlab.addRunner()],
    ["shell", shellToken],
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
    `edox-ops gitlab-runner prepare-ci-host --yes ${ciFlags.join(" ")}`,
    `${register} --profile ci --token-file /root/token`,
    `${register} --token-file /root/shell --description shell`,
    `edox-ops backup init --repo ${repo} --generate --with-releases --yes`,
    "edox-ops backup enable --daily 02:30 --keep 14d --yes",
    "edox-ops backup run",
  ]) {
    well(host, line);
  }
  await jobRuns();
  const { private_key: key } = JSON.parse(well(host, "cat /root/key.json"));
  writeFileSync(`${ground.root}/root/key`, key, { mode: 0o600 });
  password = well(host, "cat /etc/edox-ops/backup-password");
  bytes = servedBy(host);
  trees = listing(host);
  expect(bytes.split("\n").length).toBeGreaterThan(90);
}, 600_000);
afterAll(() => {
  gitlab?.[Symbol.dispose]();
  server?.[Symbol.dispose]();
  ground?.down();
});

describe("restore-host: on a host of the same release", () => {
  let host: TestHost;
  let warnings: string;
  beforeAll(async () => {
    host = await TestHost.bare("bookworm", undefined, data);
    prepare(host);
    lead(["one", "two"], host.address);
    dns.set("three.test", { a: ["192.0.2.9"] });
  });
  afterAll(() => host?.down());

  test("restore-host: a wrong host, a wrong snapshot and a wrong password are refused with the line to type", () => {
    const dry = (more: string) => host.sh(`${restoring(host, `--repo ${repo} ${more}`)} --dry-run`);
    expect(dry("")).toMatchObject({ code: 0 });
    well(host, "DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends restic >/dev/null");
    for (const [more, message] of [
      ["--from nobody", "the repository has no snapshot of host 'nobody', but of "],
      ["--snapshot ffff", "snapshot 'ffff' does not exist in the repository"],
    ] as const) {
      const { code, stderr } = dry(more);
      expect([code, stderr]).toEqual([1, expect.stringContaining(message)]);
      expect(typedHint(host, stderr)).toContain("Would restore sites, certs, runner from snapshot ");
    }
    writeFileSync(`${host.root}/root/wrong`, "wrong\n");
    const wrong = host.sh(`edox-ops restore-host --repo ${repo} --password-file /root/wrong --yes`);
    expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining("the password is wrong")]);
    expect(host.sh("ls /etc/edox-ops /usr/sbin/nginx 2>/dev/null").stdout).toBe("");
  });

  test("restore-host: the same bytes are served over HTTPS, and what differs is listed", () => {
    const start = performance.now();
    const { code, stdout, stderr } = host.sh(restoring(host, `--repo ${repo} --yes`));
    const milliseconds = Math.round(performance.now() - start);
    figure("restore-host, ms", "bookworm", milliseconds, "");
    console.log(`restore-host: ${milliseconds} ms`);
    expect([code, stdout]).toEqual([0, expect.stringContaining("Restored projects: one, three, two.")]);
    warnings = stderr;
    for (const each of [
      "three.test leads to 192.0.2.9 in the DNS",
      "the runners have the tokens of the old host",
      "set EDOX_OPS_KNOWN_HOSTS",
      "sudo edox-ops host logrotate",
      "sudo edox-ops backup enable --daily 02:30 --keep 14d",
      "sudo edox-ops watch enable",
      "an admin made it or changed it: /etc/nginx/conf.d/own.conf\n",
    ])
      expect(warnings).toContain(each);
    expect(warnings).not.toContain("one.test");
    lead(["three"], host.address);
    expect(servedBy(host)).toBe(bytes);
    expect(listing(host)).toBe(trees);
    expect(status(host.address, "https://one.test/old")).toBe("301 https://one.test/part/page-1.html");
    expect(status(host.address, "https://two.test/")).toBe("401 ");
  });

  test("restore-host: certificates are renewed on the new host", () => {
    const serial = () =>
      well(ground, "echo | openssl s_client -connect one.test:443 2>/dev/null | openssl x509 -noout -serial");
    const before = serial();
    expect(well(host, "edox-ops certs renew --force --yes")).toContain("renewed one.test\n");
    expect(serial()).not.toBe(before);
    expect(well(host, "systemctl is-active certbot.timer edox-ops-previews.timer")).toBe("active\nactive\n");
    expect(host.sh("edox-ops doctor --online").stdout).toContain("[OK] certs:renew-dry-run:");
  });

  test("restore-host: a job runs, and a deploy key deploys, which can be rolled back", async () => {
    await jobRuns();
    expect(well(host, "grep -c '^\\[\\[runners' /etc/gitlab-runner/config.toml; id -nG gitlab-runner")).toBe(
      "2\ngitlab-runner docker\n",
    );
    const ssh = `ssh -i /root/key -o BatchMode=yes -o StrictHostKeyChecking=no edox-deploy@${host.address} deploy`;
    well(ground, `mkdir -p /srv/next && cd /srv/next && echo next >index.html && tar c . | ${ssh}`);
    expect(well(ground, "curl -sS https://one.test/")).toBe("next\n");
    well(host, "edox-ops project rollback one --yes");
    expect(well(ground, "curl -sS https://one.test/part/page-1.html | head -1")).toBe("1\n");
    // The releases of the old host are here, too.
    expect(JSON.parse(well(host, "edox-ops project backups list one --json")).backups.length).toBeGreaterThan(1);
  });

  test("restore-host: each command that it listed succeeds as printed, and the next backup has the same settings", () => {
    const commands = [...warnings.matchAll(/sudo (edox-ops (?:host|backup|watch|gitlab-runner) .+)$/gm)].map(
      ([, line = ""]) => line,
    );
    expect(commands.length).toBe(3);
    for (const line of commands) well(host, `${line} --yes`);
    const { backup } = JSON.parse(well(host, "edox-ops backup run --json"));
    expect(backup.projects).toEqual(["one", "three", "two"]);
    expect(JSON.parse(well(host, "cat /etc/edox-ops/backup.json"))).toMatchObject({
      with_releases: true,
      keep: { daily: 14 },
    });
    const set = JSON.parse(well(host, "cat /var/lib/edox-ops/backup/host.json")).set_up;
    expect(set).toContain("watch enable");
    expect(host.sh("edox-ops doctor --strict").stdout).not.toContain("[FAIL]");
  });
});

describe("restore-host: on a host of the next release", () => {
  let host: TestHost;
  beforeAll(async () => {
    host = await TestHost.bare("trixie", undefined, data);
    prepare(host);
    lead(slugs, host.address);
  });
  afterAll(() => host?.down());

  test("restore-host: a runner that cannot be installed is named, and the sites are served", async () => {
    const trixie = await ciPackages("trixie");
    using mirror = await serveFolder(trixie.folder, ground.gateway);
    const start = performance.now();
    // The mirror of the old host does not have this release.
    const { code, stderr } = host.sh(restoring(host, `--repo ${repo} --yes`));
    figure("restore-host, ms", "trixie", Math.round(performance.now() - start), "");
    expect([code, stderr]).toEqual([1, expect.stringContaining("not restored: GitLab Runner")]);
    expect(stderr).toContain("repeat this with sudo edox-ops gitlab-runner prepare-ci-host");
    expect(servedBy(host)).toBe(bytes);
    well(host, `edox-ops gitlab-runner prepare-ci-host --yes ${mirrorFlags(trixie, mirror).join(" ")}`);
    await jobRuns();
    expect(well(host, "edox-ops certs renew --force --yes")).toContain("renewed two.test\n");
  });

  test("restore-host: repeated after it was incomplete, it keeps a site that was deployed since", () => {
    well(host, "mkdir -p /srv/later && echo later >/srv/later/index.html");
    well(host, "edox-ops project deploy one --source /srv/later");
    const { code, stdout, stderr } = host.sh(restoring(host, `--repo ${repo} --yes`));
    const [, anyway = ""] = /newer on this host are kept: one; replace them with sudo (.+)\n/.exec(stderr) ?? [];
    expect([code, stdout, anyway]).toEqual([0, expect.not.stringContaining("Deployed"), expect.any(String)]);
    const page = "curl -sS https://one.test/";
    expect(well(ground, page)).toBe("later\n");
    expect(well(host, `${anyway} --yes`)).toContain("Deployed from the snapshot: one.");
    expect(well(ground, page)).toBe("one\n");
    expect(host.sh(restoring(host, `--repo ${repo} --yes`)).stderr).toContain("this host has sites already");
  });
});

describe("restore-host: on a host without a network", () => {
  let host: TestHost;
  const bundle = "/srv/host.tar";
  const stick = "/mnt/stick";
  const system = (suite: Suite, arch = "amd64") => ["--suite", suite, "--arch", arch, "--program", "none"];
  beforeAll(async () => {
    host = await TestHost.dark("bookworm", undefined, data);
    const roles = "host,certs,deploy-keys,docker,runner,backup";
    const created = createBundle(`${host.root}${bundle}`, [...system("bookworm"), "--with", roles, ...ciFlags]);
    const serial = created.created?.serial ?? 0;
    createBundle(`${host.root}/srv/without.tar`, [...system("bookworm"), "--with", "host"], { serial });
    createBundle(`${host.root}/srv/next.tar`, [...system("trixie"), "--with", "backup"], { serial });
    mkdirSync(`${host.root}${stick}`);
    must(["cp", "-a", `${ground.root}/srv/backup`, `${host.root}${stick}/backup`]);
    must(["cp", `${host.root}${bundle}`, `${host.root}/srv/bad.tar`]);
    must(
      "dd if=/dev/zero bs=1 seek=30000000 count=8 conv=notrunc status=none"
        .split(" ")
        .concat(`of=${host.root}/srv/bad.tar`),
    );
  }, 600_000);
  afterAll(() => host?.down());

  const restore = (path: string) => host.sh(restoring(host, `--repo ${stick}/backup --bundle ${path} --yes`));

  test.each([
    ["/srv/next.tar", "is for debian trixie on amd64, and this host is debian bookworm on amd64"],
    ["/srv/bad.tar", "the bundle is damaged"],
    ["/srv/without.tar", "restic is not in the bundle /srv/without.tar"],
  ])("restore-host: the bundle %s is refused before anything is changed", (path, message) => {
    const before = host.listing("/etc", "/var/lib", "/usr/bin");
    const { code, stderr } = restore(path);
    expect([code, stderr]).toEqual([1, expect.stringContaining(message)]);
    expect(host.listing("/etc", "/var/lib", "/usr/bin")).toBe(before);
  });

  test("restore-host: all packages come from the bundle, and no packet is sent", () => {
    const { code, stdout, stderr } = restore(bundle);
    expect([code, stdout]).toEqual([0, expect.stringContaining("Restored projects: one, three, two.")]);
    expect(stderr).toContain("the DNS did not answer for one.test");
    expect(host.packetsSent()).toBe(0);
    expect(listing(host)).toBe(trees);
    const page = "curl -sSk --resolve one.test:443:127.0.0.1 https://one.test/part/page-7.html | head -1";
    expect(well(host, page)).toBe("7\n");
    expect(well(host, "systemctl is-active docker gitlab-runner certbot.timer")).toBe("active\nactive\nactive\n");
    expect(host.sh("ls /var/lib/edox-ops/bundle /etc/apt/sources.list.d").stdout).not.toContain("bundle");
  });
});
