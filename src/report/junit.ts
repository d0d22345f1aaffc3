// Converts findings into a JUnit report, which CI systems show as tests.

import { type Finding, isHealthy } from "../engine/finding.ts";
import { oneLine } from "../text/lines.ts";

/** Returns the report as XML. A failed check is a failure; with `strict`, so is any other check that is not ok. */
export function junitOf(findings: readonly Finding[], strict: boolean): string {
  const failing = (status: Finding["status"]): boolean => status === "error" || (strict && !isHealthy(status));
  const cases = findings.map(({ name, status, detail }) => {
    const text = escapeXml(oneLine(detail));
    const result = failing(status) ? `<failure message="${text}"/>` : `<system-out>${text}</system-out>`;
    return `    <testcase classname="doctor" name="${escapeXml(oneLine(name))}">${result}</testcase>\n`;
  });
  const failures = findings.filter(({ status }) => failing(status)).length;
  const counts = `tests="${findings.length}" failures="${failures}"`;
  return `<?xml version="1.0" encoding="UTF-8"?>
<testsuites ${counts}>
  <testsuite name="edox-ops doctor" ${counts}>
${cases.join("")}  </testsuite>
</testsuites>
`;
}

function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
