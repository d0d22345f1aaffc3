// Stands in for the nginx that a deploy starts to probe the rules of a tree. It answers as the rules' model does; a test
// on a real host compares the model with nginx.

import type { Output, RunOptions } from "../../src/host/host.ts";
import { Answers } from "../../src/sites/rules/answers.ts";
import { filesOf } from "../../src/sites/rules/check.ts";
import { reachedRules } from "../../src/sites/rules/compile.ts";
import { headersFor } from "../../src/sites/rules/header-maps.ts";
import { isRedirecting } from "../../src/sites/rules/redirects.ts";
import { rulesOf } from "../../src/sites/rules/rules.ts";
import { type FakeHost, ok } from "../fake-host.ts";
import { variablesTooLong } from "../nginx/variables.ts";
import type { TreeHost } from "./tree.ts";

export class FakePrivateNginx {
  /** The answers to requests, in place of those of the rules: from the percent-encoded path to the status line. */
  readonly wrong = new Map<string, string>();
  /** What nginx prints about its configuration, which it then refuses. */
  refusal = "";
  /** The number of paths that were requested. */
  requests = 0;
  #end: ((output: Output) => void) | null = null;
  #socket = "";
  #root = "";

  constructor(
    private readonly fake: FakeHost,
    private readonly disk: TreeHost,
  ) {}

  /** Runs a command of the probe; undefined for any other one. */
  run(argv: readonly string[], options: RunOptions = {}): Promise<Output> | undefined {
    if (argv[0] === "setpriv" && argv.includes("nginx")) return this.#start(argv.at(-1) ?? "");
    if (argv[0] === "nginx" && argv.at(-1) === "stop") return this.#stop();
    if (argv[0] === "curl" && argv.includes("--unix-socket")) return this.#answer(options);
    return undefined;
  }

  async #start(config: string): Promise<Output> {
    if (this.refusal !== "") return { code: 1, stdout: "", stderr: this.refusal };
    const text = this.fake.text(config) ?? "";
    const tooLong = variablesTooLong([text]);
    if (tooLong !== null) return { code: 1, stdout: "", stderr: `nginx: [emerg] ${tooLong}\n` };
    this.#socket = /listen unix:(.+);/.exec(text)?.[1] ?? "";
    this.#root = /^ {4}root (.+);$/m.exec(text)?.[1] ?? "";
    this.fake.put(this.#socket, "");
    const { promise, resolve } = Promise.withResolvers<Output>();
    this.#end = resolve;
    return promise;
  }

  async #stop(): Promise<Output> {
    this.fake.remove(this.#socket);
    this.#end?.(ok(""));
    return ok("");
  }

  async #answer({ input }: RunOptions): Promise<Output> {
    let typed = "";
    for await (const piece of input ?? []) typed += new TextDecoder().decode(piece);
    if (typed === "") return { code: 2, stdout: "", stderr: "curl: (2) no URL specified\n" };
    const rules = rulesOf((name) => this.disk.host.read(`${this.#root}/${name}`)) ?? { redirects: [], headers: [] };
    const files = filesOf(this.disk.trees, this.#root);
    const answers = new Answers(reachedRules(rules.redirects).reached, files);
    const heads = [...typed.matchAll(/^url = "http:\/\/[^/]+(.*)"$/gm)].map(([, path = ""]) => {
      this.requests += 1;
      const found = answers.to(decodeURIComponent(path));
      const status = found?.rule.status ?? (files.find(decodeURIComponent(path)) === null ? "404" : "200");
      const sent = [...headersFor(rules.headers, decodeURIComponent(path))].filter(([, value]) => value !== null);
      const location = found !== null && isRedirecting(found.rule.status) ? [["location", found.target]] : [];
      const lines = [...location, ...sent].map(([name, value]) => `${name}: ${value}\r\n`).join("");
      return this.wrong.get(path) ?? `HTTP/1.1 ${status} Status\r\n${lines}\r\n`;
    });
    return ok(heads.join(""));
  }
}
