// The report for both a program and a person, who read the two streams of one connection: JSON events on stdout, and
// text on stderr.

import { jsonReporter } from "./json-reporter.ts";
import type { ReporterFor } from "./reporter.ts";
import { textReporter } from "./text-reporter.ts";

export const sessionReporter: ReporterFor = (options, environment, stop) => {
  const { console } = environment;
  const toPerson = { ...environment, console: { ...console, out: async (text: string) => console.err(text) } };
  const program = jsonReporter({ ...options, json: "lines" }, environment, stop);
  const person = textReporter({ ...options, json: false, colour: false }, toPerson, stop);
  const [one, other] = [program.watch, person.watch];
  return {
    note: inTurn(person.note, program.note),
    warning: inTurn(person.warning, program.warning),
    waiting: both(person.waiting, program.waiting),
    started: both(person.started, program.started),
    step: inTurn(person.step, program.step),
    operation: inTurn(person.operation, program.operation),
    progress: both(person.progress, program.progress),
    watch: {
      waiting: both(one.waiting, other.waiting),
      running: both(one.running, other.running),
      ran: both(one.ran, other.ran),
      lasting: both(one.lasting, other.lasting),
      ending: both(one.ending, other.ending),
      output: both(one.output, other.output),
      status: both(one.status, other.status),
    },
    clear: both(person.clear, program.clear),
    printLines: inTurn(person.printLines, program.printLines),
    // The document is the last line of stdout, and a lost one is a failure.
    end: inTurn(person.end, program.end),
  };
};

type Call<Given extends unknown[], Result> = ((...given: Given) => Result) | undefined;

function both<Given extends unknown[]>(one: Call<Given, void>, other: Call<Given, void>) {
  return (...given: Given): void => {
    one?.(...given);
    other?.(...given);
  };
}

function inTurn<Given extends unknown[]>(one: Call<Given, Promise<void>>, other: Call<Given, Promise<void>>) {
  return async (...given: Given): Promise<void> => {
    await one?.(...given);
    await other?.(...given);
  };
}
