// Parses certbot's renewal configuration, `/etc/letsencrypt/renewal/NAME.conf`, and changes single lines of it.

/** The settings of a lineage that certbot stores for its renewals. Values that only certbot needs are left out. */
export interface RenewalSettings {
  /** How certbot proves control of the names: `webroot`, `standalone`, `dns-…`. */
  authenticator: string;
  /** The URL of the ACME server. */
  server: string;
  /** The directory that contains the responses for each name. Empty without the authenticator `webroot`. */
  webroots: ReadonlyMap<string, string>;
  /** The directory for names that `webroots` does not contain. */
  webrootPaths: readonly string[];
  /** When certbot renews before the expiry: "30 days"; null for certbot's default. */
  renewBefore: string | null;
  /** The profile of certificates, or null. */
  profile: string | null;
}

/** A value of the file, with its section: `webroot_map` for `[[webroot_map]]`, and "" before the first section. */
interface Entry {
  section: string;
  key: string;
  value: string;
}

/**
 * Returns the entry of each line; null for a comment, an empty line or the heading of a section. Throws an Error with
 * the number of a line that is none of these.
 */
function entriesOf(lines: readonly string[]): (Entry | null)[] {
  let section = "";
  return lines.map((line, i) => {
    const text = line.trim();
    if (text === "" || text.startsWith("#")) return null;
    if (text.startsWith("[")) {
      const heading = text.split("#", 1)[0]?.trim() ?? "";
      const depth = heading.search(/[^[]/);
      if (depth < 1 || !heading.endsWith("]".repeat(depth))) throw new Error(`line ${i + 1} is not a section`);
      section = unquote(heading.slice(depth, -depth).trim());
      return null;
    }
    const at = text.indexOf("=");
    if (at < 1) throw new Error(`line ${i + 1} is not a setting`);
    return { section, key: unquote(text.slice(0, at).trim()), value: text.slice(at + 1).trim() };
  });
}

function unquote(text: string): string {
  return /^(?:".*"|'.*')$/.test(text) ? text.slice(1, -1) : text;
}

/** Returns the elements of a list, which a comma separates and may end. A comment may follow. */
function elementsOf(value: string): string[] {
  const elements = value.match(/"[^"]*"|'[^']*'|[^,#\s"'][^,#]*|#.*/g) ?? [];
  return elements.filter((each) => !each.startsWith("#")).map((each) => unquote(each.trim()));
}

/** Parses the text of a file. Throws an Error that says why certbot cannot use it. */
export function parseRenewal(text: string): RenewalSettings {
  const entries = entriesOf(text.split(/\r?\n/)).filter((entry) => entry !== null);
  const places = new Set<string>();
  for (const { section, key } of entries) {
    const place = `${section}\n${key}`;
    if (places.has(place)) throw new Error(`${key} is set twice`);
    places.add(place);
  }
  const listOf = (section: string, key: string): string[] =>
    entries.filter((each) => each.section === section && each.key === key).flatMap(({ value }) => elementsOf(value));
  const settingOf = (key: string): string | null => listOf("renewalparams", key).join(",") || null;
  const [authenticator, server] = [settingOf("authenticator"), settingOf("server")];
  if (authenticator === null) throw new Error("authenticator is missing");
  if (server === null) throw new Error("server is missing");
  const map = entries.filter(({ section }) => section === "webroot_map");
  return {
    authenticator,
    server,
    webroots: new Map(map.map(({ key, value }) => [key.toLowerCase(), elementsOf(value)[0] ?? ""])),
    webrootPaths: listOf("renewalparams", "webroot_path"),
    renewBefore: listOf("", "renew_before_expiry")[0] ?? null,
    profile: settingOf("required_profile") ?? settingOf("preferred_profile"),
  };
}

/** Returns the directories that certbot writes its responses to, each once. */
export function webrootsOf({ authenticator, webroots, webrootPaths }: RenewalSettings): string[] {
  if (authenticator !== "webroot") return [];
  return [...new Set(webroots.size > 0 ? webroots.values() : webrootPaths)];
}

/** Returns the text with this value of `renew_before_expiry`. Every other byte stays. */
export function withRenewBefore(text: string, value: string): string {
  const lines = text.split("\n");
  const entries = entriesOf(lines.map(withoutReturn));
  const at = entries.findIndex((entry) => entry?.section === "" && entry.key === "renew_before_expiry");
  const line = `renew_before_expiry = ${value}`;
  // certbot begins the file with its default in a comment. Above the first section, any place is the right one.
  return at < 0 ? [line, ...lines].join("\n") : replaceLines(lines, new Map([[at, line]]));
}

/**
 * Returns the text with this webroot for some names, and for new names if none keeps another webroot. Every other byte
 * stays.
 */
export function withWebroot(text: string, names: ReadonlySet<string>, dir: string): string {
  const lines = text.split("\n");
  const entries = [...entriesOf(lines.map(withoutReturn)).entries()];
  const isInMap = (entry: Entry | null): entry is Entry => entry?.section === "webroot_map";
  const map = entries.flatMap(([i, entry]) => (isInMap(entry) ? [{ i, ...entry }] : []));
  const moved = map.filter(({ key }) => names.has(key.toLowerCase()));
  const after = new Map(moved.map(({ i, key }) => [i, `${key} = ${dir}`]));
  for (const [i, entry] of entries) {
    const isPath = entry?.section === "renewalparams" && entry.key === "webroot_path";
    if (isPath && moved.length === map.length) after.set(i, `webroot_path = ${dir},`);
  }
  return replaceLines(lines, after);
}

function withoutReturn(line: string): string {
  return line.replace(/\r$/, "");
}

function replaceLines(lines: readonly string[], after: ReadonlyMap<number, string>): string {
  return lines.map((line, i) => (after.has(i) ? after.get(i) + (line.endsWith("\r") ? "\r" : "") : line)).join("\n");
}

const unitMs: Record<string, number> = { minute: 60_000, hour: 3_600_000, day: 86_400_000, week: 604_800_000 };

/** Returns an interval of certbot in milliseconds: "30 days", "36 hours", "30"; null for a form that is not known. */
export function intervalMs(text: string): number | null {
  // A number without a unit is a number of days.
  const [, count, unit = "day"] = /^\s*(\d+)(?:\s*(minute|hour|day|week)s?)?\s*$/i.exec(text) ?? [];
  const ms = unitMs[unit.toLowerCase()];
  return count === undefined || ms === undefined ? null : Number(count) * ms;
}
