// What a person sees at a terminal of 80 and of 40 columns. Piped output is tested beside each command.

import { afterAll, afterEach, beforeEach, describe, expect, spyOn, test } from "bun:test";
import * as time from "../../src/text/time.ts";
import { fakeDebian } from "../fake-debian.ts";
import { atTerminal, bootstrap, typed, variables } from "./typed.ts";

// The width of a duration decides where a line breaks.
const durations = spyOn(time, "durationText");
afterAll(() => durations.mockRestore());
beforeEach(() => void durations.mockReturnValue("0.3 s"));
afterEach(() => {
  for (const name of ["COLUMNS", "LANG", "FORCE_COLOR"]) delete variables[name];
});

const shown = (columns: number, ...run: Parameters<typeof typed>) => atTerminal(columns, () => typed(...run));

const converged = (): Promise<ReturnType<typeof fakeDebian>> => bootstrap(fakeDebian());

for (const columns of [80, 40]) {
  describe(`at a terminal of ${columns} columns`, () => {
    test("bootstrap: the steps that changed something, the state of the host, and the next command", async () => {
      expect(await shown(columns, "bootstrap --yes", fakeDebian())).toMatchSnapshot();
    });

    test("bootstrap: a converged host has one line", async () => {
      expect(await shown(columns, "bootstrap --yes", await converged())).toMatchSnapshot();
    });

    test("bootstrap --dry-run: the plan ends with its summary and the command that applies it", async () => {
      expect(await shown(columns, "bootstrap --dry-run", fakeDebian())).toMatchSnapshot();
      expect(await shown(columns, "bootstrap --dry-run", await converged())).toMatchSnapshot();
    });

    test("bootstrap: a failed step has its error with the hint on one line, and how far the run came", async () => {
      const host = await converged();
      host.link("/etc/systemd/system/nginx.service", "/dev/null");
      expect(await shown(columns, "bootstrap --yes", host)).toMatchSnapshot();
    });

    test("project add: one sentence without the step", async () => {
      const host = await converged();
      const add = "project add docs --domain docs.example.org";
      expect(await shown(columns, `${add} --dry-run`, host)).toMatchSnapshot();
      expect(await shown(columns, add, host)).toMatchSnapshot();
      expect(await shown(columns, "project update docs --domain docs.example.org", host)).toMatchSnapshot();
    });
  });
}

test("bootstrap: at a terminal an interruption ends with how far the run came and the command that continues it", async () => {
  const host = fakeDebian();
  host.taught.unshift((argv) => {
    if (argv.includes("install")) host.signal = { name: "SIGINT", number: 2 };
    return undefined;
  });
  const { exit, out, err } = await shown(80, "bootstrap --yes", host);
  expect([exit, out]).toEqual([130, ""]);
  expect(err).toBe(
    "Stopping after apt finishes (safe)…\n" + "▲ Stopped in step 1 of 3. Continue with: edox-ops bootstrap --yes\n",
  );
});

test("at a terminal: no line of text is longer than the terminal, except commands, paths and addresses", async () => {
  for (const line of ["bootstrap --yes", "bootstrap --dry-run", "gitlab-runner prepare-ci-host --dry-run"]) {
    const { out } = await shown(40, line, fakeDebian());
    const long = out.split("\n").filter((each) => Bun.stringWidth(each) > 40);
    expect(long.filter((each) => !/ (?:edox-ops|\/\S+)/.test(each))).toEqual([]);
  }
});

test("at a terminal: with --verbose and with --quiet the steps are printed as in a pipe", async () => {
  for (const flag of ["--verbose", "--quiet"]) {
    const piped = await typed(`bootstrap --yes ${flag}`, await converged());
    variables.COLUMNS = "80";
    expect(await typed(`bootstrap --yes ${flag}`, await converged())).toEqual(piped);
    delete variables.COLUMNS;
  }
});

test("at a terminal: C is shown in ASCII, and colours only mark what the words say", async () => {
  const { out } = await shown(80, "bootstrap --yes", fakeDebian());
  variables.LANG = "C";
  const ascii = await shown(80, "bootstrap --yes", fakeDebian());
  expect(ascii.out).toMatch(/^[\n -~]+$/);
  expect(ascii.out).toContain("+ Host ready in 0.3 s (3 changed)\n");
  delete variables.LANG;
  variables.FORCE_COLOR = "1";
  const coloured = await shown(80, "bootstrap --yes", fakeDebian());
  expect(coloured.out).toContain("\u001B[32m✔ \u001B[0mHost ready");
  expect(Bun.stripANSI(coloured.out)).toBe(out);
});

test("bootstrap --diff: lines are coloured where colours are shown, and are the same without them", async () => {
  const plain = await shown(80, "bootstrap --dry-run --diff", await changed());
  variables.FORCE_COLOR = "1";
  const coloured = await shown(80, "bootstrap --dry-run --diff", await changed());
  expect(coloured.out).toContain("\u001B[31m-# edited\u001B[0m\n");
  expect(coloured.out).toContain("\u001B[36m@@ -1,");
  expect(Bun.stripANSI(coloured.out)).toBe(plain.out);
});

async function changed(): Promise<ReturnType<typeof fakeDebian>> {
  const host = await converged();
  host.put("/etc/nginx/conf.d/edox-ops-limits.conf", "# edited\n");
  return host;
}
