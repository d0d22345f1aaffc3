// The system user of deploy keys. It owns nothing, and its home belongs to root.

import type { Change } from "../engine/change.ts";
import type { Resource } from "../engine/step.ts";
import type { HostReader } from "../host/host.ts";
import { textOf } from "../host/text-file.ts";
import { Problem } from "../problem/problem.ts";
import { gidOf } from "../resources/group.ts";
import { findAccount } from "../resources/user.ts";
import { deployUser } from "./names.ts";
import { deployHome } from "./paths.ts";

/** sshd runs a forced command with the user's shell, so nologin would refuse every session. */
const shell = "/bin/sh";
/** No password has this hash. sshd without PAM regards a leading ! as a locked account, which no key opens either. */
const noPassword = "*";

export const account: Resource = {
  name: `deploy-keys:user:${deployUser}`,
  title: `user ${deployUser} exists`,
  async check(reader) {
    const found = await findAccount(reader, deployUser);
    if (found === null) {
      const group = gidOf(reader, deployUser) === null ? [] : ["--gid", deployUser];
      const flags = ["--no-create-home", "--home-dir", deployHome, "--shell", shell, "--password", noPassword];
      const argv = ["useradd", "--system", ...group, ...flags, deployUser];
      return [{ kind: "command", argv, reason: `user ${deployUser} does not exist` }];
    }
    if (found.home !== deployHome) {
      const message = `user ${deployUser} exists, and its home is ${found.home}: rename or remove it`;
      throw new Problem("not-managed", message);
    }
    return [
      ...repair(["--shell", shell], found.shell === shell ? null : `the shell of ${deployUser} is not ${shell}`),
      ...repair(["--password", noPassword], hasPassword(reader) ? `${deployUser} has a password` : null),
    ];
  },
};

function repair(flags: string[], reason: string | null): Change[] {
  return reason === null ? [] : [{ kind: "command", argv: ["usermod", ...flags, deployUser], reason }];
}

/** Returns whether a password opens the account, or would with PAM only: see {@link noPassword}. */
function hasPassword(reader: HostReader): boolean {
  const lines = (textOf(reader, "/etc/shadow") ?? "").split("\n").map((line) => line.split(":"));
  const [, hash] = lines.find(([name]) => name === deployUser) ?? [];
  return hash !== undefined && hash !== noPassword;
}
