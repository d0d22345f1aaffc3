// Converts metrics into text that both OpenMetrics and the older format of Prometheus allow.

import type { Metric } from "../doctor/metrics.ts";

/** Returns the text. */
export function openmetricsOf(metrics: readonly Metric[]): string {
  const blocks = metrics.map(({ name, help, type, samples }) => {
    const lines = samples.map(({ suffix = "", labels, value }) => `${name}${suffix}${labelsOf(labels)} ${value}\n`);
    return `# HELP ${name} ${help}.\n# TYPE ${name} ${type}\n${lines.join("")}`;
  });
  return `${blocks.join("")}# EOF\n`;
}

function labelsOf(labels: Record<string, string>): string {
  const all = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return all.length === 0 ? "" : `{${all.join(",")}}`;
}

function escaped(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
