import { lineOf } from "../../text/lines.ts";
import { command } from "../command.ts";
import { exitCode } from "../context.ts";
import { bundleFlags, bundlePolicyOf, outputFlags } from "../flags.ts";
import { fileArgument } from "./file.ts";

export default command({
  meta: {
    name: "verify",
    description: "Verify the checksums and the signature of a bundle",
    long: [
      "Every byte of the bundle is read and compared with its checksum.",
      "A command with --bundle does the same before its first change.",
    ],
    examples: [
      "edox-ops bundle verify edox-trixie-amd64.tar --key operator.pem",
      "edox-ops bundle verify edox-trixie-amd64.tar.1of3",
    ],
  },
  args: {
    ...fileArgument,
    key: {
      ...bundleFlags.key,
      description: "Require a signature by this public key (PEM), or by one in /etc/edox-ops/trust",
    },
    "require-signature": { type: "boolean", group: "Advanced", description: "Fail without a trusted signature" },
    json: outputFlags.json,
    quiet: outputFlags.quiet,
  },
  async run(values, { console, host: loadHost }) {
    const { describeBundle, findSigner } = await import("../../bundle/description.ts");
    const { openBundle } = await import("../../bundle/reader.ts");
    const { signedByTrustedKey } = await import("../../bundle/trust.ts");
    const { waitFor } = await import("../../problem/wait.ts");
    const host = await loadHost();
    const policy = bundlePolicyOf({ ...values, bundle: values.file });
    const bundle = openBundle(host, values.file ?? "");
    try {
      const warnings = await waitFor(host, signedByTrustedKey(bundle, policy));
      await bundle.verify();
      const description = describeBundle(bundle, await findSigner(host, bundle, policy));
      if (values.json) {
        const { jsonOf } = await import("../../report/json.ts");
        const document = { command: "bundle verify", outcome: "ok", exit: exitCode.done, warnings } as const;
        await console.out(jsonOf({ ...document, bundle: description }));
        return exitCode.done;
      }
      for (const each of warnings) console.err(lineOf`warning: ${each}`);
      if (values.quiet) return exitCode.done;
      const { sizeText } = await import("../../text/size.ts");
      const { signatureText } = await import("./text.ts");
      const members = bundle.manifest.members.length;
      await console.out(lineOf`${bundle.path}: all ${members} files are intact (${sizeText(bundle.size)})`);
      await console.out(lineOf`signature: ${signatureText(description)}`);
      return exitCode.done;
    } finally {
      bundle.close();
    }
  },
});
