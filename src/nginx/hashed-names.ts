// Defines which file names contain a hash of their content. The same list generates nginx's cache rule and decides
// which files of earlier releases stay reachable. Every pattern must therefore mean the same to PCRE and to JavaScript.
//
// A false positive keeps a removed file public and is cached for a year. A false negative is only revalidated. The
// patterns therefore miss some hashes, and never match a date, version, UUID or word.

/** Code and fonts, which an open page may load late, with their source maps. */
const code = String.raw`(?:\.(?:min|bundle|chunk|iframe|lean|ttf))*\.(?:m?js|css|wasm|woff2?|ttf|otf|eot)(?:\.map)?$`;
const image = String.raw`\.(?:png|jpe?g|gif|svg|webp|avif|ico)$`;
const any = `(?:${code}|${image})`;

/**
 * Begins a run of hexadecimal digits in which digits and letters alternate, so that no date, number or word matches.
 */
const longHex = String.raw`(?=\d+[a-f]+\d|[a-f]+\d+[a-f])[0-9a-f]{16,128}`;
/** English words that consist of a to f only, and two months. */
const hexWords =
  "ace|add|bad|bed|bee|cab|dad|dec|fab|fad|feb|fed|babe|bead|beef|cafe|dead|deaf|deed|face|fade|feed|added|faced|faded|decade|facade|deface";
const shortHex = String.raw`(?=\d*[a-f])(?=[a-f]*\d)(?!\d*(?:${hexWords})\d*\.)[0-9a-f]{8}`;
/** Requires digits and letters to alternate three times. */
const mixedHex = String.raw`(?=\d+[a-f]+\d+[a-f]|[a-f]+\d+[a-f]+\d)[0-9a-f]{8}`;

/**
 * Matches eight characters up to the next dot, with a lower-case and an upper-case letter. The length comes first and
 * bounds the search for words, however long the URL is.
 */
const eight = String.raw`(?=[\w-]{8}\.)(?=[^.]*[a-z])(?=[^.]*[A-Z])`;
/** Excludes DarkMode, Chapter1, user-App. */
const noWords = String.raw`(?!(?:[A-Z]?[a-z]{2,}[-_]?)+\d*\.)`;
/** Excludes Win10Pro, LinkedIn, JSONFile2: any sequence of words, acronyms and numbers. */
const noMixedWords = String.raw`(?!(?:[A-Z]?[a-z]{2,}|[A-Z][a-z]|[A-Z]{2,}[a-z]?|\d+|_(?:[A-Z]?\d+)?)+\.)`;

interface HashedName {
  /** The generators, and the form of their hashes. */
  of: string;
  /** A regular expression for the path of a URL. */
  pattern: string;
}

export const hashedNames: readonly HashedName[] = [
  {
    of: "webpack, Next.js, Gatsby, Angular to 16, Hugo, Sphinx, rustdoc: 16 hexadecimal digits or more",
    pattern: String.raw`(?:[/.-]|_hu_)${longHex}(?:-s(?:\.p)?)?${any}`,
  },
  {
    of: "MkDocs Material, Docusaurus, mdBook, Parcel, VuePress, webpack: eight hexadecimal digits",
    pattern: `[^/][.-]${shortHex}${code}`,
  },
  { of: "Parcel, mdBook: the same of an image", pattern: `[^/][.-]${mixedHex}${image}` },
  {
    of: "Angular from 17, esbuild: eight of A to Z and 2 to 7",
    pattern: `(?:/chunk-|/(?:main|polyfills|scripts|styles)-(?=[A-Z]*[2-7]+[A-Z])|[^/]-(?=[2-7]+[A-Z]+[2-7]+[A-Z]|[A-Z]+[2-7]+[A-Z]+[2-7]))[A-Z2-7]{8}${code}`,
  },
  {
    of: "Astro, Nuxt, SvelteKit: eight of base64, in folders that only they write",
    pattern: String.raw`/(?:_astro|_nuxt|_app/immutable)/(?:.+/)?(?:[^/]+\.)?${eight}${noWords}[\w-]{8}${any}`,
  },
  {
    of: "Astro: an image that it converted",
    pattern: String.raw`/_astro/[^/]+\.[\w-]{8}_[0-9A-Za-z]{5,7}${image}`,
  },
  {
    of: "VitePress: eight of base64 after a dot",
    pattern: String.raw`/assets/(?:chunks/)?[^/]+\.${eight}${noWords}[\w-]{8}${code}`,
  },
  {
    of: "Vite, Rollup, Storybook: eight of base64 after a dash, with a digit, and no words",
    pattern: String.raw`/assets/[^/]+-(?=\w{8}\.)(?=[A-Za-z_]*\d)${eight}${noMixedWords}\w{8}${code}`,
  },
  {
    of: "Next.js with Turbopack",
    pattern: String.raw`/_next/static/(?:chunks|css|media)/(?:.+/)?(?:[^/]+-)?(?=[a-z_~-]*\d)[0-9a-z_~-]{13}${any}`,
  },
];

const expressions = hashedNames.map(({ pattern }) => new RegExp(pattern));

/** Returns whether the file's name was derived from its content. The path is relative to the site. */
export function hasHashedName(path: string): boolean {
  return expressions.some((expression) => expression.test(`/${path}`));
}
