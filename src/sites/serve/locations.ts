// The locations of an nginx site, which find the file of a request.

import type { Part } from "./part.ts";
import { hiddenPattern, leftoverPattern, ruleFilesPattern } from "./unserved.ts";

/** The location of the rules of a version or a preview. Only those of the site apply, and none is a page. */
export const unservedRules = [`location ~ ${ruleFilesPattern} {`, "    return 404;", "}"];

/**
 * Returns the locations. Where there is no file, the answer is the page of errors. `rules`: whether the tree has rules,
 * which then answer in its place.
 */
export function locations({ kept, missing, errorPages }: Part, rules: boolean): string[] {
  return [
    `location ~ ${hiddenPattern} {`,
    "    deny all;",
    "}",
    "# Leftovers are not served, but pages and folders with such an address are.",
    `location ~* ${leftoverPattern} {`,
    "    try_files $uri.html $uri/ =404;",
    "}",
    "# A folder without a page of its own: the page beside it, or the site's 404.",
    "location ~ ^(?<edox_ops_folder>.+)/$ {",
    "    try_files $edox_ops_folder/index.html @beside;",
    "}",
    "location @beside {",
    "    if (-f $document_root$edox_ops_folder.html) {",
    "        rewrite ^(.+)/$ $1 permanent;",
    "    }",
    ...(missing.startsWith("@") ? ["    recursive_error_pages on;", `    error_page 404 = ${missing};`] : []),
    "    return 404;",
    "}",
    "# Also what was found and is gone when it is opened, because a deploy came between. 403: a folder without a page.",
    "location / {",
    "    recursive_error_pages on;",
    "    error_page 403 404 = @earlier;",
    "    try_files $uri $uri.html $uri/ =404;",
    "}",
    "# Browsers ask for it unasked. A site without one is not in error, and its 404 page is not sent for it.",
    "location = /favicon.ico {",
    "    try_files $uri =204;",
    "}",
    ...(kept === null ? [] : ["# What a page that was opened before the last deploys asks for."]),
    "location @earlier {",
    ...(kept === null ? [] : [`    root ${kept};`]),
    `    try_files $uri ${missing};`,
    "}",
    // Without a page of errors, these locations must not request it again. An error page of any other status prevents
    // that where rules decide about status 404.
    ...errorPages.flatMap((page) => [`location ${page} {`, ...(rules ? ["    error_page 410 /404.html;"] : []), "}"]),
  ];
}
