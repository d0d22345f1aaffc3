// Generates configurations of several runners, each in any of the layouts that TOML allows.

import fc from "fast-check";
import { anyText } from "../any-text.ts";

/** A number or a date-time in its TOML syntax. */
export class Raw {
  constructor(readonly text: string) {}
}
export type Value = string | boolean | Raw | string[] | Values | Values[];
export interface Values {
  [key: string]: Value;
}

const hostile = [
  "privileged = false",
  "[[runners]]",
  '[runners.docker]\nprivileged = false\n# "x"\n',
  'volumes = ["/cache"]',
  "C:\\new\\u0041",
  "it's",
  '"""',
  "'''",
  'A="b" # c\'',
  "🦊\t\u007f\u0000\u0085",
  "",
];
const text = fc.oneof(
  fc.constantFrom(...hostile),
  anyText({ maxLength: 8 }),
  fc.string({ unit: "grapheme", maxLength: 8 }),
);
const raws = ["0", "10", "1_000", "0x1F", "-7", "1.50", "1e3", "inf", "9007199254740993", "1979-05-27T07:32:00Z"];
const raw = fc.constantFrom(...raws, "1979-05-27 07:32:00", "1979-05-27", "07:32:00").map((each) => new Raw(each));
const volume = fc.oneof(fc.constantFrom("/cache", "/certs/client", "/builds:/builds:rw"), text);
const docker = some({
  image: text,
  privileged: fc.boolean(),
  services_privileged: fc.boolean(),
  volumes: fc.array(volume, { maxLength: 3 }),
  shm_size: raw,
  services: fc.array(some({ name: text, environment: fc.array(text, { maxLength: 2 }) }), {
    minLength: 1,
    maxLength: 2,
  }),
  sysctls: some({ "net.core.somaxconn": text, privileged: text }),
});
const runner = fc.record<Values>(
  {
    name: text,
    executor: fc.constantFrom("docker", "shell", "kubernetes"),
    limit: raw,
    environment: fc.array(text, { maxLength: 3 }),
    pre_build_script: text,
    docker,
    kubernetes: some({ privileged: fc.boolean(), host: text }),
    cache: some({ Type: text, s3: some({ BucketName: text, privileged: fc.boolean() }) }),
    feature_flags: some({ FF_A: fc.boolean(), "a b": fc.boolean() }),
    x: raw,
  },
  { requiredKeys: ["name", "executor"] },
);

/** Generates the values of a whole file. */
export const config: fc.Arbitrary<Values & { runners: Values[] }> = fc
  .tuple(
    some({
      concurrent: raw,
      log_level: text,
      privileged: fc.boolean(),
      session_server: some({ listen_address: text }),
    }),
    fc.array(runner, { minLength: 1, maxLength: 4 }),
  )
  .map(([globals, runners]) => ({ ...globals, runners }));

function some(model: Record<string, fc.Arbitrary<Value>>): fc.Arbitrary<Values> {
  return fc.record<Values>(model, { requiredKeys: [] });
}

/** The lines of a table, followed by sections in any order. */
interface Body {
  lines: string[];
  sections: string[][];
  /** Dotted keys must precede the headers of tables inside theirs. */
  dotted: boolean;
}

/**
 * Returns the configuration in one of many layouts. The same number selects the same layout. Values are followed by
 * comments such as "# keep-1-", for the runner with that number, or "# keep-g-".
 */
export function written({ runners, ...globals }: Values & { runners: Values[] }, layout: number): string {
  let state = layout;
  const below = (limit: number): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
  const pick = <T>(...from: T[]): T => from[below(from.length)] as T;
  const oneIn = (times: number): boolean => below(times) === 0;
  const shuffled = <T>(all: T[]): T[] => {
    const left = [...all];
    return all.flatMap(() => left.splice(below(left.length), 1));
  };
  const lineEnd = pick("\n", "\n", "\r\n");
  const step = pick("", "  ", "\t", "    ");
  let owner = "g";

  const comment = (): string => `# ${pick("privileged = false", "[[runners]]", '"', "volumes = [", "🦊", "'''")}`;
  const trailing = (): string => (oneIn(4) ? ` # keep-${owner}-${comment()}` : pick("", "", " "));
  const between = (indent: string): string[] => (oneIn(3) ? [pick("", indent + comment(), comment(), " \t")] : []);

  function key(name: string): string {
    const code = name.charCodeAt(0).toString(16).padStart(4, "0");
    const forms = [`"${name}"`, `'${name}'`, `"\\u${code}${name.slice(1)}"`];
    return /^[\w-]+$/.test(name) ? pick(name, name, name, ...forms) : pick(...forms);
  }

  function path(names: readonly string[]): string {
    return names.map(key).reduce((all, each) => all + pick(".", ".", " . ", ".\t") + each);
  }

  function string(value: string): string {
    const coded = (character: string): string => `\\U${character.codePointAt(0)?.toString(16).padStart(8, "0")}`;
    const basic = value.replace(/["\\]|\p{Cc}/gu, (each) =>
      each === '"' || each === "\\" ? `\\${each}` : coded(each),
    );
    const lines = value.replace(/["\\]|[^\P{Cc}\n\t]/gu, (each) => {
      return each === '"' || each === "\\" ? `\\${each}` : coded(each);
    });
    const forms = [`"${basic}"`, `"${[...value].map(coded).join("")}"`];
    forms.push(`"""${lineEnd}${lines.replaceAll("\n", lineEnd)}"""`);
    if (!/'|[^\P{Cc}\t]/u.test(value)) forms.push(`'${value}'`);
    if (!/'''|'$|[^\P{Cc}\t\n]/u.test(value)) forms.push(`'''${lineEnd}${value.replaceAll("\n", lineEnd)}'''`);
    return pick(...forms);
  }

  function array(elements: string[]): string {
    const loose = oneIn(2);
    const gap = (): string => {
      if (!loose) return pick("", " ");
      return pick("", " ", lineEnd, ` # keep-${owner}-${comment()}${lineEnd}\t`, `${lineEnd}${comment()}${lineEnd}`);
    };
    const inner = elements.map((each, i) => {
      return gap() + each + gap() + (i < elements.length - 1 || oneIn(3) ? "," : "");
    });
    return `[${inner.join("")}${gap()}]`;
  }

  function inline(value: Value): string {
    if (typeof value === "string") return string(value);
    if (typeof value === "boolean") return String(value);
    if (value instanceof Raw) return value.text;
    if (Array.isArray(value)) return array(value.map((each) => inline(each)));
    const gap = pick("", " ");
    return `{${gap}${pairs(value, []).join(pick(", ", ",", " ,\t"))}${gap}}`;
  }

  /** Returns the keys and values of an inline table. */
  function pairs(table: Values, prefix: string[]): string[] {
    return shuffled(Object.entries(table)).flatMap(([name, value]) => {
      const names = [...prefix, name];
      const nested = tableOf(value);
      if (nested && Object.keys(nested).length > 0 && oneIn(2)) return pairs(nested, names);
      return [path(names) + pick(" = ", "=", " =\t") + inline(value)];
    });
  }

  function body(table: Values, at: string[], prefix: string[], indent: string): Body {
    const all: Body = { lines: [], sections: [], dotted: false };
    for (const [name, value] of shuffled(Object.entries(table))) {
      const names = [...prefix, name];
      const nested = tableOf(value);
      const tables = Array.isArray(value) && tableOf(value[0] as Value) ? (value as Values[]) : null;
      const style = nested || tables ? pick("section", "section", "section", "inline", "dotted") : "inline";
      if (style === "section" && nested) all.sections.push(...sections([...at, ...names], nested, indent + step));
      else if (style === "section" && tables) {
        all.sections.push(tables.flatMap((each) => sections([...at, ...names], each, indent + step, true).flat()));
      } else if (style === "dotted" && nested && Object.keys(nested).length > 0) {
        const inner = body(nested, at, names, indent);
        all.lines.push(...inner.lines);
        all.sections.push(...inner.sections);
        all.dotted = true;
      } else {
        all.lines.push(indent + path(names) + pick(" = ", "=", " =\t") + inline(value) + trailing());
      }
      all.lines.push(...between(indent));
    }
    return all;
  }

  function sections(at: string[], table: Values, indent: string, element = false): string[][] {
    const { lines, sections, dotted } = body(table, at, [], pick(indent, indent + step));
    const [open, close] = element ? ["[[", "]]"] : ["[", "]"];
    const blank = pick("", " ");
    const header = indent + open + blank + path(at) + blank + close + trailing();
    const mine = [header, ...lines];
    const bare = lines.every((line) => /^\s*(#.*)?$/.test(line));
    if (!element && bare && sections.length > 0 && oneIn(2)) return sections;
    return element || dotted || oneIn(2) ? [mine, ...sections] : shuffled([mine, ...sections]);
  }

  const top = body(globals, [], [], "");
  const units: string[][] = [];
  if (oneIn(4)) {
    const elements = runners.map((each, i) => {
      owner = String(i);
      return inline(each);
    });
    owner = "x";
    top.lines.push(path(["runners"]) + pick(" = ", "=") + array(elements));
  } else {
    for (const [i, each] of runners.entries()) {
      owner = String(i);
      units.push(...sections(["runners"], each, "", true).map((lines) => [...between(""), ...lines]));
    }
  }
  for (const section of top.sections) units.splice(below(units.length + 1), 0, section);
  const all = [...between(""), ...top.lines, ...units.flat(), ...between("")].join(lineEnd);
  return pick("", "", "\ufeff") + all + pick("", lineEnd, lineEnd, lineEnd + lineEnd);
}

function tableOf(value: Value): Values | null {
  return typeof value === "object" && !Array.isArray(value) && !(value instanceof Raw) ? value : null;
}
