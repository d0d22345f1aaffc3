// A host whose network is a bundle: recipes run on it as they are. apt reads the packages of the bundle, signing keys
// come from the bundle, and no other request leaves the host. docs/architecture.md lists the calls that it replaces.

import { heldPackages, packageState, presentVersion, unfinishedPackages } from "../apt/dpkg.ts";
import { listsDir } from "../apt/sources.ts";
import { compareVersions } from "../apt/version.ts";
import type { Host, HttpResponse, Output, RunOptions } from "../host/host.ts";
import { Problem } from "../problem/problem.ts";
import { bundledPath, missingDependencies, plannedFiles, requestedNames } from "./apt-plan.ts";
import { shortage } from "./fit.ts";
import {
  createRepository,
  extract,
  type Pause,
  removeRepository,
  repositoryOption,
  writeSources,
} from "./local-repository.ts";
import type { Bundle } from "./reader.ts";
import { hintToShowBundle } from "./show-hint.ts";

/** After an update, apt would build a cache of all packages, which nothing keeps in a run with a bundle. */
const withoutCache = ["-o", "pkgCacheFile::Generate=false"];
const noSources = ["-o", "Dir::Etc::sourcelist=/dev/null", "-o", "Dir::Etc::sourceparts=/dev/null"];
const noNetwork = "a run with --bundle uses no network, and the bundle does not contain this address";

export interface BundledHost {
  host: Host;
  /** Removes the local repository. The next program of apt creates it again. */
  discard(): void;
}

/** Returns the host with the bundle in place of its network. `pause` is called between two pieces of the bundle. */
export function bundledHost(host: Host, bundle: Bundle, pause: Pause): BundledHost {
  const { manifest } = bundle;
  const versions = new Map(manifest.packages.map(({ name, version }) => [name, version]));
  let hasRepository = false;

  const bundled: Host = {
    ...host,
    async get(url, options) {
      if (options?.socketPath !== undefined || isLocal(url)) return host.get(url, options);
      const key = manifest.keys.find((each) => each.url === url);
      return key === undefined ? refusal : { ...refusal, status: 200, reason: "", body: await bundle.bytes(key.path) };
    },
    resolve: async () => ({ addresses: [], failure: "no-answer" }),
    // apt reads the lists of the bundle. Damaged ones of the host stay until a run with the network replaces them.
    list: (path) => (path === listsDir ? [] : host.list(path)),
    async send(method, url, options) {
      return options?.socketPath !== undefined || isLocal(url) ? host.send(method, url, options) : refusal;
    },
    async download(url, path, options) {
      return isLocal(url) ? host.download(url, path, options) : noNetwork;
    },
    async probe(argv, options) {
      if (argv[0] !== "apt-get") return host.probe(argv, options);
      if (hasRepository) return host.probe(fromRepository(argv), options);
      // The host's own sources play no part in this run.
      if (argv.includes("indextargets")) return host.probe([...argv, ...noSources], options);
      return argv.includes("--only-upgrade") ? plannedUpgrade(argv) : host.probe(argv, options);
    },
    async run(argv, options) {
      if (argv[0] !== "apt-get") return host.run(argv, options);
      if (argv.includes("update")) {
        await provide();
        return host.run(fromRepository(argv, ...withoutCache), options);
      }
      await readLists(options);
      return argv.includes("--simulate") ? host.run(fromRepository(argv), options) : install(argv, options);
    },
  };
  const discard = (): void => {
    hasRepository = false;
    removeRepository(host);
  };
  return { host: bundled, discard };

  async function provide(): Promise<void> {
    if (hasRepository) writeSources(host, bundle);
    else await createRepository(host, bundle, pause);
    hasRepository = true;
  }

  /** apt-get finishes an interrupted installation without an update before it. */
  async function readLists(options: RunOptions | undefined): Promise<void> {
    if (hasRepository) return;
    await provide();
    await host.run(fromRepository(["apt-get", "-q", "update"], ...withoutCache), quiet(options));
  }

  /** Writes exactly those packages to the local repository that apt wants, and then lets it install them. */
  async function install(argv: readonly string[], options: RunOptions | undefined): Promise<Output> {
    const absent = requestedNames(argv).filter((name) => !versions.has(name) && packageState(host, name) === "missing");
    if (absent.length > 0)
      throw notBundled(`${absent.join(", ")} ${absent.length === 1 ? "is" : "are"} not in the bundle`);
    const planned = await host.run(fromRepository(argv, "--print-uris"), quiet(options));
    if (planned.code !== 0) {
      const missing = missingDependencies(planned.stdout + planned.stderr);
      // Beside an unfinished package, apt's own words say which one it is.
      if (missing.length > 0 && unfinishedPackages(host).length === 0) throw notBundled(missing.join("; "));
      return { ...planned, stderr: [...missing.map((sentence) => `E: ${sentence}\n`), planned.stderr].join("") };
    }
    const files = plannedFiles(planned.stdout).map((each) => {
      const member = bundledPath(manifest, each);
      if (member === null) throw notBundled(`${each.path} is not in the bundle`);
      return { path: each.path, member };
    });
    const members = new Set(files.map(({ member }) => member));
    const short = shortage(
      host,
      bundle,
      manifest.packages.filter(({ path }) => members.has(path)),
    );
    if (short !== null) throw new Problem(short.code ?? "no-space", short.reason, { hint: short.hint });
    for (const each of files) await extract(host, bundle, each, pause);
    return host.run(fromRepository(argv), options);
  }

  /** Answers as apt-get does, from the manifest: nothing may be written before the run begins. */
  function plannedUpgrade(argv: readonly string[]): Output {
    const outdated = requestedNames(argv).flatMap((name) => {
      const [present, version] = [presentVersion(host, name), versions.get(name)];
      if (present === null || version === undefined || compareVersions(present, version) >= 0) return [];
      return [{ name, line: `Inst ${name} [${present}] (${version} bundle)\n` }];
    });
    const held = heldPackages(
      host,
      outdated.map(({ name }) => name),
    );
    if (held.length > 0) return { code: 100, stdout: "", stderr: "E: Held packages were changed\n" };
    return { code: 0, stdout: outdated.map(({ line }) => line).join(""), stderr: "" };
  }

  function notBundled(message: string): Problem {
    return new Problem("package-failed", `${message} ${bundle.path}`, { hint: hintToShowBundle(bundle.path) });
  }
}

const refusal: HttpResponse = { status: 0, reason: noNetwork, headers: {}, body: new Uint8Array() };

function fromRepository([program = "", ...words]: readonly string[], ...more: string[]): string[] {
  return [program, repositoryOption, ...more, ...words];
}

/** Calls before the requested one have its environment and time limit, but must not report progress in its name. */
function quiet({ env, limitMs }: RunOptions = {}): RunOptions {
  return { ...(env && { env }), ...(limitMs !== undefined && { limitMs }) };
}

function isLocal(url: string): boolean {
  return /^https?:\/\/(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])(?:[:/]|$)/.test(url);
}
