// The access log of a site, which holds the addresses of its readers.

import { type Change, root, Text } from "../../engine/change.ts";
import type { Resource } from "../../engine/step.ts";
import { nginxLogDir } from "../../nginx/paths.ts";
import { demandRegular } from "../../problem/regular-file.ts";
import { gidOf } from "../../resources/group.ts";

/** Debian's rotation of nginx's logs covers each name in this directory that ends in .log. */
export const accessLogPath = (slug: string): string => `${nginxLogDir}/edox-ops-${slug}.access.log`;

/** The group that may read the system's logs on Debian. */
const readers = "adm";

/**
 * Returns a resource for the log of a site, which has to exist before nginx opens it: a log that nginx creates can be
 * read by every user. The content and the attributes of an existing one are left to nginx and to the rotation.
 */
export function accessLog(slug: string): Resource {
  const path = accessLogPath(slug);
  return {
    name: `log:${slug}`,
    title: `the access log of ${slug} is readable only by root and the group ${readers}`,
    check(reader): Change[] {
      // nginx would wait for a reader of a pipe without an end, also to test its configuration.
      demandRegular(reader, path);
      if (reader.stat(nginxLogDir) === null || reader.stat(path) !== null) return [];
      const gid = gidOf(reader, readers) ?? root.gid;
      return [{ kind: "file", path, before: null, after: Text.of(""), mode: 0o640, uid: root.uid, gid }];
    },
  };
}
