import type { DeployKey } from "../../../deploy-keys/record.ts";
import type { HostReader } from "../../../host/host.ts";
import { convergeRecipe } from "../../../run/recipes.ts";
import { lineOf } from "../../../text/lines.ts";
import type { Secret } from "../../../text/secret.ts";
import { usage } from "../../arguments.ts";
import { command } from "../../command.ts";
import { bundleFlags, editFlags } from "../../flags.ts";
import { publicKeyIn } from "../../public-key.ts";
import { editWaitMs, run } from "../../run.ts";
import { slugArgument, slugOf } from "../record.ts";
import { keyFlags, settingsOf } from "./flags.ts";

// The key of a bundle would have the same name: the keys in /etc/edox-ops/trust are those that count.
const { key: _, ...packageFlags } = bundleFlags;

export default command({
  meta: {
    name: "add",
    description: "Add a deploy key to a project",
    long: [
      "It lets an SSH key deploy this project, and run nothing else.",
      "The key logs in as the user edox-deploy, which has no password, no files and one sudo rule.",
      "The packages sudo and openssh-server are installed if they are missing.",
      "Run it again with the same key to change its limits.",
    ],
    examples: [
      "sudo edox-ops project key add docs --generate",
      "sudo edox-ops project key add docs --key id_ed25519.pub --name laptop --expires 90d",
      "sudo edox-ops project key add docs --generate --name previews --previews-only --from 192.0.2.0/24",
    ],
  },
  args: { ...slugArgument, ...keyFlags, ...packageFlags, ...editFlags },
  async run(values, context) {
    const { key: path, generate, ...others } = values;
    const slug = slugOf(values);
    const host = await context.host();
    const settings = settingsOf(values, host.now());
    if ((path === undefined) !== (generate === true)) throw usage("pass either --key FILE or --generate");
    if (generate && values.quiet) throw usage("--generate prints the key, so it cannot be used with --quiet");
    return run(others, context, async (session) => {
      const { dryRun } = session.options;
      if (!dryRun) session.demandRoot();
      const { addKey } = await import("../../../deploy-keys/edit.ts");
      const made = path === undefined ? await generated(`${slug}/${settings.name}`) : null;
      const pair = made ?? { ...(await ownKey(host, String(path))), secret: null };
      const { secret, ...publicPart } = pair;
      const key: DeployKey = { project: slug, ...publicPart, ...settings };
      const isDone = await convergeRecipe(session, () => addKey(key, context.program), { lockWaitMs: editWaitMs });
      if (!isDone || dryRun) return;
      const { whyUnfit } = await import("../../../deploy-keys/sshd.ts");
      const unfit = await whyUnfit(host);
      if (unfit !== null && !unfit.unknown) await session.warn(`${unfit.reason}: check with edox-ops doctor`);
      const { keyParts, keyText } = await import("./report.ts");
      session.include(keyParts(key, secret));
      const request = key.previews_only ? "deploy --preview NAME" : "deploy";
      session.say(keyText(key, secret), lineOf`Deploy with: tar -C public -c . | ssh edox-deploy@HOST ${request}`);
    });
  },
});

type Generated = Pick<DeployKey, "public_key" | "fingerprint"> & { secret: Secret };

async function ownKey(reader: HostReader, path: string): Promise<Pick<DeployKey, "public_key" | "fingerprint">> {
  const { line, fingerprint } = await publicKeyIn(reader, path);
  return { public_key: line, fingerprint };
}

async function generated(comment: string): Promise<Generated> {
  const { generateKey } = await import("../../../deploy-keys/generate.ts");
  const { line, fingerprint, privateKey } = await generateKey(comment);
  return { public_key: line, fingerprint, secret: privateKey };
}
