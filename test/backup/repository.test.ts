// The location of a repository: hostile and mistyped ones are refused, and no password is a part of one.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { isSameRepository, readRepository, shownLocation, withCredentials } from "../../src/backup/repository.ts";
import { keepText, readKeep } from "../../src/backup/settings.ts";

describe("repository", () => {
  test.each([
    ["/mnt/stick/backup", { kind: "local", path: "/mnt/stick/backup", ssh: null }],
    ["//mnt/./repo/", { location: "//mnt/./repo/", path: "/mnt/repo" }],
    ["local:/mnt/a b", { kind: "local", location: "/mnt/a b", path: "/mnt/a b" }],
    ["sftp:web1@nas:/srv/backup", { kind: "sftp", ssh: { destination: "web1@nas", port: null } }],
    ["sftp:nas:backup", { kind: "sftp", ssh: { destination: "nas", port: null } }],
    ["sftp://web1@nas:2222//srv/backup", { kind: "sftp", ssh: { destination: "web1@nas", port: "2222" } }],
    ["sftp://backup@[fd00::1]:22//srv", { kind: "sftp", ssh: { destination: "backup@fd00::1", port: "22" } }],
    ["rest:https://backup.example.org/alpha/", { kind: "rest", path: null, ssh: null }],
    ["s3:https://s3.example.org/bucket", { kind: "s3" }],
    ["rclone:remote:path", { kind: "rclone" }],
    ["b2:bucket:path", { kind: "other" }],
  ])("repository: %s is accepted", (typed, expected) => {
    expect(readRepository(typed)).toMatchObject(expected);
  });

  test.each([
    ["", "use an absolute path"],
    ["backup", "use an absolute path"],
    ["foo:bar", "use an absolute path"],
    ["/", "a directory of its own"],
    ["//", "a directory of its own"],
    ["/./", "a directory of its own"],
    ["/srv/../etc", "a directory of its own"],
    ["/srv/a\nb", "control characters"],
    ["sftp:nas", "sftp is sftp:user@host:/path"],
    ["sftp:-oProxyCommand=x:/srv", "sftp is sftp:user@host:/path"],
    ["sftp:a b@nas:/srv", "sftp is sftp:user@host:/path"],
    ["sftp:nas;reboot:/srv", "sftp is sftp:user@host:/path"],
    ["rest:nowhere", "rest: is followed by a URL"],
    ["rest:https://user:secret@host/", "it has a password"],
    ["s3:https://key:secret@host/bucket", "it has a password"],
    ["rclone:remote", "use an absolute path"],
  ])("repository: '%s' is refused, with the reason and without a password", (typed, why) => {
    const refused = () => readRepository(typed);
    expect(refused).toThrow(why);
    expect(refused).not.toThrow("secret");
  });

  test("repository: any text is accepted or refused with a Problem, and an ssh destination is one safe word", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.string().map((text) => `sftp:${text}`),
        ),
        (text) => {
          try {
            const { ssh } = readRepository(text);
            if (ssh !== null) expect(ssh.destination).toMatch(/^[A-Za-z0-9._][A-Za-z0-9._@:-]*$/);
          } catch (error) {
            expect(error).toMatchObject({ name: "Problem", code: "invalid-value" });
          }
        },
      ),
    );
  });

  for (const all of [
    ["/mnt/repo", "/mnt/repo/", "//mnt/./repo//", "local:/mnt/repo"],
    ["sftp:web1@nas:/srv/backup", "sftp:web1@nas:/srv//backup/", "sftp://web1@nas//srv/./backup/"],
    ["sftp:nas:backup", "sftp:nas:./backup/", "sftp://nas/backup"],
    ["sftp://nas:2222//srv", "sftp://nas:2222//srv/"],
    ["rest:https://host/alpha", "rest:https://host/alpha/"],
    ["s3:https://host/bucket", "s3:https://host/bucket/", "s3:host/bucket", "s3://host/bucket/"],
    ["s3:http://host/bucket/a/b", "s3:http://host/bucket/a//b/"],
    ["rclone:nas:alpha", "rclone:nas:alpha"],
    ["anything", "anything"],
  ]) {
    test(`repository: all that restic reads as ${all[0]} are one repository`, () => {
      for (const one of all)
        for (const other of all) expect([one, other, isSameRepository(one, other)]).toEqual([one, other, true]);
    });
  }

  test.each([
    ["/mnt/repo", "/mnt/repo2"],
    ["/mnt/repo", "/mnt/Repo"],
    ["/mnt/repo", "sftp:nas:/mnt/repo"],
    ["sftp:nas:/srv", "sftp:nas:srv"],
    ["sftp:nas:/srv", "sftp:web1@nas:/srv"],
    ["sftp://nas:2222//srv", "sftp://nas//srv"],
    ["rest:https://host/alpha", "rest:http://host/alpha"],
    // A server may serve these as two.
    ["rest:https://host/alpha/", "rest:https://host/alpha//"],
    ["rest:https://host/alpha", "rest:https://ann@host/alpha"],
    ["s3:https://host/bucket", "s3:http://host/bucket"],
    ["s3:https://host/bucket/a", "s3:https://host/bucket/b"],
    ["rclone:nas:alpha", "rclone:nas:alpha/"],
    ["b2:bucket:a", "b2:bucket:a/"],
    ["", "/mnt/repo"],
  ])("repository: %s and %s are two repositories", (one, other) => {
    expect([isSameRepository(one, other), isSameRepository(other, one)]).toEqual([false, false]);
  });

  test("repository: credentials of a rest-server are escaped, and redacted where the location is shown", () => {
    const location = withCredentials("rest:https://host/alpha/", "ann", "p@ss/word:");
    expect(location).toBe("rest:https://ann:p%40ss%2Fword%3A@host/alpha/");
    expect(shownLocation(location)).toBe("rest:https://ann:***@host/alpha/");
  });
});

test.each([
  ["7d,4w,12m", { daily: 7, weekly: 4, monthly: 12 }],
  ["3d", { daily: 3, weekly: 0, monthly: 0 }],
  ["2m,1d", { daily: 1, weekly: 0, monthly: 2 }],
])("retention: %s is accepted, also as it is listed in a snapshot", (typed, keep) => {
  expect(readKeep(typed)).toEqual(keep);
  expect(readKeep(keepText(keep))).toEqual(keep);
});

test.each(["", "7", "7d,", "7d,7d", "0d", "1y", "-1d", "1000d", "7d 4w"])("retention: '%s' is refused", (typed) => {
  expect(() => readKeep(typed)).toThrow("invalid --keep");
});
