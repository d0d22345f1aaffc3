// Asks sshd for its settings once for all connections that get the same answer: each answer is a process.

import type { HostReader } from "../../host/host.ts";
import { textOf } from "../../host/text-file.ts";
import { type ConfigLine, type Criterion, matches } from "../../ssh/config.ts";
import { type Connection, type SshdSettings, sshdSettings } from "../../ssh/settings.ts";
import type { LoginAccount } from "./accounts.ts";
import { dropInPath } from "./paths.ts";

/** Accounts with the same settings for one way to connect. */
interface Question {
  accounts: readonly LoginAccount[];
  place: Partial<Connection>;
}

interface Answers {
  answers: (Question & { answer: SshdSettings })[];
  /** Why they are not all, as a clause, or null. Where sshd fails, there are none. */
  failure: string | null;
}

/** sshd takes 20 ms for an answer. */
const atOnce = 4;

/**
 * Asks sshd for the settings of these accounts, also for the addresses, names and ports that Match blocks of other files
 * have. No more is asked after `limitMs` milliseconds, or after a failure of sshd.
 */
export async function askSshd(
  reader: HostReader,
  lines: readonly ConfigLine[],
  accounts: readonly LoginAccount[],
  limitMs = Number.POSITIVE_INFINITY,
): Promise<Answers> {
  const questions = questionsFor(lines, accounts, hasOtherGroups(reader));
  const end = reader.now() + limitMs;
  const answers: Answers["answers"] = [];
  while (answers.length < questions.length) {
    if (reader.now() > end) {
      return {
        answers,
        failure: `sshd gave only ${answers.length} of ${questions.length} answers within ${limitMs / 1000} s`,
      };
    }
    const some = questions.slice(answers.length, answers.length + atOnce);
    const got = await Promise.all(
      some.map(({ accounts: [first], place }) => sshdSettings(reader, first?.user ?? "", place)),
    );
    for (const [at, answer] of got.entries()) {
      if ("failure" in answer) return { answers: [], failure: `sshd does not print its settings: ${answer.failure}` };
      answers.push({ ...(some[at] as Question), answer });
    }
  }
  return { answers, failure: null };
}

/** Returns whether a directory service may add accounts of the host to groups, by nsswitch.conf(5). */
function hasOtherGroups(reader: HostReader): boolean {
  const [, sources = ""] = /^\s*group:([^#\n]*)/m.exec(textOf(reader, "/etc/nsswitch.conf") ?? "") ?? [];
  const names = sources.replace(/\[[^\]]*\]/g, "").match(/\S+/g) ?? [];
  return names.some((name) => !["files", "compat", "systemd"].includes(name));
}

/**
 * Returns one question for accounts that no Match block tells apart, for each way to connect that can matter to them: a
 * block that never applies to an account does not change its settings anywhere. `asksGroups`: only sshd knows all groups.
 */
function questionsFor(
  lines: readonly ConfigLine[],
  accounts: readonly LoginAccount[],
  asksGroups: boolean,
): Question[] {
  const blocks = lines.filter(({ keyword }) => keyword === "match");
  // The command of such a block may depend on the user.
  const depends = ["exec", ...(asksGroups ? ["group"] : [])];
  const isOpen = ({ name }: Criterion): boolean => depends.includes(name);
  const asksEach = blocks.some(({ criteria }) => criteria.some(isOpen));
  const applies = ({ criteria }: ConfigLine, account: LoginAccount) =>
    matches(
      criteria.filter((each) => !isOpen(each)),
      account,
    );
  const alike = Map.groupBy(accounts, (account) =>
    [...blocks.map((block) => applies(block, account)), asksEach && account.user].join(" "),
  );
  return [...alike.values()].flatMap((some) => {
    const applying = blocks.filter(
      (block) => block.path !== dropInPath && some[0] !== undefined && applies(block, some[0]) !== "never",
    );
    return placesIn(applying).map((place) => ({ accounts: some, place }));
  });
}

/** Returns one way to connect for each Match block that has a criterion about it, and the usual way. */
function placesIn(blocks: readonly ConfigLine[]): Partial<Connection>[] {
  const parts: Readonly<Record<string, keyof Connection>> = {
    address: "address",
    host: "host",
    localaddress: "localAddress",
    localport: "localPort",
  };
  const places = blocks.map(({ criteria }) =>
    Object.fromEntries(
      criteria.flatMap(({ name, patterns }) => (parts[name] ? [[parts[name], exampleOf(patterns)]] : [])),
    ),
  );
  return [...new Map([{}, ...places].map((place) => [JSON.stringify(place), place])).values()];
}

/** Returns a value that one of the patterns matches: an address of a network, or a name. */
function exampleOf(patterns: string): string {
  const pattern = patterns.split(",").find((each) => !each.startsWith("!")) ?? "";
  const example = (pattern.split("/")[0] ?? "").replace(/[*?]/g, "1");
  // The pattern 10.1.* stands for a whole address.
  return /^\d+(\.\d+){0,2}$/.test(example) && pattern.endsWith("*")
    ? `${example}.1.1.1`.split(".", 4).join(".")
    : example;
}
