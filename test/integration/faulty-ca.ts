// Starts the stand-in for a certificate authority in trouble in front of a host's pebble.

import { readFileSync, writeFileSync } from "node:fs";
import { type Endpoint, endpoints, type Fault, type FaultyState } from "../stand-in/faulty-ca.ts";
import { become, certificatePath, defaultServer, keyPath, type Pebble } from "./pebble.ts";
import type { TestHost } from "./test-host.ts";

export interface FaultyCa {
  /** The URL of its directory, for `certbot --server`. */
  directory: string;
  /** Answers so from now on. Without a fault, every answer is pebble's. */
  set(state: FaultyState): void;
  /** Makes one endpoint answer with a fault, always or this many times. */
  fail(kind: Fault, at: Endpoint, times?: number): void;
  /** `down`: connections are refused. */
  become(state: "up" | "down"): void;
  /** Returns the endpoints that were asked since the last call, in order. */
  requests(): Endpoint[];
}

const port = 14443;
const statePath = "/srv/faulty-ca.json";
const logPath = "/srv/faulty-ca.log";

/** Puts the stand-in in front of pebble, also for a certbot that no flag tells which server to use. */
export function startFaultyCa(host: TestHost, pebble: Pebble): FaultyCa {
  let calls = 0;
  const set = (state: FaultyState): void => {
    calls += 1;
    // The number makes each call new, so that a fault is counted from its start.
    writeFileSync(`${host.root}${statePath}`, JSON.stringify({ ...state, call: calls }));
  };
  set({});
  writeFileSync(`${host.root}${logPath}`, "");
  host.put(process.execPath, "/usr/local/bin/bun");
  host.put(`${import.meta.dir}/../stand-in/faulty-ca.ts`, "/srv/faulty-ca.ts");
  const upstream = pebble.directory.replace(/\/dir$/, "");
  const words = `/srv/faulty-ca.ts ${port} ${upstream} ${certificatePath} ${keyPath} ${statePath} ${logPath}`;
  const directory = `https://pebble:${port}/dir`;
  const start = `systemd-run --quiet --unit=faulty-ca bun ${words} &&
    curl -sS --fail --retry 40 --retry-connrefused --retry-delay 1 -o /dev/null ${directory}`;
  const { code, stderr } = host.sh(start);
  if (code !== 0) throw new Error(`the faulty CA does not start: ${stderr}`);
  defaultServer(host, directory);
  return {
    directory,
    set,
    fail: (kind, at, times) => set({ fault: { kind, at, ...(times === undefined ? {} : { times }) } }),
    become: (state) => become(host, [port], state),
    requests: () => {
      const lines = readFileSync(`${host.root}${logPath}`, "utf8").split("\n").filter(Boolean);
      writeFileSync(`${host.root}${logPath}`, "");
      return lines.map((line) => {
        const path = line.split(" ")[1] ?? "";
        const known = Object.entries(endpoints).find(([, start]) => path.startsWith(start));
        if (known === undefined) throw new Error(`an unknown endpoint: ${line}`);
        return known[0] as Endpoint;
      });
    },
  };
}
