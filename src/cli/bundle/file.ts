// The positional argument of commands that read a bundle.

import type { Arguments } from "../command.ts";

export const fileArgument = {
  file: { type: "positional", valueHint: "file", description: "The bundle, or any part of a split one" },
} as const satisfies Arguments;
