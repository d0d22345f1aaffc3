import type { Project } from "../../sites/project.ts";
import { command } from "../command.ts";
import type { Context } from "../context.ts";
import { confirmationFlags, editFlags } from "../flags.ts";
import { edit } from "../run.ts";
import { credentialOf, isKept, showGenerated } from "./password-flags.ts";
import { editOf, previewsFlag, recordFlags, slugArgument, slugOf } from "./record.ts";

export default command({
  meta: {
    name: "update",
    description: "Change the settings of a project",
    long: [
      "Only the settings that you name are changed.",
      "If the project is enabled, its nginx site is rewritten, tested and loaded.",
      "An invalid result is rolled back, and the old site stays online.",
    ],
    examples: [
      "sudo edox-ops project update docs --domain docs.example.net",
      "sudo edox-ops project update docs --alias www.example.net,docs.example.org",
      "sudo edox-ops project update docs --csp strict --diff",
      "sudo edox-ops project update docs --rate-limit off",
      "sudo edox-ops project update docs --password previews",
      "sudo edox-ops project update docs --real-ip-from 10.0.0.5 --real-ip-from 2001:db8::/64",
    ],
  },
  args: { ...slugArgument, ...recordFlags, ...previewsFlag, ...confirmationFlags, ...editFlags },
  async run(values, context) {
    const { updateProject } = await import("../../sites/recipe.ts");
    const slug = slugOf(values);
    const changes = editOf(values);
    const note = changes.previews === "host" ? await previewNote(slug, changes, context) : "";
    const credential = await credentialOf(slug, values, context);
    const kept = await isKept(slug, credential, context);
    const exit = await edit(
      (facts) =>
        updateProject(slug, changes, facts, {
          credential,
          note: kept ? `${note} The password stays: replace it with --new-password.` : note,
        }),
      values,
      context,
      async (host) => {
        const { updateQuestion } = await import("./update-question.ts");
        return updateQuestion(host, slug, changes);
      },
    );
    await showGenerated(slug, credential, context);
    return exit;
  },
});

/** Adds the certificate for previews to the changes, and returns a sentence that says how previews are served. */
async function previewNote(slug: string, changes: Partial<Project>, context: Context): Promise<string> {
  const { previewSecurity } = await import("../../certs/preview-certificate.ts");
  const { securityFor } = await import("../../certs/preview-security.ts");
  const { applyEdit } = await import("../../sites/recipe.ts");
  const { theRecord } = await import("../../sites/store.ts");
  const host = await context.host();
  const record = await theRecord(host, slug);
  // The update itself reports an invalid record.
  if (!("project" in record)) return "";
  const project = applyEdit(record.project, changes) as Project;
  const found = await securityFor(host, project);
  if ("lineage" in found) changes.preview_certificate = found.lineage;
  return ` ${previewSecurity(project, found)}`;
}
