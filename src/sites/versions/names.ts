// The names of versions and of their aliases. A name is the first part of an address, and a directory.

import * as v from "valibot";

const namePattern = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$/;

/** The name of the list of versions, which lies beside their trees. */
export const indexName = "versions.json";
/** nginx has rules of its own for these addresses, and commands read the last word as no name. */
const reserved = [indexName, "404.html", "favicon.ico", "none"];

export const versionName = v.pipe(
  v.string(),
  v.regex(namePattern, "a version has letters, digits, ., _ and -, a letter or digit first and last, at most 64"),
  v.check((name) => !name.includes(".."), "a version has no two dots in a row"),
  v.check(
    (name) => !reserved.includes(name),
    ({ input }) => `${input} has a meaning of its own`,
  ),
);

export const isVersionName = (name: string): boolean => v.is(versionName, name);
