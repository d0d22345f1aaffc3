// The lines of an nginx site that serve versions. test/integration/project.test.ts requests them from nginx.

import { describe, expect, test } from "bun:test";
import { vhostText } from "../../src/sites/serve/vhost.ts";
import { project } from "./tree.ts";

const host = {
  ipv6: false,
  certificateDir: null,
  previewCertificateDir: null,
  certifiedPreviews: [],
  rules: false,
  http2Parameter: true,
};
const dir = "/var/www/docs/.edox-ops-versions/demo";
const lines = (text: string): string[] => text.split("\n").map((line) => line.trim());

describe("nginx site with versions", () => {
  const without = lines(vhostText(project, { ...host, versions: null }));

  test("without a default version serves their trees, and changes nothing else", () => {
    const served = lines(vhostText(project, { ...host, versions: { dir, defaultName: null, indexed: null } }));
    expect(without.filter((line) => !served.includes(line))).toEqual(["error_page 404 /404.html;"]);
    expect(served.filter((line) => !without.includes(line)).join("\n")).toMatchSnapshot();
  });

  test("with a default version redirects to it, and names it as canonical by the scheme of the site", () => {
    const versions = { dir, defaultName: "1.4", indexed: ["1.4", "latest"] };
    const served = lines(vhostText(project, { ...host, versions }));
    expect(served.filter((line) => !without.includes(line)).join("\n")).toMatchSnapshot();
    const secure = vhostText({ ...project, tls: true }, { ...host, certificateDir: "/etc/x", versions });
    expect(secure).toContain(`'<https://demo.test/1.4$edox_ops_rest>; rel="canonical"'`);
    expect(secure).not.toContain("<http:");
  });

  test("lists them in previews with host names, and leads their addresses to the site", () => {
    const previews = { ...project, previews: "host" as const };
    const versions = { dir, defaultName: null, indexed: null };
    const [, plain = ""] = vhostText(previews, { ...host, versions: null })
      .split("\nserver {\n    listen 80;", 3)
      .slice(1);
    const text = vhostText({ ...previews, tls: true }, { ...host, certificateDir: "/etc/x", versions });
    const served = lines(text.slice(text.lastIndexOf("\nserver {")));
    expect(lines(plain).filter((line) => !served.includes(line))).toEqual([]);
    expect(served.filter((line) => !lines(plain).includes(line)).join("\n")).toMatchSnapshot();
    expect(served).toContain("return 302 https://demo.test$request_uri;");
  });
});
