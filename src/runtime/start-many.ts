import type { SagachartError } from '../base/errors.ts';
import { asError } from './bulk.ts';
import { Places } from './places.ts';
import type { StartOptions } from './starts.ts';

/** One of many starts. */
export interface StartEntry extends StartOptions {
  readonly saga: string;
  readonly input: unknown;
  readonly version?: number;
}

/** What became of one of many starts. */
export type StartAnswer<Handle> =
  /** `existing`: there was one with this id, saga and input. */
  { readonly status: 'started' | 'existing'; readonly id: string; readonly run: Handle } | { readonly status: 'error'; readonly error: SagachartError };

/** Entries one after the other; from an async iterable they are taken as fast as they are started. */
export type Entries<Entry> = Iterable<Entry> | AsyncIterable<Entry>;

/**
 * Starts many, at most `window` of them under way, and answers in their order. What one throws is its own answer.
 */
export async function startMany<Entry, Handle>(
  entries: Entries<Entry>,
  start: (entry: Entry) => Promise<StartAnswer<Handle>>,
  window: number,
): Promise<readonly StartAnswer<Handle>[]> {
  const places = new Places(window);
  const answers: StartAnswer<Handle>[] = [];
  let count = 0;
  for await (const entry of entries) {
    await places.take();
    const place = count++;
    void attempted(() => start(entry)).then((answer) => {
      answers[place] = answer;
      places.give();
    });
  }
  await places.empty();
  return answers;
}

async function attempted<Handle>(start: () => Promise<StartAnswer<Handle>>): Promise<StartAnswer<Handle>> {
  try {
    return await start();
  } catch (error) {
    return { status: 'error', error: asError(error) };
  }
}
