import type { Facts } from "../../engine/facts.ts";
import { askFirst } from "../../run/confirmation.ts";
import type { Session } from "../../run/session.ts";
import type { Draft } from "../../sites/project.ts";
import { usage } from "../arguments.ts";
import { contentFlags, withoutBundle } from "../bundle-content.ts";
import { command } from "../command.ts";
import { confirmationFlags, runOptionsOf } from "../flags.ts";
import { certificateChoices, certificateFlags } from "./certificate-flags.ts";
import { deployRelease } from "./deploy.ts";
import { credentialOf, passwordFlags, showGenerated } from "./password-flags.ts";
import { editOf, newProject, recordFlags, slugArgument, slugOf } from "./record.ts";
import { type ReleaseCommand, runRelease } from "./release.ts";
import { releaseFlags, sourceArgument, sourceFlags, sourceOf } from "./release-flags.ts";

const { domain, alias, csp, default: unknownNames, "owner-group": ownerGroup } = recordFlags;
const { "rate-limit": rateLimit, "real-ip-from": realIpFrom, tls } = recordFlags;
const { precompress, "no-precompress": noPrecompress } = recordFlags;
const { "strict-urls": strictUrls, "no-strict-urls": noStrictUrls } = recordFlags;

export default command({
  meta: {
    name: "publish",
    description: "Publish a site: register the project, deploy its files and serve them",
    long: [
      "This is the command for the first and for every later deploy of a site.",
      "It registers the project, replaces its files atomically, writes the nginx site and requests a page.",
      "If any part fails, partial changes are rolled back.",
      "With --tls it obtains a certificate first, which needs a DNS record of the domain and port 80.",
      "Flags of an existing project change its settings.",
    ],
    examples: [
      "sudo edox-ops project publish docs public --domain docs.example.org",
      "sudo edox-ops project publish docs site.tar.gz --domain docs.example.org --tls",
      "edox-ops project publish docs public --domain docs.example.org --dry-run",
    ],
  },
  args: {
    ...slugArgument,
    ...sourceArgument,
    ...sourceFlags,
    ...contentFlags("Publish the site of this name in an offline bundle"),
    ...{ domain, alias, csp, default: unknownNames, "owner-group": ownerGroup },
    ...{ "rate-limit": rateLimit, "real-ip-from": realIpFrom },
    tls: { ...tls, description: "Serve the site over HTTPS, and obtain a certificate if there is none" },
    ...certificateFlags,
    ...passwordFlags,
    ...{ precompress, "no-precompress": noPrecompress },
    ...{ "strict-urls": strictUrls, "no-strict-urls": noStrictUrls },
    ...confirmationFlags,
    ...releaseFlags,
  },
  async run(values, context) {
    const { publication } = await import("../../sites/deploy/publish.ts");
    const { applyEdit } = await import("../../sites/recipe.ts");
    const { privilegedRunners, sharedHostWarning } = await import("../../runner/shared-host.ts");
    const slug = slugOf(values);
    const unused = Object.keys(certificateFlags).find((name) => values[name as keyof typeof values] !== undefined);
    if (unused !== undefined && values.tls !== true) throw usage(`--${unused} needs --tls`);
    const choices = certificateChoices(values);
    // The source path of a record may be used, if its project only changes to HTTPS.
    if (sourceOf(values) === undefined && values.bundle === undefined && values.tls !== true) {
      throw usage("--source is missing", undefined, ["edox-ops", ...context.typed, "--source", "DIRECTORY"]);
    }
    const changes = editOf(values);
    // The flags change the record of an existing project, as those of update do.
    const after = (before: Draft | null): Draft => {
      return { ...applyEdit(before ?? newProject(slug, values, context), changes), enabled: true };
    };
    const credential = await credentialOf(slug, values, context);
    const [host, options] = [await context.host(), runOptionsOf(values)];
    const demandSame = await askFirst({ environment: context, options, host }, async () => {
      const { draftOf } = await import("../../sites/store.ts");
      const { updateQuestion } = await import("./update-question.ts");
      return (await draftOf(host, slug)) === null ? null : updateQuestion(host, slug, changes);
    });
    const shared = sharedHostWarning(await privilegedRunners(host), [slug]);
    const release: ReleaseCommand = {
      ...deployRelease(slug, values, context),
      demandSame,
      warnings: shared === null ? [] : [shared],
      publication: (facts, certificate) => publication(slug, after, facts, { certificate, credential }),
      ...(values.tls === true && {
        async certificate({ host, again, options: { dryRun } }: Session) {
          const { needsCertificate, obtainCertificate } = await import("../../certs/issue/recipe.ts");
          const options = { slug, after, host, again, dryRun, ...choices };
          return (await needsCertificate(options)) ? (facts: Facts) => obtainCertificate(options, facts) : null;
        },
      }),
    };
    const exit = await runRelease(slug, release, withoutBundle(values), context);
    await showGenerated(slug, credential, context);
    return exit;
  },
});
