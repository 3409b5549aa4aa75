import type { ZodType } from 'zod';
import { own } from '../base/own.ts';
import type { SagaDefinition } from '../saga/definition.ts';
import type { Schemas } from './program.ts';

/** What the parts of a saga's data look like, as its author said. */
export function schemasOf({ input, steps, signals }: SagaDefinition): Schemas {
  const resultOf = (name: string): ZodType | undefined => steps.find((step) => step.name === name)?.resultSchema;
  return {
    input,
    answer: (child, path) => {
      const { name, what } = parted(child);
      if (steps.some((step) => step.name === name && step.map)) return path.length === 1 && typeof path[0] === 'number' ? resultOf(name) : undefined;
      // A check says what the result was.
      return path.join('.') === (what === 'check' ? 'result' : '') ? resultOf(name) : undefined;
    },
    event: (type, path) => {
      const at = path.join('.');
      if (at === 'payload' && parted(type).what === 'decide') return resultOf(parted(type).name);
      return at === 'payload' ? own(signals, type) : at === 'result' ? resultOf(parted(type).name) : undefined;
    },
    context: ([field, number, part, ...deeper]) => {
      if (field === 'input' && number === undefined) return input;
      if (field === 'signals' && part !== undefined && deeper.length === 0) return own(signals, String(number));
      const step = steps.find((one) => one.number === number);
      if (field === 'steps' && part === 'decision' && step?.approval) return deeper.join('.') === 'payload' ? step.resultSchema : undefined;
      // The result of a map are those of its items.
      if (field !== 'steps' || part !== 'result' || deeper.length !== (step?.map?.collect ? 1 : 0)) return undefined;
      return step?.wait ? own(signals, step.wait.signal) : step?.resultSchema;
    },
  };
}

/** `flight.check` is of the step `flight`. */
export function parted(id: string): { readonly name: string; readonly what?: string } {
  const dot = id.lastIndexOf('.');
  return dot === -1 ? { name: id } : { name: id.slice(0, dot), what: id.slice(dot + 1) };
}
