// How the output is coloured and how hints are printed.

/** The codes of SGR (ECMA-48). */
const colours = {
  ...{ ok: 32, changed: 33, pending: 36, unknown: 35, failed: 31, skipped: 90, warning: 33, error: 31 },
  ...{ "not-set-up": 90, bold: 1, dim: 2, added: 32, removed: 31, hunk: 36 },
};

/** Each glyph, and what replaces it where only ASCII is shown. */
const glyphs = {
  done: ["✔", "+"],
  failed: ["✖", "x"],
  warning: ["▲", "!"],
  unknown: ["?", "?"],
  absent: ["–", "-"],
  next: ["→", "->"],
  dot: ["·", "|"],
} as const;

export interface Style {
  paint(status: keyof typeof colours, text: string): string;
  glyph(name: keyof typeof glyphs): string;
  /** Returns a hint as it has to be typed on this host. */
  hint(argv: readonly string[]): string[];
}

interface Look {
  colour: boolean;
  /** Whether the terminal shows more than ASCII: true by default. */
  unicode?: boolean;
  hint: Style["hint"];
}

/** Returns the style of the output, which colours texts only with `colour`. */
export function styleOf({ colour, unicode = true, hint }: Look): Style {
  return {
    hint,
    glyph: (name) => glyphs[name][unicode ? 0 : 1],
    paint: (status, text) => (colour ? `\u001B[${colours[status]}m${text}\u001B[0m` : text),
  };
}

/**
 * Returns a function that adapts hints, which name this program and `sudo`. A shell finds the program by name only if
 * it is installed. Root needs no sudo, which a minimal Debian does not have. Only the command itself is this program: a
 * project or a package can have the same name.
 */
export function hintFor(program: string, isRoot: boolean): Style["hint"] {
  // The kernel marks the path of a program whose file was removed or replaced.
  const path = program.replace(/ \(deleted\)$/, "");
  const name = /^\/usr\/(local\/)?s?bin\/edox-ops$/.test(path) ? "edox-ops" : path;
  return (argv) => {
    const words = argv.slice(isRoot && argv[0] === "sudo" ? 1 : 0);
    const at = words.findIndex((word) => word !== "sudo" && !/^[A-Z_]+=/.test(word));
    return words.map((word, i) => (i === at && word === "edox-ops" ? name : word));
  };
}
