import { type AnyActorRef, type AnyStateMachine, createActor, fromPromise, type SnapshotFrom } from 'xstate';
import type { SagaContext } from '../../src/chart/context.ts';
import { sourcesOf } from '../../src/chart/implementations.ts';
import { statePaths } from '../../src/chart/path.ts';
import type { SagaDefinition } from '../../src/saga/definition.ts';

/** What an invocation answers: a value, or an error to throw. */
export type Answer = { readonly ok: unknown } | { readonly error: unknown };
export const ok = (value?: unknown): Answer => ({ ok: value });
export const fails = (error: unknown): Answer => ({ error });

/** A chart under plain `createActor`, whose invocations answer when the test says so. */
export class Scripted {
  readonly actor: AnyActorRef;
  /** Invocations in the order in which they began. */
  readonly begun: string[] = [];
  readonly #open = new Map<string, { resolve: (value: unknown) => void; reject: (error: unknown) => void }[]>();
  readonly #alarms: { at: number; fn: () => void; id: number }[] = [];
  #now = 0;
  #ids = 0;

  constructor({ machine, definition }: { readonly machine: AnyStateMachine; readonly definition: SagaDefinition }, input: unknown = {}) {
    const actors = Object.fromEntries(
      definition.steps.flatMap(sourcesOf).map((source) => [
        source,
        fromPromise(
          () =>
            new Promise((resolve, reject) => {
              this.begun.push(source);
              this.#open.set(source, [...(this.#open.get(source) ?? []), { resolve, reject }]);
            }),
        ),
      ]),
    );
    this.actor = createActor(machine.provide({ actors: actors as never }), {
      input: { runId: 'r', input },
      clock: {
        setTimeout: (fn, ms) => {
          const id = this.#ids++;
          this.#alarms.push({ at: this.#now + ms, fn, id });
          return id;
        },
        clearTimeout: (id) => {
          const place = this.#alarms.findIndex((alarm) => alarm.id === id);
          if (place !== -1) this.#alarms.splice(place, 1);
        },
      },
    });
    this.actor.start();
  }

  async answer(source: string, answer: Answer): Promise<this> {
    const waiting = this.#open.get(source)?.shift();
    if (!waiting) throw new Error(`${source} is not under way; begun: ${this.begun.join(', ')}`);
    if ('ok' in answer) waiting.resolve(answer.ok);
    else waiting.reject(answer.error);
    for (let i = 0; i < 5; i++) await Promise.resolve();
    return this;
  }

  /** Lets the next timer fire. */
  tick(): this {
    const next = this.#alarms.sort((a, b) => a.at - b.at).shift();
    if (!next) throw new Error('no timer is armed');
    this.#now = next.at;
    next.fn();
    return this;
  }

  send(type: string, fields: Record<string, unknown> = {}): this {
    this.actor.send({ type, ...fields });
    return this;
  }

  get snapshot(): SnapshotFrom<AnyStateMachine> {
    return this.actor.getSnapshot();
  }

  get states(): readonly string[] {
    return statePaths(this.snapshot.value);
  }

  get context(): SagaContext {
    return this.snapshot.context as SagaContext;
  }

  get output(): unknown {
    return this.snapshot.output;
  }
}
