import { command } from "./command.ts";
import { exitCode } from "./context.ts";

const shells = ["bash", "zsh", "fish"] as const;

const args = {
  shell: { type: "positional", description: `one of ${shells.join(", ")}`, options: shells },
} as const;

export default command({
  meta: { name: "completions", description: "print a script that completes what is typed in a shell" },
  args,
  async run({ shell }, { console }) {
    const { completionScripts } = await import("../report/completion-scripts.ts");
    await console.out(completionScripts[shell as (typeof shells)[number]]);
    return exitCode.done;
  },
});
