// The positional argument of commands that read a bundle.

import type { Arguments } from "../command.ts";

export const fileArgument = {
  file: { type: "positional", valueHint: "file", description: "Path of the bundle, or of any part of a split one" },
} as const satisfies Arguments;
