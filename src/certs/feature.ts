import { type Feature, optionalStep } from "../engine/feature.ts";
import { type HostReader, UnknownStateError } from "../host/host.ts";
import { hookPath, liveDir, renewalConfigDir, renewalsDir } from "./paths.ts";
import { type CertifiedProject, projectsIn } from "./projects.ts";

const setUp = "certs setup-auto-renew";

const certs: Feature = {
  async recipes() {
    const { setUpAutoRenew } = await import("./recipe.ts");
    return [{ ...setUpAutoRenew, steps: setUpAutoRenew.steps.map((step) => optionalStep(step, isManaged)) }];
  },
  checks: async ({ reader, host, online }) => (await import("./checks.ts")).certsChecks(reader, { host, online }),
  bundled: async () => ({ name: "certs", packages: (await import("./recipe.ts")).certsPackages }),
  repairs: true,
  optional: {
    isInstalled: (reader) =>
      trueIfUnknown(
        () =>
          hasParts(reader) ||
          (reader.stat(liveDir) !== null &&
            projectsIn(reader).some(({ tls, hasPreviewHosts }) => tls || hasPreviewHosts)),
      ),
    listed: { "certs:managed": setUp },
    standsAlone: true,
  },
};

export default certs;

/** Returns whether certbot renews certificates for edox-ops: a certificate that an admin installed needs none of it. */
function isManaged(reader: HostReader): boolean {
  const isRenewed = ({ tls, domain, previewCertificate }: CertifiedProject): boolean =>
    [tls ? domain : null, previewCertificate].some(
      (name) => name !== null && reader.stat(`${renewalConfigDir}/${name}.conf`) !== null,
    );
  return trueIfUnknown(() => hasParts(reader) || projectsIn(reader).some(isRenewed));
}

function hasParts(reader: HostReader): boolean {
  return [hookPath, renewalsDir].some((path) => reader.stat(path) !== null);
}

/** What only root can see may be there: the checks then report what is unknown. */
function trueIfUnknown(is: () => boolean): boolean {
  try {
    return is();
  } catch (error) {
    if (error instanceof UnknownStateError) return true;
    throw error;
  }
}
