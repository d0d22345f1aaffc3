import type { CommandSpec } from "../report/command-spec.ts";
import { command } from "./command.ts";
import { exitCode } from "./context.ts";

const shells = {
  bash: () => import("../report/completion-bash.ts").then((module) => module.bashCompletion),
  zsh: () => import("../report/completion-zsh.ts").then((module) => module.zshCompletion),
  fish: () => import("../report/completion-fish.ts").then((module) => module.fishCompletion),
} satisfies Record<string, () => Promise<(root: CommandSpec) => string>>;

const args = {
  shell: {
    type: "positional",
    description: `one of ${Object.keys(shells).join(", ")}`,
    options: Object.keys(shells),
  },
} as const;

export default command({
  meta: { name: "completions", description: "print a script that completes what is typed in a shell" },
  args,
  async run({ shell }, { console }) {
    const { root } = await import("./cli.ts");
    const { commandSpecOf } = await import("./command-spec.ts");
    const script = await shells[shell as keyof typeof shells]();
    await console.out(script(await commandSpecOf(root, ["edox-ops"])));
    return exitCode.done;
  },
});
