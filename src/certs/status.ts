// The status of the certificates of this host, for people and scripts.

import { type HostReader, UnknownStateError } from "../host/host.ts";
import { Problem } from "../problem/problem.ts";
import { type Certificate, type Lineage, type Lineages, readLineages, shareLeft } from "./lineage.ts";
import { type CertifiedProject, projectsIn, projectsOf } from "./projects.ts";
import { hookResult } from "./renewal/hook.ts";
import { type Timer, timerState } from "./renewal/timer.ts";
import { webrootsOf } from "./renewal-config.ts";
import { requestedName, type Served, servedCertificates } from "./served.ts";

const dayMs = 86_400_000;

export interface CertificateStatus {
  name: string;
  server: string;
  authenticator: string;
  profile: string | null;
  webroots: string[];
  /** null if only root may read it. */
  certificate: {
    names: string[];
    issuer: string;
    serial: string;
    key_type: string;
    not_before: string;
    not_after: string;
    days_left: number;
    /** The share of the lifetime, from 1 to 0. */
    lifetime_left: number;
  } | null;
  /** Whether nginx serves exactly this certificate now; null if that is unknown. */
  served: boolean | null;
  /** The serial that nginx serves for the first of the names. */
  served_serial: string | null;
  /** null if only root may read the records. */
  projects: string[] | null;
  hook: { result: "reloaded" | "failed"; at: string; reason: string } | null;
}

export interface CertsStatus {
  /** null if systemd does not answer. */
  timer_active: boolean | null;
  next_run: string | null;
  last_run: string | null;
  last_result: string | null;
  certificates: CertificateStatus[];
}

/** Returns the status of each lineage. `faults`: a sentence for each that certbot cannot use, or that is not known. */
export async function certsStatus(reader: HostReader): Promise<{ status: CertsStatus; faults: string[] }> {
  const faults: string[] = [];
  const timer = timerState(reader).catch((error) => {
    faults.push(Problem.of(error).message);
    return null;
  });
  const { lineages, broken } = lineagesOrNone(reader);
  const projects = projectsOrUnknown(reader);
  const all = [...lineages.values()];
  const served = await servedCertificates(reader, [...new Set(all.flatMap((each) => nameOf(each) ?? []))]);
  const certificates = all.map((lineage) => statusOf(reader, lineage, { projects, served }));
  faults.push(...[...broken.values()].map(({ name, reason }) => `${name} cannot be used: ${reason}`));
  return { status: { ...timerStatus(await timer), certificates }, faults };
}

/** A directory that only root may read has no certificates that can be shown. */
function lineagesOrNone(reader: HostReader): Lineages {
  try {
    return readLineages(reader);
  } catch (error) {
    if (error instanceof UnknownStateError) return { lineages: new Map(), broken: new Map() };
    throw error;
  }
}

function projectsOrUnknown(reader: HostReader): CertifiedProject[] | null {
  try {
    return projectsIn(reader);
  } catch (error) {
    if (error instanceof UnknownStateError) return null;
    throw error;
  }
}

const iso = (ms: number | null | undefined): string | null =>
  typeof ms === "number" ? new Date(ms).toISOString() : null;

function timerStatus(timer: Timer | null): Omit<CertsStatus, "certificates"> {
  return {
    timer_active: timer?.active ?? null,
    next_run: iso(timer?.next),
    last_run: iso(timer?.lastRun),
    last_result: timer?.lastResult ?? null,
  };
}

/** Returns the name by which the certificate of a lineage is requested, or null. */
function nameOf(lineage: Lineage): string | null {
  return lineage.certificate && requestedName(lineage, lineage.certificate);
}

interface Known {
  /** null if only root may read them. */
  projects: CertifiedProject[] | null;
  served: ReadonlyMap<string, Served>;
}

function statusOf(reader: HostReader, lineage: Lineage, known: Known): CertificateStatus {
  const { name, certificate, settings } = lineage;
  const { projects } = known;
  const served = known.served.get(nameOf(lineage) ?? "") ?? null;
  const hook = hookResult(reader, name);
  return {
    name,
    server: settings.server,
    authenticator: settings.authenticator,
    profile: settings.profile,
    webroots: webrootsOf(settings),
    certificate: certificate && detailsOf(reader, certificate),
    served: served && certificate && ("serial" in served ? served.serial === certificate.serial : false),
    served_serial: served && "serial" in served ? served.serial : null,
    projects: projects && projectsOf(projects, lineage).map(({ slug }) => slug),
    hook: hook && { ...hook, at: iso(hook.at) ?? "" },
  };
}

function detailsOf(reader: HostReader, certificate: Certificate): NonNullable<CertificateStatus["certificate"]> {
  const { names, issuer, serial, keyType, notBefore, notAfter } = certificate;
  return {
    ...{ names, issuer, serial },
    key_type: keyType,
    not_before: iso(notBefore) ?? "",
    not_after: iso(notAfter) ?? "",
    days_left: Math.floor((notAfter - reader.now()) / dayMs),
    lifetime_left: Math.round(shareLeft(reader, certificate) * 1000) / 1000,
  };
}
