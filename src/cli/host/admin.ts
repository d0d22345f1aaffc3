import { userPattern } from "../../resources/user.ts";
import type { PublicKey } from "../../ssh/public-key.ts";
import { usage } from "../arguments.ts";
import { command } from "../command.ts";
import type { Context } from "../context.ts";
import { bundleFlags, changeFlags } from "../flags.ts";
import { accepted, publicKeyIn } from "../public-key.ts";
import { change } from "../run.ts";

// The key of a bundle would have the same name: the keys in /etc/edox-ops/trust are those that count.
const { key: _, ...packageFlags } = bundleFlags;
/** More than any public key has: see readPublicKey. */
const mostCharacters = 16 * 1024;
const rule = "lower-case letters, digits and . _ -, a letter or _ first, at most 32";

export default command({
  meta: {
    name: "admin",
    description: "Add a user who logs in with a key and becomes root",
    long: [
      "It creates the user if there is none, and adds the key to those that the user has.",
      "The user may become root with sudo without a password, because a new user has none.",
      "Key and rule are removed again unless a login from outside and sudo succeed.",
    ],
    examples: [
      "sudo edox-ops host admin alice --key alice.pub",
      "cat alice.pub | sudo edox-ops host admin alice --key - --yes",
    ],
  },
  args: {
    name: { type: "positional", description: `Name of the user: ${rule}` },
    key: {
      type: "string",
      valueHint: "file",
      completes: "file",
      description: "Public key of the user, such as id_ed25519.pub; - reads it from stdin",
    },
    ...changeFlags,
    ...packageFlags,
  },
  steps: async () => (await import("../../hardening/admin.ts")).hostAdmin("NAME", { line: "" }).steps,
  async run({ name, key: path, ...others }, context) {
    const typed = String(name);
    if (!userPattern.test(typed)) throw usage(`invalid user name '${typed}': a name has ${rule}`);
    if (path === undefined) throw usage("--key is missing: pass the public key of the user");
    const key = await keyIn(String(path), context);
    const { hostAdmin } = await import("../../hardening/admin.ts");
    return change(() => hostAdmin(typed, key), others, context);
  },
});

async function keyIn(path: string, { host, console }: Context): Promise<PublicKey> {
  if (path !== "-") return publicKeyIn(await host(), path);
  return accepted(await console.text("Public key", mostCharacters), "the key on stdin");
}
