// Removes the account of an admin who cannot log in, if the same step has created it.

import { isUnused, type NewAccount } from "../engine/new-account.ts";
import type { Step } from "../engine/step.ts";
import { Problem } from "../problem/problem.ts";
import { findAccount } from "../resources/user.ts";

/** Returns the home of an account that the step creates. */
export function newHome(name: string): string {
  return `/home/${name}`;
}

/**
 * Returns the step. If it is rolled back, also after a kill, an account that did not exist before it is removed with its
 * home. It stays if it has a password, or the home has files other than those of /etc/skel and this line of authorized_keys(5),
 * because somebody has used it then.
 */
export function withNewAccount(step: Step, name: string, keyLine: string): Step {
  const account: NewAccount = { kind: "account", name, home: newHome(name), keyLine };
  let isNew = false;
  return {
    ...step,
    async before(host, run) {
      isNew = (await findAccount(host, name)) === null;
      if (isNew) run.record(account);
      await step.before?.(host, run);
    },
    async verify(host, run) {
      try {
        await step.verify?.(host, run);
      } catch (error) {
        if (!isNew || isUnused(host, account)) throw error;
        const problem = Problem.of(error);
        throw problem.with({ message: `${problem.message}; the account ${name} stays, because somebody has used it` });
      }
    },
  };
}
