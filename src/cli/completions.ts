import { command } from "./command.ts";
import { exitCode } from "./context.ts";

const shells = ["bash", "zsh", "fish"] as const;

const args = {
  shell: {
    type: "positional",
    description: "Name of the shell",
    options: shells,
  },
} as const;

export default command({
  meta: {
    name: "completions",
    description: "Print the completion script for a shell",
    long: [
      "The script completes commands, flags and values on Tab.",
      "Write it to a file that your shell loads, or load it in the current shell with source.",
    ],
    examples: ["edox-ops completions bash >> ~/.bashrc", "edox-ops completions zsh", "edox-ops completions fish"],
  },
  args,
  async run({ shell }, { console }) {
    const { completionScripts } = await import("../report/completion-scripts.ts");
    await console.out(completionScripts[shell as (typeof shells)[number]]);
    return exitCode.done;
  },
});
