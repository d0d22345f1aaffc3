import { Problem } from "../../problem/problem.ts";
import { visibleJson } from "../../text/lines.ts";
import { usage } from "../arguments.ts";
import { command } from "../command.ts";
import { exitCode } from "../context.ts";
import { bundleFlags, bundlePolicyOf, outputFlags } from "../flags.ts";
import { printFound } from "../view.ts";
import { fileArgument } from "./file.ts";

export default command({
  meta: {
    name: "show",
    description: "Show the target and the contents of a bundle (read-only)",
    long: [
      "It lists the packages, images and sites with their sizes, and who signed the bundle.",
      "The contents are not verified: use bundle verify for that.",
    ],
    examples: [
      "edox-ops bundle show edox-trixie-amd64.tar",
      "edox-ops bundle show edox-trixie-amd64.tar --json",
      "edox-ops bundle show edox-trixie-amd64.tar --sbom",
    ],
  },
  args: {
    ...fileArgument,
    key: { ...bundleFlags.key, description: "Compare the signature with this public key (PEM) as well" },
    sbom: { type: "boolean", group: "Output", description: "Print the software bill of materials (CycloneDX JSON)" },
    json: outputFlags.json,
  },
  async run(values, context) {
    if (values.sbom && values.json) throw usage("--sbom and --json cannot be used together");
    const { describeBundle, sbomPath, findSigner } = await import("../../bundle/description.ts");
    const { openBundle } = await import("../../bundle/reader.ts");
    const { console } = context;
    const host = await context.host();
    const bundle = openBundle(host, values.file ?? "");
    try {
      if (values.sbom) {
        if (!bundle.manifest.members.some(({ path }) => path === sbomPath)) {
          throw new Problem("not-found", `${bundle.path} does not contain a software bill of materials`);
        }
        await console.out(visibleJson(new TextDecoder().decode(await bundle.bytes(sbomPath))));
        return exitCode.done;
      }
      const policy = bundlePolicyOf({ ...values, bundle: values.file });
      const description = describeBundle(bundle, await findSigner(host, bundle, policy));
      return await printFound(context, values.json, {
        document: { bundle: description },
        view: async (view) => (await import("./show-view.ts")).bundleText(description, view),
        text: async () => (await import("./text.ts")).descriptionLines(description).join(""),
      });
    } finally {
      bundle.close();
    }
  },
});
