// The doctor check for ports that Docker publishes past ufw.

import { dockerSocket } from "../../docker/paths.ts";
import { type PublishedPort, publishedPorts } from "../../docker/published.ts";
import type { Check } from "../../engine/finding.ts";
import type { HostReader } from "../../host/host.ts";
import { few } from "../../text/lines.ts";
import { isLoaded } from "./docker-rules.ts";
import type { Rule } from "./rules.ts";
import { isFirewallSetUp } from "./set-up.ts";
import { flagsOf, recordedOptions, wantedRules } from "./wanted.ts";

export const dockerPorts: Check = {
  name: "host:docker-ports",
  appliesTo: (reader) => reader.stat(dockerSocket) !== null && isFirewallSetUp(reader),
  follows: ["host:docker-firewall"],
  async run(reader) {
    const published = await publishedPorts(reader);
    if (published.length === 0) return { status: "ok", detail: "no container publishes a port" };
    const options = recordedOptions(reader);
    const rules = await wantedRules(reader, options, () => undefined);
    const texts = published.map((port) => ({ ...port, from: sourcesOf(port, rules) }));
    const others = texts.filter(({ from }) => !from.includes(null));
    if (others.length === 0) return { status: "ok", detail: `published and allowed: ${list(texts)}` };
    if (await isFiltered(reader)) {
      const closed = texts.filter(({ from }) => from.length === 0);
      const open = texts.filter(({ from }) => from.length > 0);
      const parts = [
        closed.length > 0 && `closed by the firewall: ${list(closed)}`,
        open.length > 0 && `allowed: ${list(open)}`,
      ];
      return { status: "ok", detail: parts.filter(Boolean).join("; ") };
    }
    return {
      status: "warning",
      detail: `Docker publishes ports past ufw: ${list(others.map((each) => ({ ...each, from: [] })))}`,
      affects: "containers that anyone can reach",
      hint: ["sudo", "edox-ops", "host", "firewall", ...flagsOf({ ...options, docker: true }), "--yes"],
    };
  },
};

/** Only root can see the rules, and the program may be missing. */
async function isFiltered(reader: HostReader): Promise<boolean> {
  return recordedOptions(reader).docker && (await isLoaded(reader));
}

type Listed = PublishedPort & { from: (string | null)[] };

/** Returns the networks that may reach the port by these rules. null: any address. */
function sourcesOf({ port, protocol }: PublishedPort, rules: readonly Rule[]): (string | null)[] {
  return rules.filter((rule) => rule.port === port && rule.protocol === protocol).map(({ from }) => from);
}

function list(ports: readonly Listed[]): string {
  return few(
    ports.map(({ port, protocol, container, from }) => {
      const sources = from.length === 0 || from.includes(null) ? "" : ` from ${from.join(", ")}`;
      return `${port}/${protocol}${sources} (${container})`;
    }),
  );
}
