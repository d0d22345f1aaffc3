import type { Choices } from "../../hardening/ssh/settings.ts";
import { userPattern } from "../../resources/user.ts";
import { repeatedValues, usage } from "../arguments.ts";
import { command, type Values } from "../command.ts";
import { bundleFlags, changeFlags } from "../flags.ts";
import { guardFlags } from "./flags.ts";
import { guardedChange } from "./guarded-change.ts";

export default command({
  meta: {
    name: "ssh-harden",
    description: "Refuse passwords and root over SSH",
    long: [
      "Before and after the change, it logs in from outside as each user who must still get in.",
      "It is rolled back if nobody who can become root gets in, and host admin adds such a user.",
      "A line of another file that takes precedence is reported, and nothing is changed.",
      "The choices are recorded, and apply until they are given again.",
    ],
    examples: [
      "sudo edox-ops host ssh-harden --yes",
      "sudo edox-ops host ssh-harden --allow-password alice --confirm-within 10m",
      "sudo edox-ops host ssh-harden --modern --dry-run --diff",
    ],
  },
  args: {
    "allow-password": {
      type: "string",
      valueHint: "user,...",
      description: "Let this user log in with a password (repeatable); none lets nobody",
    },
    modern: { type: "boolean", description: "Accept only modern algorithms, which old clients do not have" },
    "no-modern": { type: "boolean", description: "Accept the algorithms of the distribution again" },
    ...guardFlags,
    ...changeFlags,
    ...bundleFlags,
  },
  steps: async () => (await import("../../hardening/ssh/recipe.ts")).sshHarden({}).steps,
  async run(values, context) {
    const given = choicesIn(values);
    const { sshHarden } = await import("../../hardening/ssh/recipe.ts");
    return guardedChange((confirmWithinMs) => sshHarden(given, confirmWithinMs), values, context);
  },
});

function choicesIn(values: Values): Partial<Choices> {
  if (values.modern && values["no-modern"]) throw usage("--modern and --no-modern are mutually exclusive");
  const names = repeatedValues(values, "allow-password");
  const invalid = names.find((name) => !userPattern.test(name));
  if (invalid !== undefined) throw usage(`invalid user name '${invalid}' for --allow-password`);
  const isNone = names.includes("none");
  if (isNone && names.length > 1) throw usage("--allow-password none cannot be used with a name");
  const isModern = values.modern === true || (values["no-modern"] === true ? false : undefined);
  return {
    ...(names.length > 0 && { passwordUsers: isNone ? [] : names }),
    ...(isModern !== undefined && { modern: isModern }),
  };
}
