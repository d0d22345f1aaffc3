// The lines of sshd's configuration that decide a setting.

import { describe, expect, test } from "bun:test";
import { decidingLines, readSshdConfig, sshdConfigPaths } from "../../src/ssh/config.ts";
import { fakeHost } from "../fake-host.ts";

const main = "/etc/ssh/sshd_config";

/** Returns the lines that decide PasswordAuthentication for alice, a member of staff, as "name:line value". */
function deciding(files: Record<string, string>, keyword = "PasswordAuthentication", user = "alice"): string[] {
  const host = fakeHost();
  for (const [path, text] of Object.entries(files)) host.put(path, text);
  const lines = decidingLines(readSshdConfig(host), keyword, { user, groups: ["staff", user] });
  return lines.map(({ path, line, words }) => `${path.replace("/etc/ssh/", "")}:${line} ${words[0]}`);
}

describe("sshd_config: the line that decides a setting", () => {
  const include = "Include /etc/ssh/sshd_config.d/*.conf\n";
  const d = "/etc/ssh/sshd_config.d";
  const cases: [name: string, files: Record<string, string>, expected: string[]][] = [
    ["is none in an empty file", { [main]: "" }, []],
    ["is the first", { [main]: "PasswordAuthentication no\nPasswordAuthentication yes\n" }, ["sshd_config:1 no"]],
    [
      "may have a tab, an equals sign, quotes, capitals and a comment",
      { [main]: '\tPASSWORDAUTHENTICATION = "no" # x\n' },
      ["sshd_config:1 no"],
    ],
    ["is not a comment", { [main]: "#PasswordAuthentication no\n  # PasswordAuthentication no\n" }, []],
    [
      "is the first of the included files in the order of their names",
      {
        [main]: include,
        [`${d}/50.conf`]: "PasswordAuthentication yes\n",
        [`${d}/00.conf`]: "PasswordAuthentication no\n",
      },
      ["sshd_config.d/00.conf:1 no"],
    ],
    [
      "is above Include",
      { [main]: `PasswordAuthentication yes\n${include}`, [`${d}/00.conf`]: "PasswordAuthentication no\n" },
      ["sshd_config:1 yes"],
    ],
    [
      "is not in a file of another name",
      {
        [main]: include,
        [`${d}/00.conf.bak`]: "PasswordAuthentication no\n",
        [`${d}/.x.conf`]: "PasswordAuthentication no\n",
      },
      [],
    ],
    [
      "is in a file that a relative pattern includes",
      { [main]: "Include sshd_config.d/0?.conf\n", [`${d}/00.conf`]: "PasswordAuthentication no\n" },
      ["sshd_config.d/00.conf:1 no"],
    ],
    [
      "is that of a block for the user, wherever the block is",
      { [main]: "PasswordAuthentication no\nMatch User bob,ali*\nPasswordAuthentication yes\n" },
      ["sshd_config:3 yes"],
    ],
    [
      "is not that of a block for others",
      {
        [main]:
          "PasswordAuthentication no\nMatch User bob\nPasswordAuthentication yes\nMatch User *,!alice\nPasswordAuthentication yes\n",
      },
      ["sshd_config:1 no"],
    ],
    [
      "is that of a block for a group",
      { [main]: "PasswordAuthentication no\nMatch Group staff\nPasswordAuthentication yes\n" },
      ["sshd_config:3 yes"],
    ],
    [
      "is not that of a block from which a group is excluded",
      { [main]: "PasswordAuthentication no\nMatch Group !staff,*\nPasswordAuthentication yes\n" },
      ["sshd_config:1 no"],
    ],
    [
      "is that of the first block",
      { [main]: "Match all\nPasswordAuthentication no\nMatch User alice\nPasswordAuthentication yes\n" },
      ["sshd_config:2 no"],
    ],
    [
      "may be in a block for some addresses",
      { [main]: "PasswordAuthentication no\nMatch Address 10.0.0.0/8\nPasswordAuthentication yes\n" },
      ["sshd_config:3 yes", "sshd_config:1 no"],
    ],
    [
      "ends with the block's file",
      {
        [main]: `${include}PasswordAuthentication no\n`,
        [`${d}/00.conf`]: "Match User bob\nPasswordAuthentication yes\n",
      },
      ["sshd_config:2 no"],
    ],
    [
      "is in a file that a block includes",
      {
        [main]: `PasswordAuthentication no\nMatch User alice\n${include}`,
        [`${d}/00.conf`]: "PasswordAuthentication yes\n",
      },
      ["sshd_config.d/00.conf:1 yes"],
    ],
    [
      "is not in a file that a block for others includes",
      {
        [main]: `PasswordAuthentication no\nMatch User bob\n${include}`,
        [`${d}/00.conf`]: "PasswordAuthentication yes\n",
      },
      ["sshd_config:1 no"],
    ],
  ];
  test.each(cases)("%s", (_, files, expected) => {
    expect(deciding(files)).toEqual(expected);
  });

  test("may have its former name", () => {
    expect(deciding({ [main]: "ChallengeResponseAuthentication no\n" }, "KbdInteractiveAuthentication")).toEqual([
      "sshd_config:1 no",
    ]);
  });

  test("ends with files that include themselves", () => {
    expect(deciding({ [main]: `PasswordAuthentication no\nInclude ${main}\n` })).toEqual(["sshd_config:1 no"]);
  });
});

test("sshd_config: a file that Include names and that is missing is watched by its directory, which a deletion changes", () => {
  const host = fakeHost();
  host.put(main, "Include /etc/ssh/extra/one.conf\nInclude /etc/ssh/sshd_config.d/*.conf\n");
  host.put("/etc/ssh/extra/one.conf", "");
  const globbed = "/etc/ssh/sshd_config.d";
  expect(sshdConfigPaths(host)).toEqual([main, "/etc/ssh/extra/one.conf", globbed]);
  host.remove("/etc/ssh/extra/one.conf");
  expect(sshdConfigPaths(host)).toEqual([main, "/etc/ssh/extra", globbed]);
});
