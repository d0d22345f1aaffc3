import type { Created, CreateRequest } from "../../bundle/create/create.ts";
import { suiteNames, targetOf } from "../../bundle/create/suites.ts";
import type { Inventory } from "../../bundle/inventory.ts";
import type { BundledRole, BundleTarget } from "../../engine/feature.ts";
import type { Host } from "../../host/host.ts";
import { Problem } from "../../problem/problem.ts";
import { countOf, lineOf, shellLine } from "../../text/lines.ts";
import { sizeText } from "../../text/size.ts";
import { withFlag } from "../../text/with-flag.ts";
import { repeatedValues, usage } from "../arguments.ts";
import { command, type Values } from "../command.ts";
import { type Context, exitCode } from "../context.ts";
import { outputFlags } from "../flags.ts";
import { dockerMirrorFlags, mirrorOf, runnerMirrorFlags } from "../gitlab-runner/mirror.ts";
import { sizeOf } from "./size.ts";

const { "json=lines": _, ...output } = outputFlags;

export default command({
  meta: {
    name: "create",
    description: "Create an offline bundle for a host without a network",
    long: [
      "It downloads packages with their dependencies, container images, sites and edox-ops itself into one file.",
      "The other host may have another release of Debian or Ubuntu and another architecture.",
      "Downloads are verified and cached.",
      "Sign the bundle with --sign if the other host requires a signature.",
    ],
    examples: [
      "edox-ops bundle create --suite bookworm --arch arm64 --with host -o pi.tar",
      "edox-ops bundle create --suite trixie --arch amd64 --with host,docker,runner --image alpine:3.22 --split 4000M -o ci.tar",
      "edox-ops bundle create --for inventory.json --with host --since pi.tar --sign key.pem -o update.tar",
    ],
  },
  args: {
    output: {
      type: "string",
      alias: "o",
      required: true,
      valueHint: "file",
      description: "Write the bundle to this file",
    },
    suite: {
      type: "string",
      options: suiteNames,
      description: `Debian or Ubuntu release of the host: ${suiteNames.join(", ")}`,
    },
    arch: {
      type: "string",
      options: ["amd64", "arm64"],
      description: "Architecture of the host: amd64 or arm64",
    },
    with: {
      type: "string",
      valueHint: "role,...",
      description: "Packages to include: host, docker, runner, certs, deploy-keys, hardening, backup",
    },
    image: {
      type: "string",
      completes: "file",
      valueHint: "image",
      description: "Add this container image, by name or file (repeatable)",
    },
    site: {
      type: "string",
      completes: "directory",
      valueHint: "directory",
      description: "Add this site, also as NAME=DIRECTORY (repeatable)",
    },
    for: { type: "string", valueHint: "file", description: "Leave out packages that the host of this inventory has" },
    since: { type: "string", valueHint: "file", description: "Leave out files that this earlier bundle has" },
    sign: { type: "string", valueHint: "file", description: "Sign with this private key (P-256, PEM)" },
    split: {
      type: "string",
      valueHint: "size",
      description: "Split the bundle into files of at most this size, for example 4000M",
    },
    program: {
      type: "string",
      completes: "directory",
      group: "Advanced",
      valueHint: "directory",
      description: "Take edox-ops from this directory of release assets; none leaves it out",
    },
    ...dockerMirrorFlags,
    ...runnerMirrorFlags,
    ...output,
  },
  async run(values, context) {
    const { createBundle } = await import("../../bundle/create/create.ts");
    const { progressLine } = await import("../../report/progress.ts");
    const { console, hint } = context;
    const [host, trees] = [await context.host(), await context.trees()];
    const request = await requestOf(values, context, host);
    const signal = host.catchSignals();
    const stop = (): Problem | null => {
      const received = signal();
      if (received === null) return null;
      const { name, number } = received;
      const again = ["edox-ops", ...context.typed];
      return new Problem("interrupted", `interrupted by ${name}`, { returncode: 128 + number, hint: again });
    };
    const terminal = { err: console.err, unicode: console.unicode, columns: () => console.width("err") ?? 80 };
    const line = !values.quiet && console.width("err") !== null ? progressLine(terminal, host.now, stop) : null;
    const { makeDirectories } = await import("../../bundle/create/apt-root.ts");
    await makeDirectories(host, request.cacheDir);
    const lock = lockOf(host, request.cacheDir, ["edox-ops", ...context.typed]);
    try {
      // A directory that cannot be written would be found only after all downloads.
      host.createFile(request.output, { mode: 0o600 }).abort();
      const created = await createBundle(host, trees, request, {
        phase(sentence) {
          if (line) line.begin(sentence);
          else if (!values.quiet) console.err(lineOf`${sentence}`);
        },
        aptStatus: (text) => line?.status(text),
        pause() {
          const problem = stop();
          if (problem !== null) throw problem;
        },
      });
      line?.clear();
      if (values.json) await console.out(await document(created, request));
      else if (!values.quiet) await console.out(textOf(created, shellLine(hint(["edox-ops", "bundle", "show"]))));
      return exitCode.done;
    } catch (error) {
      // A program that ended because of the signal is not the cause.
      throw stop() ?? error;
    } finally {
      line?.clear();
      lock.release();
      request.since?.close();
      for (const { opened } of request.sites) opened.close();
    }
  },
});

async function requestOf(values: Values, context: Context, host: Host): Promise<CreateRequest> {
  const { openBundle } = await import("../../bundle/reader.ts");
  const { readInventory } = await import("../../bundle/inventory.ts");
  const { signingKey } = await import("../../bundle/create/signing-key.ts");
  const { programFiles } = await import("./program.ts");
  const { openSites } = await import("./site.ts");
  const text = (name: string): string | undefined => values[name] as string | undefined;
  if (text("output") === undefined) {
    throw usage("--output is missing", undefined, ["edox-ops", ...context.typed, "--output", "FILE"]);
  }
  const inventory = values.for === undefined ? null : readInventory(host, String(values.for));
  const target = typedTarget(text("suite"), text("arch"), inventory);
  const roles = await rolesOf(text("with"), target, context.typed);
  const [images, sites] = [repeatedValues(values, "image"), repeatedValues(values, "site")];
  if (roles.length === 0 && images.length === 0 && sites.length === 0) {
    throw usage("the bundle would be empty: use --with host, --image or --site");
  }
  const partBytes = values.split === undefined ? null : sizeOf("--split", String(values.split));
  const serial = epochOf(context.variable("SOURCE_DATE_EPOCH"));
  const sign = values.sign === undefined ? null : await signingKey(host, String(values.sign));
  const root = cacheRoot(host, context);
  const cacheDir = `${root}/${target.codename}-${target.architecture}`;
  const program = await programFiles(host, context, {
    typed: text("program"),
    architecture: target.architecture,
    cacheDir: root,
  });
  return {
    target,
    roles,
    mirrors: { docker: mirrorOf(values, "docker"), runner: mirrorOf(values, "runner") },
    images,
    registryVariables: setVariables(context, ["HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "REGISTRY_AUTH_FILE"]),
    sites: await openSites(host, await context.trees(), sites),
    program,
    inventory,
    since: values.since === undefined ? null : openBundle(host, String(values.since)),
    sign,
    serial,
    output: String(values.output),
    partBytes,
    cacheDir,
  };
}

function typedTarget(suite: string | undefined, arch: string | undefined, inventory: Inventory | null): BundleTarget {
  const codename = suite ?? inventory?.target.codename;
  const architecture = arch ?? inventory?.target.architecture;
  if (codename === undefined || architecture === undefined) {
    throw usage("--suite and --arch are missing: name the system of the host, or give its inventory with --for");
  }
  const target = targetOf(codename, architecture);
  if (target === null) {
    const supported = `${suiteNames.join(", ")} on amd64 and arm64`;
    throw usage(`no bundle can be made for ${codename} ${architecture} (supported: ${supported})`);
  }
  const known = inventory?.target;
  if (known && (known.codename !== codename || known.architecture !== architecture)) {
    throw usage(`the inventory is of ${known.codename} ${known.architecture}, not of ${codename} ${architecture}`);
  }
  return target;
}

/** Returns the roles with these names, in the order of the features. `line`: the words of the command. */
async function rolesOf(
  typed: string | undefined,
  target: BundleTarget,
  line: readonly string[],
): Promise<BundledRole[]> {
  const { features } = await import("../features.ts");
  const { nearestName } = await import("../../text/nearest-name.ts");
  const all = (
    await Promise.all(
      Object.values(features).map((each: { bundled?: (of: BundleTarget) => unknown }) => each.bundled?.(target)),
    )
  ).filter((role): role is BundledRole => role !== undefined);
  const names = (typed ?? "").split(",").filter(Boolean);
  for (const name of names) {
    const known = all.map((role) => role.name);
    if (!known.includes(name)) {
      const near = nearestName(name, known);
      const message = `unknown role '${name}' for --with`;
      if (near === undefined) throw usage(`${message} (there are ${known.join(", ")})`);
      const corrected = names.map((each) => (each === name ? near : each)).join(",");
      throw usage(message, near, withFlag(["edox-ops", ...line], "--with", corrected));
    }
  }
  return all.filter(({ name }) => names.includes(name));
}

function epochOf(typed: string | undefined): number | null {
  if (typed === undefined || typed === "") return null;
  if (/^\d{1,10}$/.test(typed)) return Number(typed);
  throw usage(`SOURCE_DATE_EPOCH '${typed}' is not a number of seconds`);
}

/** Returns those of the variables that are set. */
function setVariables({ variable }: Context, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = variable(name);
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

/** Returns the directory of the cache: that of the XDG specification, or root's. */
function cacheRoot(host: Host, { variable }: Context): string {
  const xdg = variable("XDG_CACHE_HOME");
  if (xdg?.startsWith("/")) return `${xdg}/edox-ops/bundle`;
  const home = variable("HOME");
  return host.uid === 0 || !home ? "/var/cache/edox-ops/bundle" : `${home}/.cache/edox-ops/bundle`;
}

/** Takes the lock of a cache. Throws a Problem if another run uses it. */
function lockOf(host: Host, cacheDir: string, again: readonly string[]): { release(): void } {
  const slash = cacheDir.lastIndexOf("/");
  const lock = host.lock(`${cacheDir.slice(0, slash)}/locks/${cacheDir.slice(slash + 1)}`);
  if ("release" in lock) return lock;
  throw new Problem("locked", `another run makes a bundle for this system (pid ${lock.pid})`, { hint: again });
}

function textOf({ manifest, paths, bytes }: Created, show: string): string {
  const { target, packages, images, sites } = manifest;
  const parts = [
    countOf(packages.length, "package"),
    ...(images.length > 0 ? [countOf(images.length, "image")] : []),
    ...(sites.length > 0 ? [countOf(sites.length, "site")] : []),
  ];
  return [
    lineOf`Bundle for ${target.codename} ${target.architecture}: ${parts.join(", ")}, ${sizeText(bytes)}`,
    ...paths.map((path) => lineOf`${path}`),
    lineOf`Show its contents: ${show} ${paths[0] ?? ""}`,
  ].join("");
}

async function document(created: Created, { sign }: CreateRequest): Promise<string> {
  const { jsonOf } = await import("../../report/json.ts");
  const { id, manifest, paths, bytes, fetchedBytes } = created;
  const { serial, target, packages, images, sites, program, since } = manifest;
  return jsonOf({
    command: "bundle create",
    outcome: "changed",
    exit: exitCode.done,
    created: {
      id,
      serial,
      target,
      with: manifest.with,
      paths,
      bytes,
      fetched_bytes: fetchedBytes,
      packages: packages.length,
      images: images.map(({ reference }) => reference),
      sites: sites.map(({ name }) => name),
      program: program?.version ?? null,
      signed: sign !== null,
      since: since?.id ?? null,
    },
  });
}
