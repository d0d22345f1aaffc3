// Removes the account of an admin who cannot log in, if the same step has created it.

import type { Step } from "../engine/step.ts";
import type { HostReader } from "../host/host.ts";
import { Problem } from "../problem/problem.ts";
import { findAccount } from "../resources/user.ts";

const skeletonDir = "/etc/skel";
const keysDir = ".ssh";

/**
 * Returns the step. If its `verify` throws, an account that did not exist before it is removed with its home. It stays if
 * the home has files other than those of /etc/skel and this line of authorized_keys(5), because somebody has used it then.
 */
export function withNewAccount(step: Step, name: string, keyLine: string): Step {
  let isNew = false;
  return {
    ...step,
    async before(host, run) {
      isNew = (await findAccount(host, name)) === null;
      await step.before?.(host, run);
    },
    async verify(host, run) {
      try {
        await step.verify?.(host, run);
      } catch (error) {
        const account = isNew ? await findAccount(host, name) : null;
        if (account === null) throw error;
        const { home } = account;
        if (!isUnused(host, home, keyLine)) {
          const problem = Problem.of(error);
          throw problem.with({ message: `${problem.message}; the account ${name} stays, because ${home} was used` });
        }
        // The login that failed may have left a process of systemd, which ends by itself.
        run.record({ kind: "command", argv: ["userdel", "--force", "--remove", name], ifExists: home });
        throw error;
      }
    },
  };
}

function isUnused(reader: HostReader, home: string, keyLine: string): boolean {
  try {
    return hasOnly(reader, home, keyLine);
  } catch {
    // A link of the user, for example.
    return false;
  }
}

function hasOnly(reader: HostReader, home: string, keyLine: string): boolean {
  return (reader.list(home) ?? []).every((name) => {
    const path = `${home}/${name}`;
    if (name !== keysDir || reader.stat(path)?.type !== "directory") {
      return isCopy(reader, `${skeletonDir}/${name}`, path);
    }
    return (reader.list(path) ?? []).every((each) => {
      const lines = new TextDecoder().decode(reader.readOwn(`${path}/${each}`)?.bytes).split("\n");
      return each === "authorized_keys" && lines.every((line) => line === "" || line === keyLine);
    });
  });
}

/** Returns whether the path has no more than its model in /etc/skel. */
function isCopy(reader: HostReader, model: string, path: string): boolean {
  const [one, other] = [reader.stat(model), reader.stat(path)];
  if (one === null || one.type !== other?.type) return false;
  if (one.type === "link") return reader.readLink(model) === reader.readLink(path);
  if (one.type === "directory") {
    return (reader.list(path) ?? []).every((name) => isCopy(reader, `${model}/${name}`, `${path}/${name}`));
  }
  const [bytes, own] = [reader.read(model), reader.readOwn(path)?.bytes];
  return bytes !== null && own !== undefined && Buffer.from(bytes).equals(own);
}
