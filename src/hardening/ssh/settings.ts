// The settings of sshd that harden it, and the file that sets them.

import type { HostReader } from "../../host/host.ts";
import { few } from "../../text/lines.ts";
import type { HostRecord } from "../record.ts";

export interface Setting {
  name: string;
  value: string;
  /** Returns whether a value, in lower case, is at least as strict. */
  isStrict(value: string): boolean;
  /** Nothing is changed if another file decides this one. Another setting may be left to the admin. */
  isEssential?: true;
  /** It applies to accounts with the number 0 only. */
  isOfRoot?: true;
}

/** What the admin chose. */
export interface Choices {
  /** The users who may log in with a password. */
  passwordUsers: readonly string[];
  modern: boolean;
}

export const passwordSettings = ["PasswordAuthentication", "KbdInteractiveAuthentication"];

const isNo = (value: string): boolean => value === "no";

export const settings: readonly Setting[] = [
  ...passwordSettings.map((name) => ({ name, value: "no", isStrict: isNo, isEssential: true as const })),
  { name: "PermitRootLogin", value: "no", isStrict: isNo, isEssential: true, isOfRoot: true },
  { name: "X11Forwarding", value: "no", isStrict: isNo },
  // An agent offers each of its keys, and each one is a try.
  { name: "MaxAuthTries", value: "4", isStrict: (value) => Number(value) <= 4 },
  { name: "LoginGraceTime", value: "30", isStrict: (value) => secondsOf(value) > 0 && secondsOf(value) <= 30 },
  { name: "LogLevel", value: "VERBOSE", isStrict: (value) => /^(verbose|debug\d?)$/.test(value) },
  { name: "AllowAgentForwarding", value: "no", isStrict: isNo },
];

const units: Readonly<Record<string, number>> = { "": 1, s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

function secondsOf(time: string): number {
  return [...time.matchAll(/(\d+)([smhdw]?)/g)].reduce(
    (sum, [, count, unit = ""]) => sum + Number(count) * (units[unit] ?? 0),
    0,
  );
}

/** What `--modern` accepts, by the setting and the name of the list that `ssh -Q` prints. */
const modern: readonly { name: string; query: string; algorithms: readonly string[] }[] = [
  {
    name: "KexAlgorithms",
    query: "kex",
    algorithms: [
      ...["mlkem768x25519-sha256", "sntrup761x25519-sha512", "sntrup761x25519-sha512@openssh.com"],
      ...["curve25519-sha256", "curve25519-sha256@libssh.org"],
    ],
  },
  {
    name: "MACs",
    query: "mac",
    algorithms: ["hmac-sha2-512-etm@openssh.com", "hmac-sha2-256-etm@openssh.com", "umac-128-etm@openssh.com"],
  },
  {
    name: "Ciphers",
    query: "cipher",
    algorithms: [
      ...["chacha20-poly1305@openssh.com", "aes256-gcm@openssh.com", "aes128-gcm@openssh.com"],
      ...["aes256-ctr", "aes192-ctr", "aes128-ctr"],
    ],
  },
  {
    name: "HostKeyAlgorithms",
    query: "HostKeyAlgorithms",
    algorithms: [
      ...["ssh-ed25519-cert-v01@openssh.com", "rsa-sha2-512-cert-v01@openssh.com", "rsa-sha2-256-cert-v01@openssh.com"],
      ...["ssh-ed25519", "rsa-sha2-512", "rsa-sha2-256"],
    ],
  },
];

/** Returns the settings for these choices. Those of the algorithms have only names that this version of OpenSSH knows. */
export async function settingsFor(reader: HostReader, choices: Choices): Promise<readonly Setting[]> {
  if (!choices.modern) return settings;
  const lists = modern.map(async ({ name, query, algorithms }): Promise<Setting[]> => {
    const { stdout } = await reader.probe(["ssh", "-Q", query], { limitMs: 10_000 });
    const known = stdout.split("\n").filter((each) => algorithms.includes(each));
    const value = algorithms.filter((each) => known.includes(each)).join(",");
    const isStrict = (given: string): boolean => given.split(",").every((each) => algorithms.includes(each));
    return value === "" ? [] : [{ name, value, isStrict }];
  });
  return [...settings, ...(await Promise.all(lists)).flat()];
}

/** Returns the choices of the record, with those that the flags make in their place. */
export function choicesOf({ ssh = {} }: HostRecord, given: Partial<Choices>): Choices {
  const { passwordUsers = ssh.password_users ?? [], modern = ssh.modern === true } = given;
  return { passwordUsers: [...new Set(passwordUsers)].sort(), modern };
}

/** Returns the record with these choices. */
export function withChoices(record: HostRecord, { passwordUsers, modern }: Choices): HostRecord {
  const { ssh, ...others } = record;
  const { password_users: _, modern: __, ...unknown } = ssh ?? {};
  const ours = {
    ...unknown,
    ...(passwordUsers.length > 0 && { password_users: [...passwordUsers] }),
    ...(modern && { modern: true as const }),
  };
  return Object.keys(ours).length === 0 ? others : { ...others, ssh: ours };
}

/** Returns the text of the file. */
export function dropInText(all: readonly Setting[], { passwordUsers }: Choices): string {
  const block = [`Match User ${passwordUsers.join(",")}`, "    PasswordAuthentication yes"];
  const lines = [
    "# Written by edox-ops host ssh-harden. sshd uses the first value of each setting.",
    ...all.map(({ name, value }) => `${name} ${value}`),
    ...(passwordUsers.length > 0 ? ["", ...block] : []),
  ];
  return `${lines.join("\n")}\n`;
}

/** Returns who may still use a password, for a sentence: "", or " except for alice". */
export function exceptText({ passwordUsers }: Choices): string {
  return passwordUsers.length === 0 ? "" : ` except for ${few(passwordUsers)}`;
}
