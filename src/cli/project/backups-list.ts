import { backupNames, backupsOf } from "../../projects/releases.ts";
import { theProject } from "../../projects/store.ts";
import { command } from "../command.ts";
import { exitCode } from "../context.ts";
import { slugArgument, slugOf } from "./record.ts";

export default command({
  meta: { name: "list", description: "list them: name, bytes, path, the newest first" },
  args: slugArgument,
  async run(values, { console, host: loadHost, trees: loadTrees }) {
    const [host, trees] = [await loadHost(), await loadTrees()];
    const { slug } = await theProject(host, slugOf(values));
    const names = backupNames(host, slug);
    const lines = names.map((name) => {
      const dir = `${backupsOf(slug)}/${name}`;
      let bytes = 0;
      for (const { type, size } of trees.walk(dir)) if (type === "file") bytes += size;
      return `${name}\t${bytes}\t${dir}\n`;
    });
    const newest = names[0] === undefined ? `No backups for ${slug}.\n` : `Newest backup: ${names[0]}\n`;
    await console.out(lines.join("") + newest);
    return exitCode.done;
  },
});
