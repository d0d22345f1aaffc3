// How far apt has come, from the lines of its APT::Status-Fd: one scale for the download and the installation.

interface AptProgress {
  /** A program was started. Those of an installation share one scale, and a download of lists has none. */
  running(argv: readonly string[]): void;
  /** Parses a line of APT::Status-Fd. Returns null for any other line. */
  status(line: string): Far | null;
  /** Parses apt's stdout, the only place that contains the size of the download. */
  output(text: string): void;
}

export interface Far {
  /** From 0 to 1, and never less than before; null if it is unknown. */
  share: number | null;
  /** What apt does now, such as "unpacking git". */
  what: string;
}

/** The part of an installation that the download is. apt does not report in advance how long the rest takes. */
const downloadPart = 0.5;

export function aptProgress(): AptProgress {
  let kind: "install" | "lists" | "download" = "download";
  /** The size that is still to be downloaded, as apt prints it: "17.9 MB". */
  let toFetch = "";
  let hasDownload = false;
  let share = 0;

  return {
    running(argv) {
      if (argv[0] !== "apt-get") return;
      kind = argv.includes("update") ? "lists" : "install";
      [toFetch, hasDownload] = ["", false];
    },
    status(line) {
      const found = statusOf(line);
      if (found === null) return null;
      const { isDownload, part, what } = found;
      if (kind === "lists") return { share: null, what: "updating package lists" };
      if (isDownload) hasDownload ||= !toFetch.startsWith("0 B");
      const start = hasDownload && kind === "install" ? downloadPart : 0;
      // Nothing is downloaded, so the installation has the whole scale.
      if (isDownload && start === 0 && kind === "install") return { share, what };
      share = Math.max(share, isDownload ? part * (start || 1) : start + part * (1 - start));
      return { share, what: isDownload && toFetch !== "" ? fetchedText(part, toFetch) : what };
    },
    output(text) {
      toFetch = /Need to get (\S+ \w?B)/.exec(text)?.[1] ?? toFetch;
    },
  };
}

/**
 * Parses "dlstatus:2:45.1:Retrieving file 2 of 5" or "pmstatus:git:amd64:62.5:Unpacking git (amd64)". A name may
 * contain colons.
 */
function statusOf(line: string): { isDownload: boolean; part: number; what: string } | null {
  const [, kind, percent, text = ""] = /^(dl|pm)status:.+?:(\d+(?:\.\d+)?):(.*)$/.exec(line) ?? [];
  if (kind === undefined) return null;
  const what = text
    .replace(/ \(\w+\)$/, "")
    // The name of the package is what a narrow terminal has to show.
    .replace(/^Preparing to (configure|remove) /, (_, verb) => (verb === "remove" ? "removing " : "configuring "))
    .replace(/^Running post-installation trigger /, "running the trigger of ")
    .replace(/^[A-Z](?=[a-z])/, (letter) => letter.toLowerCase());
  return { isDownload: kind === "dl", part: Math.min(Number(percent), 100) / 100, what };
}

/**
 * Returns a text such as "downloading 8.1 of 17.9 MB". In apt's output, the size that is still to be downloaded precedes
 * a slash.
 */
function fetchedText(part: number, total: string): string {
  const [amount = "", unit = ""] = total.split("/")[0]?.split(" ") ?? [];
  const all = Number(amount.replaceAll(",", ""));
  return `downloading ${(all * part).toFixed(1)} of ${all} ${unit}`;
}
