// The directives of a site's server that apply its rules. A file of the site is sent by the locations of every site;
// where they find none, the answer is a rule's.

import { hiddenPattern, leftoverPattern, ruleFilesPattern } from "../serve/unserved.ts";
import { variable } from "./compile.ts";
import { headersName, redirectsName } from "./lines.ts";
import { isRedirecting, type Redirect } from "./redirects.ts";

/** Codes that no other part of nginx uses: they lead from one location to another. */
const [ruled, page, missingPage, gonePage] = [490, 491, 492, 493];

/** Returns the directives without headers. */
export function redirectLines(slug: string, rules: readonly Redirect[]): string[] {
  const name = (word: string): string => `$${variable(slug, word)}`;
  const errorPage = "$edox_ops_error_page";
  if (rules.length === 0) return [`error_page 404 ${errorPage};`, ...firstUri(slug), ...ownFiles];
  const answer = name("answer");
  const statuses = [...new Set(rules.map(({ status }) => status))].filter(isRedirecting).sort();
  return [
    "error_page 404 = @edox_ops_rules;",
    `error_page ${ruled} = @edox_ops_forced;`,
    "recursive_error_pages on;",
    ...(rules.some(({ forced }) => forced)
      ? [
          "# Rules with ! precede files. nginx repeats these lines for the page of an error, which no rule concerns.",
          `set $edox_ops_now "";`,
          `if ($uri = ${name("uri")}) {`,
          `    set $edox_ops_now ${name("forced")};`,
          "}",
          "if ($edox_ops_now) {",
          `    return ${ruled};`,
          "}",
        ]
      : firstUri(slug)),
    ...ownFiles,
    "# Limits and passwords apply first, which nginx checks before it looks for this file that never exists.",
    "location @edox_ops_forced {",
    `    try_files /${redirectsName}/none @edox_ops_rules;`,
    "}",
    "location @edox_ops_rules {",
    `    error_page 404 ${errorPage};`,
    "    error_page 410 @edox_ops_gone;",
    `    error_page ${page} =200 @edox_ops_page;`,
    `    error_page ${missingPage} =404 @edox_ops_page;`,
    `    error_page ${gonePage} =410 @edox_ops_page;`,
    "    # A browser takes two slashes for the beginning of a host name.",
    `    if (${answer} ~ "^3[0-9]+ /[/\\x5c]") {`,
    "        return 404;",
    "    }",
    ...statuses.flatMap((status) => [
      "    # The query of the request is passed on, unless the target has one.",
      `    if (${answer} ~ "^${status} ([^?#]+)(#.*)?$") {`,
      `        return ${status} $1$is_args$args$2;`,
      "    }",
      `    if (${answer} ~ "^${status} (.+)$") {`,
      `        return ${status} $1;`,
      "    }",
    ]),
    ...[
      ["^200 ", page],
      ["^404 ", missingPage],
      ["^410 ", gonePage],
      ["^410$", 410],
    ].flatMap(([pattern, code]) => [`    if (${answer} ~ "${pattern}") {`, `        return ${code};`, "    }"]),
    "    return 404;",
    "}",
    "location @edox_ops_gone {",
    "    try_files $edox_ops_error_page =410;",
    "}",
    "location @edox_ops_page {",
    `    error_page 404 ${errorPage};`,
    `    if (${name("file")} ~ "${hiddenPattern}|${ruleFilesPattern}") {`,
    "        return 404;",
    "    }",
    `    if (${name("file")} ~* "${leftoverPattern}") {`,
    "        return 404;",
    "    }",
    `    try_files ${name("file")} ${name("file")}.html ${name("file")}/index.html =404;`,
    "}",
  ];
}

/** The rules themselves are no page. */
const ownFiles = [redirectsName, headersName].flatMap((name) => [`location = /${name} {`, "    return 404;", "}"]);

/** nginx computes the variable once, and must do so before it changes $uri. */
const firstUri = (slug: string): string[] => [`set $edox_ops_now $${variable(slug, "uri")};`];
