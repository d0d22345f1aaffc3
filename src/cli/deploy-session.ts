// The only command that a deploy key runs: sshd forces it, and sudo lets the deploy user run nothing else. The client
// chooses only SSH_ORIGINAL_COMMAND and stdin.

import { admit, keyOf } from "../deploy-keys/admission.ts";
import { clientHint } from "../deploy-keys/client-hint.ts";
import { sessionWord } from "../deploy-keys/names.ts";
import { type DeployKey, idOf } from "../deploy-keys/record.ts";
import { type Request, readRequest } from "../deploy-keys/request.ts";
import { logSession } from "../deploy-keys/session-log.ts";
import { OutputError } from "../host/system-error.ts";
import { Problem } from "../problem/problem.ts";
import { UnfinishedRun } from "../run/result.ts";
import { sessionReporter } from "../run/session-reporter.ts";
import type { Upload } from "../sites/deploy/unpacked.ts";
import { readArguments } from "./arguments.ts";
import { type Context, exitCode } from "./context.ts";
import { refuse } from "./refuse.ts";
import { resolve } from "./resolve.ts";

/** The longest wait for another deploy of the project. */
const lockWait = "10m";
/** Seconds that an upload may take, unless the record of its key says otherwise. */
const usualSeconds = 1800;

/** Commands that only read. They print a document at their end, and no events. */
const readOnly = ["status", "versions", "preview list"];

/** Performs the request of a client, reports it on both streams, and logs it. Returns the exit code. */
export async function deploySession(given: Context): Promise<number> {
  const { variable } = given;
  const host = await given.host();
  const [id, text, connection] = ["EDOX_OPS_KEY", "SSH_ORIGINAL_COMMAND", "SSH_CONNECTION"].map(variable);
  const context: Context = { ...given, command: sessionWord, typed: [sessionWord], reporter: sessionReporter };
  let key: DeployKey | undefined;
  let exit: number = exitCode.failed;
  let outcome = "lost";
  try {
    if (host.uid !== 0) throw new Problem("not-root", "this command is run by sshd for a deploy key");
    key = keyOf(host, id);
    const request = readRequest(text);
    await admit(host, key, request);
    exit = await perform(request, key, context);
    outcome = exit === exitCode.done ? "done" : "failed";
  } catch (thrown) {
    const [error, result] = thrown instanceof UnfinishedRun ? [thrown.cause, thrown.result] : [thrown, undefined];
    if (!(error instanceof OutputError)) {
      const found = Problem.of(error);
      const problem = found.with({ hint: clientHint(found.hint) });
      outcome = problem.code;
      exit = await refuse(problem, context, { result, json: "lines", both: true });
    }
  }
  if (host.uid !== 0) return exit;
  const { project, fingerprint } = key ?? {};
  const lost = logSession(host, { key: id, fingerprint, project, connection, request: text, outcome, exit });
  if (lost !== null) context.console.err(`warning: ${lost}\n`);
  return exit;
}

/**
 * Runs the command of the request as an admin would type it. A request of a command or a flag that this version does
 * not have is refused here: it needs no other place.
 */
async function perform(request: Request, key: DeployKey, context: Context): Promise<number> {
  const line = lineOf(request, key.project);
  const { root } = await import("./cli.ts");
  const { command, names, rest } = await resolve(root, line);
  const values = readArguments(rest, command.args ?? {});
  if (command.run === undefined) throw new Problem("usage", `this version does not know ${request.words.join(" ")}`);
  context.command = names.join(" ");
  const host = await context.host();
  const own: Context = {
    ...context,
    typed: line,
    upload: uploadOf(key, context),
    // The key may have been removed while the session waited for its turn.
    admit: () => void keyOf(host, idOf(key)),
  };
  if (!readOnly.includes(request.words.join(" "))) return command.run({ ...values, "json=lines": true }, own);
  return readBoth((json, console) => command.run?.({ ...values, json }, { ...own, console }), own);
}

/** Returns the words of the command. The values of a request begin with no dash. */
function lineOf({ words: [verb = "", ...more], flags }: Request, slug: string): string[] {
  const typed = Object.entries(flags).map(([flag, value]) => (value === true ? `--${flag}` : `--${flag}=${value}`));
  if (verb === "deploy") return ["project", "deploy", slug, "-", ...typed, `--wait=${lockWait}`];
  if (verb === "rollback") return ["project", "rollback", slug, ...typed, "--yes", `--wait=${lockWait}`];
  if (verb === "versions") return ["project", "versions", "list", slug];
  if (verb === "status") return ["project", "show", slug];
  const [action = "", ...names] = more;
  return ["project", "previews", action, slug, ...names, ...(action === "remove" ? ["--yes"] : [])];
}

/** Runs a command that only reads for both streams. Its document becomes one line. */
async function readBoth(
  run: (json: boolean, console: Context["console"]) => Promise<number> | undefined,
  { console }: Context,
): Promise<number> {
  let document = "";
  const collect = async (text: string): Promise<void> => {
    document += text;
  };
  await run(false, { ...console, width: () => null, out: async (text) => console.err(text) });
  const exit = await run(true, { ...console, out: collect });
  const { eventOf } = await import("../report/json.ts");
  await console.out(eventOf({ event: "summary", ...JSON.parse(document) }));
  return exit ?? exitCode.failed;
}

/** Returns the limits of the key, and notices a client that is gone before its files go live. */
function uploadOf(key: DeployKey, context: Context): Upload {
  const { max_size, max_files, max_seconds = usualSeconds } = key;
  let endMs = Number.POSITIVE_INFINITY;
  const report = async (message: string): Promise<void> => {
    const { eventOf } = await import("../report/json.ts");
    await context.console.out(eventOf({ event: "waiting", message })).catch(() => {
      throw new Problem("interrupted", "the client closed the connection", { returncode: exitCode.hangup });
    });
  };
  return {
    limits: { bytes: max_size, entries: max_files },
    async begin() {
      endMs = performance.now() + max_seconds * 1000;
      context.console.err("Waiting for a tar on stdin\n");
      await report("the files of the client");
    },
    pause() {
      if (performance.now() < endMs) return;
      throw new Problem("timeout", `the upload of ${idOf(key)} took longer than ${max_seconds} s`);
    },
    end: () => report("the deploy of these files"),
  };
}
