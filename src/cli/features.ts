// Made by npm run docs, from the folders of src that have a feature.ts.

import backup from "../backup/feature.ts";
import bootstrap from "../bootstrap/feature.ts";
import certs from "../certs/feature.ts";
import deployKeys from "../deploy-keys/feature.ts";
import docker from "../docker/feature.ts";
import type { Feature } from "../engine/feature.ts";
import hardening from "../hardening/feature.ts";
import nginx from "../nginx/feature.ts";
import runner from "../runner/feature.ts";
import sites from "../sites/feature.ts";
import watch from "../watch/feature.ts";

/** Every feature by the name of its folder. */
export const features = {
  backup,
  bootstrap,
  certs,
  "deploy-keys": deployKeys,
  docker,
  hardening,
  nginx,
  runner,
  sites,
  watch,
} satisfies Record<string, Feature>;
