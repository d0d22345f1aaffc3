/** How a run works, and what it prints. */
export interface RunOptions {
  /** Whether the run plans and changes nothing. */
  dryRun: boolean;
  /** Whether pending changes are a failure of this dry run. */
  check: boolean;
  /** Whether the report shows the content of changed files, or the names of changed trees. */
  diff: boolean;
  /** "document": one JSON document at the end. "lines": one JSON event per line as it happens. */
  json: false | "document" | "lines";
  /** Whether only errors are printed. */
  quiet: boolean;
  /** Whether the commands and their output are printed. */
  verbose: boolean;
  colour: boolean;
  /** Whether the run changes the host without a confirmation. */
  yes: boolean;
  /** Step ids, separated by commas. */
  only: string | undefined;
  skip: string | undefined;
  /** The step that fails on purpose. */
  failStep: string | undefined;
}
