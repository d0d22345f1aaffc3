import type { Command } from "./command.ts";

const project: Command = {
  meta: {
    name: "project",
    description: "Publish and manage documentation sites",
    long: [
      "A project is a site with its domain, its files, its backups and its settings.",
      "project publish puts a site online, and project deploy replaces its files.",
      "project deploy also makes previews and versions of a site, at addresses of their own.",
      "CI jobs deploy over SSH with a deploy key.",
    ],
    examples: [
      "sudo edox-ops project publish docs public --domain docs.example.org",
      "sudo edox-ops project deploy docs public",
      "sudo edox-ops project deploy docs public --preview fix-7",
      "sudo edox-ops project rollback docs --yes",
    ],
  },
  aliases: { ls: "list", rm: "remove" },
  groups: {
    Publish: ["publish", "deploy", "rollback", "restore"],
    "Show and check": ["list", "show", "validate", "check-links"],
    Change: ["update", "enable", "disable", "remove"],
    "Previews and versions": ["previews", "versions"],
    "Deploy from CI": ["ci", "key"],
    "More commands": ["backups", "assets", "certs", "add", "init", "render-nginx"],
  },
  subCommands: {
    publish: () => import("./project/publish.ts").then((module) => module.default),
    add: () => import("./project/add.ts").then((module) => module.default),
    update: () => import("./project/update.ts").then((module) => module.default),
    remove: () => import("./project/remove.ts").then((module) => module.default),
    list: () => import("./project/list.ts").then((module) => module.default),
    show: () => import("./project/show.ts").then((module) => module.default),
    init: () => import("./project/init.ts").then((module) => module.default),
    deploy: () => import("./project/deploy.ts").then((module) => module.default),
    restore: () => import("./project/restore.ts").then((module) => module.default),
    rollback: () => import("./project/restore.ts").then((module) => module.rollback),
    versions: () => import("./project/versions.ts").then((module) => module.default),
    assets: () => import("./project/assets.ts").then((module) => module.default),
    key: () => import("./project/key.ts").then((module) => module.default),
    backups: () => import("./project/backups.ts").then((module) => module.default),
    previews: () => import("./project/previews.ts").then((module) => module.default),
    certs: () => import("./project/certs.ts").then((module) => module.default),
    ci: () => import("./project/ci.ts").then((module) => module.default),
    enable: () => import("./project/enable.ts").then((module) => module.default),
    disable: () => import("./project/disable.ts").then((module) => module.default),
    validate: () => import("./project/validate.ts").then((module) => module.default),
    "check-links": () => import("./project/check-links.ts").then((module) => module.default),
    "render-nginx": () => import("./project/render-nginx.ts").then((module) => module.default),
  },
};

export default project;
