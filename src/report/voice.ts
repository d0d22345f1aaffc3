// How this program speaks to the person who started it.

const colours = { ok: 32, changed: 33, pending: 36, unknown: 35, failed: 31, skipped: 90, warning: 33, error: 31 };

export interface Voice {
  paint(status: keyof typeof colours, text: string): string;
  /** A hint as it is typed here. */
  hint(argv: readonly string[]): string[];
}

export function voiceOf({ colour, hint }: { colour: boolean; hint: Voice["hint"] }): Voice {
  return { hint, paint: (status, text) => (colour ? `\u001B[${colours[status]}m${text}\u001B[0m` : text) };
}

/**
 * Hints name this program and `sudo`. A shell finds the program by its name only where it is installed, and root needs
 * no sudo, which a bare Debian does not have.
 */
export function hintFor(program: string, uid: number): Voice["hint"] {
  const name = /^\/usr\/(local\/)?s?bin\/edox-ops$/.test(program) ? "edox-ops" : program;
  return (argv) =>
    argv.slice(uid === 0 && argv[0] === "sudo" ? 1 : 0).map((word) => (word === "edox-ops" ? name : word));
}
