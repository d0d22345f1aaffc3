// A restic that keeps its snapshots in a directory. It prints what the real one printed on Debian 12 (0.14) and 13 (0.18).

import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname } from "node:path";
import type { Output, RunOptions } from "../../src/host/host.ts";
import { ok } from "../fake-host.ts";

function copy(from: string, to: string): void {
  Bun.spawnSync(["cp", "-aT", from, to]);
}

interface FakeSnapshot {
  id: string;
  time: string;
  hostname: string;
  tags: string[];
}

export class FakeRestic implements Disposable {
  readonly store = mkdtempSync(`${tmpdir()}/edox-restic-`);
  /** The command lines without the name of the program. */
  readonly ran: string[][] = [];
  readonly environments: Record<string, string>[] = [];
  snapshots: FakeSnapshot[] = [];
  exists = false;
  password: string | null = null;
  /** Locks of killed runs, by id. */
  locks = new Map<string, { time: string; hostname: string; pid: number }>();
  /** What fails next, and is not repeated. */
  failing: ((args: readonly string[]) => Output | undefined)[] = [];

  /** `root`: where the files of the host are on this machine. */
  constructor(
    private readonly root: string,
    private readonly version: "0.14" | "0.18" = "0.18",
  ) {}

  /** Returns the answer to a command line of restic, or undefined for any other. */
  answer(words: readonly string[], { env = {} }: RunOptions = {}): Output | undefined {
    const argv = words[0] === "setpriv" ? words.slice(3) : words;
    if (argv[0] !== "restic") return undefined;
    const args = argv.slice(argv[1] === "-o" ? 3 : 1);
    this.ran.push(args);
    this.environments.push(env);
    const failure = this.failing[0]?.(args);
    if (failure !== undefined) {
      this.failing.shift();
      return failure;
    }
    const [word = ""] = args;
    if (word === "init") return this.init(env);
    if (!this.exists) {
      const { code } = this.fatal(
        10,
        "repository does not exist: unable to open config file: stat config: no such file or directory\nIs there a repository at the following location?\n/repo",
      );
      const message =
        "Fatal: unable to open config file: stat config: no such file or directory\nIs there a repository at the following location?\n/repo\n";
      // The older version ends with 0 after some commands.
      return this.version === "0.14"
        ? { code: word === "cat" ? 0 : 1, stdout: "", stderr: message }
        : { ...this.fatal(10, message), code };
    }
    if (this.password !== null && env.RESTIC_PASSWORD !== undefined && env.RESTIC_PASSWORD !== this.password)
      return this.fatal(12, "wrong password or no key found");
    if (word === "list") return ok([...this.locks.keys()].map((id) => `${id}\n`).join(""));
    if (args[1] === "lock") return ok(JSON.stringify(this.locks.get(args[2] ?? "")));
    if (word === "cat")
      return ok('{\n  "version": 2,\n  "id": "51f18db7",\n  "chunker_polynomial": "34807f2c25b859"\n}\n');
    if (word === "snapshots") return ok(JSON.stringify(this.snapshots.length === 0 ? null : this.snapshots));
    if (word === "backup") return this.backup(args);
    if (word === "restore") return this.restore(args);
    if (word === "ls") return this.list(args);
    if (word === "dump") return this.dump(args);
    if (word === "forget")
      return ok('[{"tags":null,"host":"h","paths":[],"keep":[],"remove":[{"id":"a"},{"id":"b"}]}]\n');
    return ok(word === "check" ? "no errors were found\n" : "");
  }

  /** Returns a failure as this version prints it. */
  fatal(code: number, message: string): Output {
    const text = `Fatal: ${message}`;
    if (this.version === "0.14") return { code: 1, stdout: "", stderr: `${text}\n` };
    return { code, stdout: "", stderr: `${JSON.stringify({ message_type: "exit_error", code, message: text })}\n` };
  }

  /** The command lines, each as one text. */
  get lines(): string[] {
    return this.ran.map((args) => args.join(" "));
  }

  private init(env: Record<string, string>): Output {
    this.exists = true;
    this.password = env.RESTIC_PASSWORD ?? null;
    return ok("created restic repository 51f18db752 at /repo\n");
  }

  private backup(args: readonly string[]): Output {
    const id = new Bun.CryptoHasher("sha256").update(`${this.snapshots.length}`).digest("hex");
    for (const path of args.filter((each, i) => each.startsWith("/") && args[i - 1] !== "--exclude")) {
      if (!existsSync(this.root + path)) continue;
      mkdirSync(dirname(`${this.store}/${id}${path}`), { recursive: true });
      copy(this.root + path, `${this.store}/${id}${path}`);
    }
    const hostname = args[args.indexOf("--host") + 1] ?? "";
    this.snapshots.push({
      id,
      time: new Date(1.8e12 + this.snapshots.length * 1000).toISOString(),
      hostname,
      tags: ["edox-ops"],
    });
    const summary = {
      message_type: "summary",
      files_new: 1,
      total_files_processed: 3,
      total_bytes_processed: 40,
      data_added: 20,
    };
    const shown = this.version === "0.14" ? id.slice(0, 8) : id;
    return ok(
      `${JSON.stringify({ message_type: "status", percent_done: 0 })}\n${JSON.stringify({ ...summary, snapshot_id: shown })}\n`,
    );
  }

  private restore(args: readonly string[]): Output {
    const [, id = ""] = args;
    const target = args[args.indexOf("--target") + 1] ?? "";
    for (const pattern of args.filter((_, i) => args[i - 1] === "--include")) {
      // Both versions read it as a pattern, in which a backslash quotes a character.
      if (/[*?[]/.test(pattern.replace(/\\./gs, ""))) continue;
      const path = pattern.replace(/\\(.)/gs, "$1");
      const from = `${this.store}/${id}${path}`;
      if (!existsSync(from)) continue;
      mkdirSync(dirname(`${this.root}${target}${path}`), { recursive: true });
      copy(from, `${this.root}${target}${path}`);
    }
    return ok("");
  }

  private list(args: readonly string[]): Output {
    const [id = "", ...dirs] = args.slice(1).filter((each) => !each.startsWith("-"));
    const nodes = dirs.flatMap((dir) => {
      const from = `${this.store}/${id}${dir}`;
      const entries = existsSync(from) ? readdirSync(from, { withFileTypes: true }) : [];
      return entries.map((entry) => ({
        ...{ name: entry.name, type: entry.isDirectory() ? "dir" : "file", path: `${dir}/${entry.name}` },
        struct_type: "node",
      }));
    });
    return ok([{ id, struct_type: "snapshot" }, ...nodes].map((each) => `${JSON.stringify(each)}\n`).join(""));
  }

  private dump(args: readonly string[]): Output {
    const [id = "", path = ""] = args.slice(1).filter((each) => !each.startsWith("-"));
    const from = `${this.store}/${id}${path}`;
    if (existsSync(from)) return ok(readFileSync(from, "utf8"));
    return this.fatal(1, `cannot dump file: path "${path}" not found in snapshot`);
  }

  [Symbol.dispose](): void {
    rmSync(this.store, { recursive: true, force: true });
  }
}
