// Removes everything that lets a deploy key in, with the program that it would run.

import type { Resource, Step } from "../engine/step.ts";
import type { HostReader } from "../host/host.ts";
import { absent } from "../resources/absent.ts";
import { findAccount } from "../resources/user.ts";
import { deployUser } from "./names.ts";
import { authorizedKeysPath, deployHome, deployKeysPath, sudoersPath } from "./paths.ts";

/** The rule goes first: without it no session does anything. */
const paths = [sudoersPath, authorizedKeysPath, deployKeysPath, deployHome];

/** Returns the steps that remove the keys, the rule and the user; none on a host that has none of them. */
export async function removalOf(reader: HostReader): Promise<Step[]> {
  const found = await findAccount(reader, deployUser);
  const hasUser = found?.home === deployHome;
  if (!hasUser && paths.every((path) => reader.stat(path) === null)) return [];
  const user: Resource = {
    name: `user ${deployUser}`,
    title: `user ${deployUser} does not exist`,
    async check(reader) {
      const account = await findAccount(reader, deployUser);
      if (account?.home !== deployHome) return [];
      const mayFail = `user ${deployUser} stays, because a session of it runs: it has no key any more`;
      return [{ kind: "command", argv: ["userdel", deployUser], reason: `user ${deployUser} exists`, mayFail }];
    },
  };
  const resources = [...paths.map((path) => absent(path)), ...(hasUser ? [user] : [])];
  return [{ id: "deploy-keys.remove", title: "no deploy key is accepted", resources }];
}
