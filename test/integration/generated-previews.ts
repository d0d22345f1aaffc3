// Tests previews of generated sites, under their own host names and below a path of the site.

import { expect, test } from "bun:test";
import { events } from "./gitlab-project.ts";
import type { Published } from "./published.ts";
import { looks } from "./site-looks.ts";
import { type Generator, generators, previewBranch, previewName } from "./site-sources.ts";

/** The generators whose links begin with `/`, unless they build for another base. Their router knows no other address. */
const needsBase: readonly Generator[] = ["vitepress", "docusaurus"];

export function previewTests(published: () => Published): void {
  /** Returns the status and the robots header of an address of the host. */
  const answer = (url: string): string => {
    const out = "-o /dev/null -w '%{http_code} %header{x-robots-tag}'";
    return published().host.sh(`curl -sS ${out} --connect-to ::127.0.0.1: ${url}`).stdout.trim();
  };
  const switchTo = (name: Generator, mode: "host" | "path"): void => {
    const { code } = published().host.run(["edox-ops", "project", "update", name, "--previews", mode]);
    expect(code).toBe(0);
  };
  /** Runs the job of a merge request, and returns the address that it reports. */
  const preview = async (
    name: Generator,
    artifact: { built: string; more?: readonly string[] },
  ): Promise<string | undefined> => {
    const project = published().projects.get(name);
    project?.switchTo(previewBranch);
    const report = await project?.deploy("preview", events.merge, artifact);
    return /^EDOX_OPS_PREVIEW_URL=(\S+)\n$/.exec(report ?? "")?.[1];
  };
  const worksAt = async (name: Generator, start: string): Promise<void> => {
    const { alive, wanted, find } = looks[name];
    await using opened = await published().reader.open(new URL(start).host);
    const { page, problems } = opened;
    await page.goto(start, { waitUntil: "networkidle" });
    expect(await alive(page)).toEqual(wanted);
    await find(page);
    await page.waitForURL((url) => url.href.startsWith(`${start}guide/install`));
    await page.waitForLoadState("networkidle");
    expect(problems).toEqual([]);
  };

  for (const name of generators) {
    test(`${name}: the preview of a merge request works under its own name without errors`, async () => {
      const { sites } = published();
      switchTo(name, "host");
      // Only the preview has this file.
      const address = await preview(name, { built: `${sites}/${name}`, more: ["only.txt"] });
      const [start, site] = [`http://${previewName}.preview.${name}.test/`, `http://${name}.test/`];
      expect(address).toBe(start);
      await worksAt(name, start);
      expect([answer(start), answer(`${start}only.txt`), answer(`${start}missing`)]).toEqual([
        "200 noindex",
        "200 noindex",
        "404 noindex",
      ]);
      expect([answer(site), answer(`${site}only.txt`)]).toEqual(["200", "404"]);
    });

    const start = `http://${name}.test/-/${previewName}/`;
    if (!needsBase.includes(name)) {
      test(`${name}: a preview works below a path of the site, because its addresses are relative`, async () => {
        switchTo(name, "path");
        await worksAt(name, start);
        expect([answer(start), answer(`${start}only.txt`)]).toEqual(["200 noindex", "200 noindex"]);
      });
      continue;
    }
    test(`${name}: a preview that is built for the base / shows its page for missing addresses below a path`, async () => {
      switchTo(name, "path");
      expect(answer(`${start}only.txt`)).toBe("200 noindex");
      await using opened = await published().reader.open(`${name}.test`);
      const { page } = opened;
      expect((await page.goto(start, { waitUntil: "networkidle" }))?.status()).toBe(200);
      await page.getByText(looks[name].missing).first().waitFor();
      // Its links lead to the live site.
      const links = await page
        .locator("a[href]")
        .evaluateAll((all) => all.map((each) => (each as unknown as { href: string }).href.replace(/#.*/, "")));
      expect(links.filter((link) => link !== start)).not.toEqual([]);
      expect(links.filter((link) => link !== start && link.startsWith(start))).toEqual([]);
    });

    test(`${name}: a preview that is built for the base of its path works below that path`, async () => {
      expect(await preview(name, { built: `${published().sites}/${name}-below` })).toBe(start);
      await worksAt(name, start);
    });
  }
}
