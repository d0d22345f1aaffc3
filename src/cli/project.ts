import type { Command } from "./command.ts";

const project: Command = {
  meta: { name: "project", description: "Host documentation sites" },
  aliases: { ls: "list", rm: "remove" },
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
    assets: () => import("./project/assets.ts").then((module) => module.default),
    backups: () => import("./project/backups.ts").then((module) => module.default),
    certs: () => import("./project/certs.ts").then((module) => module.default),
    enable: () => import("./project/enable.ts").then((module) => module.default),
    disable: () => import("./project/disable.ts").then((module) => module.default),
    validate: () => import("./project/validate.ts").then((module) => module.default),
    "render-nginx": () => import("./project/render-nginx.ts").then((module) => module.default),
  },
};

export default project;
