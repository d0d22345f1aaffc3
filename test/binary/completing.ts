// Stands for the program in the tests of completion scripts: it answers for a host in memory.

import { answerTo } from "../cli/completion-host.ts";

const [first, ...words] = process.argv.slice(2);
if (first !== "__complete") throw new Error(`the script typed ${first}`);
process.stdout.write((await answerTo(words)).out);
