// A network namespace that is "outside" for this host: what it sends enters through INPUT, as a stranger's packets do.

import type { Host, Output, RunOptions } from "../../host/host.ts";
import { canonicalAddress } from "../../ssh/address.ts";
import { connect, type Inside, mostSources, removeRemains, setupLimitMs } from "./link.ts";

const nothing = new Uint8Array();
/** The proofs of a run share the count, so that a failure of each has an address of its own. */
let used = Math.floor(Math.random() * mostSources);

/** Ways to connect to this host as a stranger does. */
export interface Outside {
  /** Whether packets pass INPUT. Without a namespace they come over loopback, which firewalls accept. */
  isOutside: boolean;
  /** The address of the operator, if connections can be made from it. */
  operator: string | null;
  /** All addresses from which connections are made, as addresses and networks. */
  networks: readonly string[];
  /** Returns an address of this family that no other login uses. */
  source(family: 4 | 6): string;
  run(argv: readonly string[], options?: RunOptions): Promise<Output>;
}

/**
 * Runs `act` with a network namespace that is linked to this host. The link and its routes exist until `act` ends. After a
 * kill, the link and a rule may stay, which `record` has the next run remove.
 * Replies to the operator's address are led to the namespace for a few ports alone, which no connection from there uses
 * now, so that the session goes on. Returns null if this host allows no namespaces.
 */
export async function withOutside<T>(
  host: Host,
  inside: Inside,
  act: (outside: Outside) => Promise<T>,
): Promise<T | null> {
  await removeRemains(host);
  const namespace = await holdNamespace(host);
  if (namespace === null) return null;
  const { pid } = namespace;
  try {
    const enter = ["nsenter", `--net=/proc/${pid}/ns/net`, "--"];
    const network = await connect(host, { pid, enter, ...inside });
    if (network === null) return null;
    return await act({
      isOutside: true,
      operator: network.operator,
      networks: [
        `${network.range}.0.0/16`,
        `${canonicalAddress(`${network.prefix}::`)}/48`,
        ...(network.operator === null ? [] : [network.operator]),
      ],
      source(family) {
        used = (used % mostSources) + 1;
        const address = family === 4 ? `${network.range}.${used}.2` : `${network.prefix}:${used.toString(16)}::2`;
        return canonicalAddress(address) ?? address;
      },
      run: (argv, options) => host.run([...enter, ...argv], options),
    });
  } finally {
    await removeRemains(host).finally(namespace.end);
  }
}

/** Returns what replaces the namespace where none is allowed: connections over loopback. */
export function loopback(host: Host): Outside {
  return {
    isOutside: false,
    operator: null,
    networks: ["127.0.0.0/8", "::1"],
    source: (family) => (family === 4 ? `127.83.${(used++ % mostSources) + 1}.2` : "::1"),
    run: (argv, options) => host.run(argv, options),
  };
}

/**
 * Starts a process in a namespace of its own, which reads a pipe of this process to its end. The namespace has no name
 * on the disk: it exists as long as that process. Returns null if the kernel or a container refuses it.
 */
async function holdNamespace(host: Host): Promise<{ pid: number; end(): void } | null> {
  const ending = Promise.withResolvers<Uint8Array>();
  const started = Promise.withResolvers<number | null>();
  async function* untilEnd(): AsyncGenerator<Uint8Array> {
    yield await ending.promise;
  }
  const none = (): void => started.resolve(null);
  const timer = setTimeout(none, setupLimitMs);
  host
    .probe(["unshare", "--net", "--", "cat", "/proc/self/stat", "-"], {
      input: untilEnd(),
      onOutput(text) {
        const [, pid] = /^(\d+) \(cat\) /.exec(text) ?? [];
        started.resolve(pid === undefined ? null : Number(pid));
      },
    })
    .then(none, none);
  const pid = await started.promise;
  clearTimeout(timer);
  if (pid !== null) return { pid, end: () => ending.resolve(nothing) };
  ending.resolve(nothing);
  return null;
}
