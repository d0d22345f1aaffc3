// Commands that install from a bundle, on a host in memory whose apt is one that only records.

import { describe, expect, test } from "bun:test";
import type { Manifest } from "../../src/bundle/manifest.ts";
import { repositoryDir } from "../../src/bundle/paths.ts";
import { UnknownStateError } from "../../src/host/host.ts";
import { publicKeys } from "../../src/signature/openpgp.ts";
import { typed } from "../cli/typed.ts";
import { dockerKey, fakeDebian, type Like, runnerKey } from "../fake-debian.ts";
import { type FakeHost, ok } from "../fake-host.ts";
import { preparedRunner } from "../runner/prepared-runner.ts";
import { makeBundle, serial } from "./small.ts";

const path = "/mnt/b.tar";
const fingerprintOf = (key: Uint8Array): string => publicKeys(key)[0]?.fingerprint ?? "";
const names = ["nginx", "git", "curl", "rsync", "ca-certificates"];
const memberFor = (name: string): string => `repo/debian/pool/${name}_2.0+deb_amd64.deb`;
const place = "repo/debian/dists/bookworm";
const indexes = [`${place}/InRelease`, `${place}/main/binary-amd64/Packages.xz`];

const manifestFor = (changes: Partial<Manifest> = {}): Partial<Manifest> => ({
  packages: names.map((name) => {
    return { name, version: "2.0+deb", architecture: "amd64", path: memberFor(name), installedBytes: 1, licence: null };
  }),
  repositories: [
    {
      ...{ name: "debian", uri: "http://deb.test/debian", suite: "bookworm", components: ["main"] },
      ...{ key: null, fingerprint: null, files: indexes },
    },
  ],
  ...changes,
});
const contents = Object.fromEntries([...indexes, ...names.map(memberFor)].map((each) => [each, Buffer.from(each)]));

interface Signing {
  pem: string;
  sign(bytes: Uint8Array): Promise<Uint8Array>;
}

/** Returns a new key, and what signs with it in the format of openssl. */
async function signing(): Promise<Signing> {
  const form = { name: "ECDSA", namedCurve: "P-256" };
  const pair = await crypto.subtle.generateKey(form, true, ["sign", "verify"]);
  const spki = Buffer.from(await crypto.subtle.exportKey("spki", pair.publicKey)).toString("base64");
  return {
    pem: `-----BEGIN PUBLIC KEY-----\n${spki}\n-----END PUBLIC KEY-----\n`,
    async sign(bytes) {
      const raw = await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, pair.privateKey, Buffer.from(bytes));
      return derOf(new Uint8Array(raw));
    },
  };
}

function derOf(raw: Uint8Array): Buffer {
  const integers = [raw.subarray(0, 32), raw.subarray(32)].flatMap((part) => {
    const digits = part.subarray(part.findIndex((byte) => byte !== 0));
    const positive = (digits[0] ?? 0) > 127 ? [0, ...digits] : [...digits];
    return [2, positive.length, ...positive];
  });
  return Buffer.from([0x30, integers.length, ...integers]);
}

/** Returns a host with the bundle at {@link path}, and an apt that prints the addresses of the packages. */
async function hostWith(
  { changes, sign }: { changes?: Partial<Manifest>; sign?: Signing["sign"] } = {},
  like: Like = {},
): Promise<FakeHost> {
  const host = fakeDebian(like);
  host.dir("/mnt");
  await makeBundle(host, path, contents, { changes: manifestFor(changes), ...(sign && { sign }) });
  host.taught.unshift((argv) => {
    if (!argv.includes("--print-uris")) return undefined;
    return ok(names.map((name) => `'file:${repositoryDir}/${memberFor(name).replace("+", "%2b")}' x 1 \n`).join(""));
  });
  return host;
}

/** Returns what a host is, apart from its clock. */
const filesOf = (host: FakeHost): string => JSON.stringify(host.listing());

describe("project key add --bundle", () => {
  test("packages that the bundle does not have are not fetched from the network, and no key is added", async () => {
    const host = await hostWith();
    for (const line of ["bootstrap --yes", "project add demo --domain demo.test"]) await typed(line, host);
    host.put("/usr/local/bin/edox-ops", "this one", { mode: 0o755 });
    const { exit, err } = await typed(`project key add demo --generate --bundle ${path}`, host);
    expect([exit, err]).toEqual([1, expect.stringContaining("openssh-server, sudo are not in the bundle /mnt/b.tar")]);
    expect(host.stat("/etc/edox-ops/deploy-keys.json")).toBeNull();
    const other = await typed(`project key add demo --generate --bundle /mnt/none.tar`, host);
    expect(other).toMatchObject({ exit: 1, err: expect.stringContaining("/mnt/none.tar") });
  });
});

describe("bootstrap --bundle", () => {
  test("the package lists of the host stay, also one that a power cut has shortened", async () => {
    const host = await hostWith();
    const dir = "/var/lib/apt/lists";
    const release = `SHA256:\n ${"a".repeat(64)} 4 main/binary-amd64/Packages\n`;
    host.put(`${dir}/mirror.test_dists_x_InRelease`, release);
    host.put(`${dir}/mirror.test_dists_x_main_binary-amd64_Packages`, "cut");
    const before = host.listing(dir);
    expect(await typed(`bootstrap --bundle ${path} --yes`, host)).toMatchObject({ exit: 0, err: "" });
    expect(host.listing(dir)).toEqual(before);
  });

  test("apt reads only the bundle, and finds there only what it is about to install", async () => {
    const host = await hostWith();
    let written: Record<string, string> = {};
    const commands: string[][] = [];
    host.taught.unshift((argv) => {
      if (argv[0] === "apt-get") commands.push([...argv]);
      if (argv.includes("install") && !argv.includes("--print-uris")) written = host.listing(repositoryDir);
      return undefined;
    });
    expect(await typed(`bootstrap --bundle ${path} --yes`, host)).toMatchObject({ exit: 0, err: "" });
    const changing = commands.filter((argv) => !argv.includes("indextargets"));
    expect(changing.length).toBeGreaterThan(2);
    for (const argv of changing) expect(argv[1]).toBe(`-c=${repositoryDir}/apt.conf`);
    for (const each of [...indexes, ...names.map(memberFor)])
      expect(Object.keys(written)).toContain(`${repositoryDir}/${each}`);
    expect(written[`${repositoryDir}/bundle.sources`]).toContain(
      `URIs: file:${repositoryDir}/repo/debian\nSuites: bookworm`,
    );
    expect(written[`${repositoryDir}/preferences`]).toContain(
      "Package: nginx\nPin: version 2.0+deb\nPin-Priority: 500",
    );
    expect(host.stat(repositoryDir)).toBeNull();
    expect(host.asked).toEqual([]);
    expect(JSON.parse(host.text("/etc/edox-ops/bundle.json") ?? "")).toMatchObject({ serial });
  });

  test("settings of the host for its own sources do not apply to the bundle", async () => {
    const host = await hostWith();
    let [config, sources] = ["", ""];
    host.taught.unshift((argv) => {
      if (!argv.includes("update")) return undefined;
      config = host.text(`${repositoryDir}/apt.conf`) ?? "";
      sources = host.text(`${repositoryDir}/bundle.sources`) ?? "";
      return undefined;
    });
    await typed(`bootstrap --bundle ${path} --yes`, host);
    expect(config).toContain("#clear APT::Default-Release;\n");
    for (const option of ["APT::Get::AllowUnauthenticated", "Acquire::AllowInsecureRepositories"])
      expect(config).toContain(`${option} "false";\n`);
    expect(sources).toContain("\nTargets: Packages\n");
  });

  test("a stick that is pulled out after the installation is an error, beside the steps that were done", async () => {
    const host = await hostWith();
    let isPulled = false;
    const { openFile } = host;
    host.openFile = (each) => {
      const file = openFile(each);
      const read = (at: number, length: number): Uint8Array => {
        if (isPulled) throw new Error(`EIO: i/o error, read '${each}'`);
        return file?.read(at, length) ?? new Uint8Array();
      };
      return file && { ...file, read };
    };
    host.taught.unshift((argv) => {
      isPulled ||= argv.includes("install") && !argv.includes("--print-uris");
      return undefined;
    });
    const { exit, out } = await typed(`bootstrap --bundle ${path} --yes --json`, host);
    const { steps, error } = JSON.parse(out);
    expect([exit, steps.map(({ result }: { result: string }) => result)]).toEqual([1, Array(4).fill("changed")]);
    expect(error.message).toStartWith(`cannot read the bundle ${path}: `);
    expect([host.text("/etc/edox-ops/bundle.json"), host.stat(repositoryDir)]).toEqual([null, null]);
    isPulled = false;
    expect(await typed(`bootstrap --bundle ${path} --yes`, host)).toMatchObject({ exit: 0, err: "" });
  });

  test("a package that two repositories list is found wherever apt looks for it", async () => {
    const host = await hostWith();
    const other = (name: string): string => `repo/debian-security/pool/${name[0]}/${name}_2.0+deb_amd64.deb`;
    let written: string[] = [];
    host.taught.unshift((argv) => {
      if (!argv.includes("install")) return undefined;
      if (!argv.includes("--print-uris")) written = Object.keys(host.listing(repositoryDir));
      const lines = names.map((name) => {
        return `'file:${repositoryDir}/${other(name).replace("+", "%2b")}' ${name}_2.0+deb_amd64.deb 1 \n`;
      });
      return argv.includes("--print-uris") ? ok(lines.join("")) : undefined;
    });
    expect(await typed(`bootstrap --bundle ${path} --yes`, host)).toMatchObject({ exit: 0, err: "" });
    expect(written).toEqual(expect.arrayContaining(names.map((name) => `${repositoryDir}/${other(name)}`)));
  });

  test("a second run changes nothing, and starts no apt", async () => {
    const host = await hostWith();
    await typed(`bootstrap --bundle ${path} --yes`, host);
    const before = filesOf(host).replaceAll(/"[^"]*bootstrap\.log":"[^"]*"/g, "");
    const ran = host.ran.length;
    expect(await typed(`bootstrap --bundle ${path} --yes`, host)).toMatchObject({ exit: 0 });
    expect(filesOf(host).replaceAll(/"[^"]*bootstrap\.log":"[^"]*"/g, "")).toBe(before);
    expect(host.ran.slice(ran).filter((line) => line.startsWith("apt-get"))).toEqual([]);
  });

  test("a dry run lists the versions, and changes nothing", async () => {
    const host = await hostWith();
    const before = filesOf(host);
    const { exit, out } = await typed(`bootstrap --bundle ${path} --dry-run`, host);
    expect([exit, out]).toEqual([0, expect.stringContaining("from the bundle: nginx 2.0+deb\n")]);
    const json = JSON.parse((await typed(`bootstrap --bundle ${path} --dry-run --json`, host)).out);
    expect(json.packages).toContainEqual({ name: "nginx", version: "2.0+deb", requested: true });
    expect(filesOf(host)).toBe(before);
  });

  test("a signal at the question ends the command, and during the run it is caught", async () => {
    for (const [answer, calls] of [
      [false, 0],
      [true, 1],
    ] as const) {
      const host = await hostWith();
      let caught = 0;
      const { catchSignals } = host;
      host.catchSignals = () => {
        caught++;
        return catchSignals();
      };
      await typed(`bootstrap --bundle ${path}`, host, answer);
      expect(caught).toBe(calls);
    }
  });

  test("a package that is missing in the bundle is named, before apt is asked for it", async () => {
    const host = await hostWith({
      changes: { packages: manifestFor().packages?.filter(({ name }) => name !== "git") ?? [] },
    });
    const { exit, err } = await typed(`bootstrap --bundle ${path} --yes`, host);
    expect([exit, err]).toEqual([1, expect.stringContaining(`git is not in the bundle ${path}\n`)]);
    expect([host.stat(repositoryDir), host.text("/etc/edox-ops/bundle.json")]).toEqual([null, null]);
  });

  test("a dependency that is missing in the bundle is named", async () => {
    const host = await hostWith();
    const stdout =
      "The following packages have unmet dependencies:\n nginx : Depends: libfoo (>= 2) but it is not installable\n";
    host.taught.unshift((argv) => (argv.includes("--print-uris") ? { code: 100, stdout, stderr: "" } : undefined));
    const { exit, err } = await typed(`bootstrap --bundle ${path} --yes`, host);
    expect([exit, err]).toEqual([1, expect.stringContaining("libfoo, which nginx needs, is not in the bundle")]);
    expect(err).toContain("hint: edox-ops bundle show ");
  });

  test("the apt source that a killed run left is removed by the next run, with or without a bundle", async () => {
    for (const flags of ["", ` --bundle ${path}`]) {
      const host = await hostWith();
      host.put(`${repositoryDir}/repo/old.deb`, "old");
      expect(await typed(`bootstrap --yes${flags}`, host)).toMatchObject({ exit: 0 });
      expect(host.stat(repositoryDir)).toBeNull();
    }
  });

  test("--key, --require-signature and --allow-older need --bundle", async () => {
    for (const flag of ["--key /srv/k.pem", "--require-signature", "--allow-older"]) {
      const { exit, err } = await typed(`bootstrap --yes ${flag}`);
      expect([exit, err]).toEqual([2, expect.stringContaining(`${flag.split(" ")[0]} needs --bundle FILE`)]);
    }
  });
});

describe("prepare-ci-host --bundle", () => {
  const dockerUrl = "https://download.docker.com/linux/debian";
  const fingerprints = ["docker", "runner"].map((name, i) => {
    return `--${name}-apt-fingerprint ${fingerprintOf(i === 0 ? dockerKey : runnerKey)}`;
  });
  const line = `gitlab-runner prepare-ci-host --bundle ${path} ${fingerprints.join(" ")} --yes`;
  const pool = ["docker-ce", "docker-ce-cli", "containerd.io", "docker-buildx-plugin", "docker-compose-plugin"];
  const runner = ["gitlab-runner", "gitlab-runner-helper-images"];

  async function ciHost(): Promise<FakeHost> {
    const host = fakeDebian();
    host.dir("/mnt");
    const keys = { "keys/docker.asc": dockerKey, "keys/gitlab-runner.asc": runnerKey };
    const packages = [...names, ...pool, ...runner].map((name) => {
      return {
        ...{ name, version: "2", architecture: "amd64", installedBytes: 1, licence: null },
        path: "keys/docker.asc",
      };
    });
    const docker = { name: "docker", uri: dockerUrl, suite: "bookworm", components: ["stable"] };
    await makeBundle(host, path, keys, {
      changes: {
        packages,
        repositories: [{ ...docker, key: "keys/docker.asc", fingerprint: fingerprintOf(dockerKey), files: [] }],
        keys: [
          { url: `${dockerUrl}/gpg`, path: "keys/docker.asc" },
          { url: "https://packages.gitlab.com/gpgkey/gpg.key", path: "keys/gitlab-runner.asc" },
        ],
      },
    });
    host.taught.unshift((argv) => (argv.includes("--print-uris") ? ok() : undefined));
    // Only an engine on this host answers.
    host.served.unshift((_, url, { socketPath }) => (socketPath ? undefined : { status: 500, reason: url }));
    return host;
  }

  test("keys come from the bundle, and no request leaves the host", async () => {
    const host = await ciHost();
    expect(await typed(line, host)).toMatchObject({ exit: 0, err: "" });
    expect(host.asked.filter((each) => !each.startsWith("GET http://docker/"))).toEqual([]);
    expect(host.text("/etc/apt/sources.list.d/docker.sources")).toContain(`URIs: ${dockerUrl}\n`);
    expect(host.stat(repositoryDir)).toBeNull();
  });

  test("a repository is used only with the key that a source of the host pins", async () => {
    const host = await ciHost();
    const sources: string[] = [];
    host.taught.unshift((argv) => {
      if (argv.includes("update")) sources.push(host.text(`${repositoryDir}/bundle.sources`) ?? "");
      return undefined;
    });
    await typed(line, host);
    expect(sources[0]).not.toContain("repo/docker");
    expect(sources.at(-1)).toContain(`Signed-By: /etc/apt/keyrings/docker.asc ${fingerprintOf(dockerKey)}\n`);
  });
});

describe("gitlab-runner upgrade --bundle", () => {
  test("a dry run plans the versions of the bundle, and never an older one", async () => {
    for (const [version, planned] of [
      ["1.9", true],
      ["2.1", false],
    ] as const) {
      const packages = [
        {
          name: "gitlab-runner",
          version: "2.0",
          architecture: "amd64",
          path: memberFor("git"),
          installedBytes: 1,
          licence: null,
        },
      ];
      const host = await hostWith({ changes: { packages } });
      const status = `Package: gitlab-runner\nStatus: install ok installed\nVersion: ${version}\n\n`;
      host.put("/var/lib/dpkg/status", `${host.text("/var/lib/dpkg/status")}${status}`);
      const { out } = await typed(`gitlab-runner upgrade --bundle ${path} --dry-run`, host);
      expect(out.includes("from the bundle: gitlab-runner 2.0")).toBe(planned);
    }
  });
});

describe("gitlab-runner upgrade --bundle, on a prepared host", () => {
  const packages = [
    {
      ...{ name: "gitlab-runner", version: "2", architecture: "amd64", installedBytes: 1, licence: null },
      path: memberFor("git"),
    },
  ];
  const upgrade = ["upgrade", "--bundle", path];
  const stops = (host: FakeHost): string[] => host.ran.filter((line) => line.startsWith("systemctl stop"));

  test("the version of the bundle is installed, after the service was stopped", async () => {
    const { host, ops } = await preparedRunner();
    host.dir("/mnt");
    await makeBundle(host, path, contents, { changes: manifestFor({ packages }) });
    host.taught.unshift((argv) => (argv.includes("--print-uris") ? ok() : undefined));
    const { exit, out, err } = await ops(...upgrade);
    expect([exit, err, stops(host)]).toEqual([0, "", ["systemctl stop --no-block gitlab-runner"]]);
    expect(out).toContain("GitLab Runner was 1, and is 2\n");
    expect(host.stat(repositoryDir)).toBeNull();
  });

  test("a damaged bundle is refused before the service is stopped", async () => {
    const { host, ops } = await preparedRunner();
    host.dir("/mnt");
    await makeBundle(host, path, contents, { changes: manifestFor({ packages }) });
    const bytes = Uint8Array.from(host.read(path) ?? []);
    bytes[bytes.length - 2000] = 1;
    host.put(path, bytes);
    const { exit, err } = await ops(...upgrade);
    expect([exit, err, stops(host)]).toEqual([1, expect.stringContaining("the bundle is damaged"), []]);
  });
});

describe("--bundle, before anything changes", () => {
  const expectRefusal = async (host: FakeHost, cause: string | RegExp, flags = ""): Promise<void> => {
    const [before, ran] = [filesOf(host), host.ran.length];
    const { exit, err } = await typed(`bootstrap --bundle ${path} --yes${flags}`, host);
    expect([exit, err]).toEqual([1, expect.stringMatching(cause)]);
    expect(filesOf(host)).toBe(before);
    expect(host.ran.slice(ran)).toEqual([]);
  };

  test("a bundle for another suite or architecture is refused", async () => {
    const trixie = await hostWith({}, { version: "13", codename: "trixie" });
    await expectRefusal(trixie, /is for debian bookworm on amd64, and this host is debian trixie on amd64/);
    const arm = await hostWith({}, { architecture: "arm64" });
    await expectRefusal(arm, /is for debian bookworm on amd64, and this host is debian bookworm on arm64/);
  });

  test("a bundle is refused if the clock of the host is behind it", async () => {
    const host = await hostWith({ changes: { serial: 1_900_000_000 } });
    await expectRefusal(host, /the clock of this host is at 2027-.*, but the bundle is of 2030-03-17 17:46:40 UTC\n/);
  });

  test("a host whose clock says 1970 refuses a bundle of any age", async () => {
    const host = await hostWith({ changes: { serial: serial - 400 * 86_400 } });
    await host.sleep(1000 - host.now());
    await expectRefusal(
      host,
      /the clock of this host is at 1970-01-01 00:00:01 UTC, but the bundle is of 2025-08-17 14:13:20 UTC/,
    );
  });

  test("a bundle is refused if its indexes do not fit on the disk", async () => {
    const host = await hostWith();
    const full = { ...host, space: () => ({ bytesFree: 10, inodes: 100, inodesFree: 90 }) };
    const before = filesOf(host);
    const { exit, err } = await typed(`bootstrap --bundle ${path} --yes`, full);
    expect([exit, err]).toEqual([1, expect.stringContaining("no space left at /var/lib for the package indexes")]);
    expect(filesOf(host)).toBe(before);
  });

  test("a bundle without a signature is refused if a key or --require-signature demands one", async () => {
    const { pem } = await signing();
    const host = await hostWith();
    await expectRefusal(host, /--require-signature needs a key/, " --require-signature");
    host.put("/srv/key.pem", pem);
    await expectRefusal(host, /\/mnt\/b.tar is not signed, and this host accepts only/, " --key /srv/key.pem");
    host.put("/etc/edox-ops/trust/one.pem", pem, { mode: 0o644 });
    await expectRefusal(host, /\/mnt\/b.tar is not signed, and this host accepts only/);
  });

  test("a bundle is refused if no trusted key signed it, and accepted if one of several did", async () => {
    const [own, other] = [await signing(), await signing()];
    const host = await hostWith({ sign: own.sign });
    host.put("/etc/edox-ops/trust/other.pem", other.pem, { mode: 0o644 });
    await expectRefusal(host, /is not signed by a trusted key \(\/etc\/edox-ops\/trust\/other\.pem\)/);
    host.put("/etc/edox-ops/trust/own.pem", own.pem, { mode: 0o644 });
    expect(await typed(`bootstrap --bundle ${path} --yes`, host)).toMatchObject({ exit: 0, err: "" });
  });

  test("a bundle is refused if another user could change a trusted key, or if it is no key", async () => {
    const { pem, sign } = await signing();
    const host = await hostWith({ sign });
    host.put("/etc/edox-ops/trust/own.pem", pem, { mode: 0o664 });
    await expectRefusal(host, /\/etc\/edox-ops\/trust\/own\.pem is not used as a trusted key/);
    host.put("/etc/edox-ops/trust/own.pem", "no key", { mode: 0o644 });
    await expectRefusal(host, /own\.pem is not a public key in PEM/);
  });

  test("a bundle is refused if a trusted key is not one of ECDSA on P-256", async () => {
    const { pem, sign } = await signing();
    const form = { name: "ECDSA", namedCurve: "P-384" };
    const { publicKey } = await crypto.subtle.generateKey(form, true, ["sign", "verify"]);
    const other = Buffer.from(await crypto.subtle.exportKey("spki", publicKey)).toString("base64");
    for (const base64 of [other, "AAAA", ""]) {
      const host = await hostWith({ sign });
      host.put("/etc/edox-ops/trust/own.pem", pem, { mode: 0o644 });
      const wrong = `-----BEGIN PUBLIC KEY-----\n${base64}\n-----END PUBLIC KEY-----\n`;
      host.put("/srv/other.pem", wrong, { mode: 0o644 });
      await expectRefusal(host, /^error: \/srv\/other\.pem is not a public key in PEM/, " --key /srv/other.pem");
    }
  });

  test("a bundle is refused if a trusted key or the record of accepted bundles cannot be read", async () => {
    const { pem, sign } = await signing();
    for (const unreadable of ["/srv/key.pem", "/etc/edox-ops/trust", "/etc/edox-ops/bundle.json"]) {
      const host = await hostWith({ sign });
      host.put("/srv/key.pem", pem, { mode: 0o644 });
      // A file system in user space refuses root, too.
      const refused = <T>(read: (path: string) => T) => {
        return (path: string): T => {
          if (path.startsWith(unreadable)) throw new UnknownStateError(`${path} may only be read by root`);
          return read(path);
        };
      };
      const [before, ran] = [filesOf(host), host.ran.length];
      const refusing: FakeHost = { ...host, read: refused(host.read), list: refused(host.list) };
      const { exit, err } = await typed(`bootstrap --bundle ${path} --key /srv/key.pem --yes`, refusing);
      expect([exit, err]).toEqual([1, expect.stringContaining(`error: ${unreadable}`)]);
      expect([filesOf(host), host.ran.length]).toEqual([before, ran]);
    }
  });

  test("a bundle that is older than an accepted one is refused without --allow-older", async () => {
    const host = await hostWith();
    host.put("/etc/edox-ops/bundle.json", JSON.stringify({ serial: serial + 1, ids: [] }));
    await expectRefusal(
      host,
      /is older than the newest bundle that this host has accepted \(.* UTC\): pass --allow-older to accept it/,
    );
    expect(await typed(`bootstrap --bundle ${path} --yes --allow-older`, host)).toMatchObject({ exit: 0 });
    expect(JSON.parse(host.text("/etc/edox-ops/bundle.json") ?? "").serial).toBe(serial + 1);
  });

  test("a delta is refused if the host has not accepted the earlier bundle, or has lost its indexes", async () => {
    const old = await hostWith();
    await typed(`bootstrap --bundle ${path} --yes`, old);
    const [kept = "", ...more] = old.list("/var/lib/edox-ops/bundle-indexes") ?? [];
    expect(more).toHaveLength(1);
    const index = old.read(`/var/lib/edox-ops/bundle-indexes/${kept}`) ?? new Uint8Array();
    const { ids } = JSON.parse(old.text("/etc/edox-ops/bundle.json") ?? "");
    const changes = {
      since: { id: ids[0], serial },
      serial: serial + 1,
      kept: [{ path: new TextDecoder().decode(index), sha256: kept, size: index.length }],
    };
    const rest = Object.fromEntries(Object.entries(contents).filter(([each]) => each !== changes.kept[0]?.path));

    const other = fakeDebian();
    other.dir("/mnt");
    await makeBundle(other, path, rest, { changes: manifestFor(changes) });
    await expectRefusal(
      other,
      /has only what changed since the bundle of .*, which this host has not accepted or no longer has/,
    );

    await makeBundle(old, path, rest, { changes: manifestFor(changes) });
    const status = old.text("/var/lib/dpkg/status") ?? "";
    old.put("/var/lib/dpkg/status", status.replace(/Package: git\n[\s\S]*?\n\n/, ""));
    let written: string | undefined;
    old.taught.unshift((argv) => {
      if (argv.includes("update")) written = old.text(`${repositoryDir}/${changes.kept[0]?.path}`) ?? undefined;
      return undefined;
    });
    expect(await typed(`bootstrap --bundle ${path} --yes`, old)).toMatchObject({ exit: 0 });
    expect(written).toBe(new TextDecoder().decode(index));
    expect(old.list("/var/lib/edox-ops/bundle-indexes")).toHaveLength(2);

    old.put(`/var/lib/edox-ops/bundle-indexes/${kept}`, "changed");
    await expectRefusal(old, /which this host has not accepted or no longer has/);
  });

  test("a truncated bundle, and one with a flipped bit in any member, are refused", async () => {
    const host = await hostWith();
    const whole = Uint8Array.from(host.read(path) ?? []);
    host.put(path, whole.slice(0, -600));
    await expectRefusal(host, /the bundle is incomplete/);
    for (const at of [whole.length - 2000, whole.length - 5000]) {
      const flipped = Uint8Array.from(whole);
      flipped[at] = (flipped[at] ?? 0) ^ 1;
      host.put(path, flipped);
      await expectRefusal(host, /the bundle is damaged/);
    }
  });

  test("a bundle that is damaged after it was verified is not used", async () => {
    const host = await hostWith();
    const damage = (): undefined => {
      // The opened file is the same memory.
      const bytes = Buffer.from(host.read(path)?.buffer ?? new ArrayBuffer());
      bytes[bytes.lastIndexOf(memberFor("nginx"))] = 0;
    };
    host.taught.unshift((argv) => (argv.includes("update") ? damage() : undefined));
    const { exit, err } = await typed(`bootstrap --bundle ${path} --yes`, host);
    expect([exit, host.stat("/etc/nginx")]).toEqual([1, null]);
    expect(err).toContain("cannot read the bundle /mnt/b.tar");
  });
});

describe("doctor --bundle", () => {
  test("reports only whether the bundle fits, and changes nothing", async () => {
    const host = await hostWith();
    const before = filesOf(host);
    const { exit, out } = await typed(`doctor --bundle ${path}`, host);
    expect([exit, out]).toEqual([
      0,
      expect.stringContaining("bundle:versions: 5 packages, 5 missing here, 0 older here"),
    ]);
    expect(out).not.toContain("nginx:");
    expect(out).toEndWith("Doctor: the bundle fits this host.\n");
    expect(filesOf(host)).toBe(before);
  });

  test("a bundle for another suite fails, with every other result beside it", async () => {
    const host = await hostWith({}, { version: "13", codename: "trixie" });
    const { exit, out } = await typed(`doctor --bundle ${path}`, host);
    expect([exit, out]).toEqual([1, expect.stringContaining("[FAIL] bundle:target: ")]);
    expect(out).toContain("bundle:intact: ");
  });

  test("images that do not fit on the disk of a new Docker fail", async () => {
    const host = fakeDebian();
    const image = { reference: "docker:29-dind", config: `sha256:${"0".repeat(64)}`, path: "images/one.tar" };
    host.dir("/mnt");
    const changes = manifestFor({ images: [image] });
    await makeBundle(host, path, { ...contents, [image.path]: Buffer.alloc(600_000) }, { changes });
    host.space = () => ({ bytesFree: 1_000_000, inodes: 1e6, inodesFree: 9e5 });
    const { exit, out } = await typed(`doctor --bundle ${path}`, host);
    expect([exit, out]).toEqual([1, expect.stringContaining("[FAIL] images:space: no space left at /var/lib ")]);
  });

  test("--fix installs from the bundle", async () => {
    const host = await hostWith();
    expect(await typed(`doctor --bundle ${path} --fix --yes`, host)).toMatchObject({ exit: 0 });
    expect(
      host.ran.some((line) => line.includes(`apt-get -c=${repositoryDir}/apt.conf`) && line.includes("nginx")),
    ).toBe(true);
  });
});
