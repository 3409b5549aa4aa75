import { SagachartError, StoreError } from '../base/errors.ts';
import type { Parent, RunEvent } from '../kernel/event.ts';
import type { InboxEntry, InboxRow } from '../stores/store.ts';
import { acknowledged, type Delivery } from './cell.ts';
import type { Command } from './command.ts';
import type { Coordinator } from './coordinator.ts';
import type { Letter } from './inbox.ts';
import { type ChildEnd, encodeMessage, endedEvent, isFromRun, type Message, replyId } from './message.ts';
import type { Migrations } from './migrations.ts';
import { eventOf } from './operation.ts';
import { endedAs, missing } from './post.ts';
import type { Program } from './program.ts';
import type { Purges } from './purge.ts';
import { storedState } from './recovery.ts';
import { runEnded } from './refusal.ts';
import { refusedEntry, remedyOf } from './remedied.ts';
import { schedulingOf } from './scheduling.ts';
import type { Starts } from './starts.ts';

/** What waits for a deploy that knows the run it is for, for somebody who repairs the store, or for the next engine. */
const WAITS: ReadonlySet<string> = new Set(['SC_RUN_BLOCKED', 'SC_RUN_UNREADABLE', 'SC_ENGINE_CLOSED']);

/** Takes what stands in the inbox to the runs it is for. */
export class Incoming {
  readonly #coordinator: Coordinator;
  readonly #starts: Starts;
  readonly #purges: Purges;
  readonly #migrations: Migrations;
  readonly #failed: (row: InboxRow, error: unknown) => void;
  /** Runs of children that this process cannot begin: what else they are sent waits, too. */
  readonly #waiting = new Set<string>();

  /** @param failed is told of what came to nothing later: it waits, or is answered */
  constructor(
    coordinator: Coordinator,
    options: { readonly starts: Starts; readonly purges: Purges; readonly migrations: Migrations; readonly failed: (row: InboxRow, error: unknown) => void },
  ) {
    this.#coordinator = coordinator;
    this.#starts = options.starts;
    this.#purges = options.purges;
    this.#migrations = options.migrations;
    this.#failed = options.failed;
  }

  /** Rejects with why it came to nothing, or is to be handled again later. */
  async handle(row: InboxRow, letter: Letter): Promise<void> {
    if (!isFromRun(row.id)) return await this.#take(row, letter as Command);
    if (this.#waiting.has(row.run)) return;
    try {
      await this.#takeMessage(row, letter as Message);
    } catch (error) {
      if (!this.#leaves(row, error)) throw error;
    }
  }

  /** Whether it stays in the inbox, to be handled by another process: what one run tells another is never dropped. */
  #leaves({ id, run }: InboxRow, error: unknown): boolean {
    if (!(error instanceof SagachartError && WAITS.has(error.code))) return false;
    this.#coordinator.settings.log.warn('a message between runs waits', { inbox: id, run, why: error.message });
    return true;
  }

  async #take(row: InboxRow, command: Command): Promise<void> {
    const { number, id, run } = row;
    if (command.type === 'start' || command.type === 'restart' || command.type === 'fork') {
      // Not waited for: an answer that says no is written like any other, and the entries behind it go on.
      this.#begin(row, command).catch((error: unknown) => this.#failed(row, error));
      return;
    }
    await this.#started(run);
    if (command.type === 'migrate') {
      await this.#migrations.one(run, command, { inbox: number, id });
      return;
    }
    if (command.type === 'purge') {
      await this.#purges.one(run, { inbox: number }, command.incarnation);
      this.#coordinator.inbox.done(number);
      return;
    }
    await this.#coordinator.deliver(run, (cell) => {
      const event = eventOf(cell, command, this.#coordinator.settings.limits.payloadBytes);
      return { event: { ...event, id } as RunEvent, inbox: number };
    });
  }

  async #begin(row: InboxRow, command: Extract<Command, { type: 'start' | 'restart' | 'fork' }>): Promise<void> {
    const from = { inbox: row.number, id: row.run, at: row.at, ...remedyOf(row, command) };
    if (command.type === 'fork') await this.#starts.fork(command.of, { ...command, id: row.run }, from);
    else if (command.type === 'restart') await this.#starts.restart(row.run, command, from);
    else {
      const { programs, rollouts } = this.#coordinator;
      const { saga, version } = command;
      programs.find(saga, version);
      const program = version === undefined ? (id: string) => rollouts.program(saga, id) : programs.find(saga, version);
      const { labels, debounce } = command;
      // What is debounced may come to a run with another id.
      const id = debounce === undefined ? { id: row.run } : {};
      await this.#starts.start(program, command.input, { ...id, ...(labels === undefined ? {} : { labels }), ...schedulingOf(command) }, from);
    }
  }

  /** What comes right behind its start finds it there. */
  async #started(run: string): Promise<void> {
    const failure = await this.#starts.of(run);
    if (failure instanceof StoreError) throw failure;
  }

  async #takeMessage(row: InboxRow, message: Message): Promise<void> {
    const { number, run, id } = row;
    switch (message.type) {
      case 'start':
        return this.#start(row, message);
      case 'ended':
        return await this.#coordinator.deliver(run, ({ identity }) => {
          // To what was begun in an earlier life nobody listens any more.
          if (identity.incarnation !== (message.life ?? 1)) throw runEnded(run, 'an earlier life');
          return { event: endedEvent(message), inbox: number };
        });
      case 'undo':
        return this.#undo(row, message.parent);
      case 'release':
        return await this.#coordinator.deliver(run, () => ({ event: { type: 'sent', event: { type: 'release' }, id }, inbox: number }));
      default:
        return await this.#take(row, message);
    }
  }

  #start(row: InboxRow, { saga, input, labels = {}, parent }: Extract<Message, { type: 'start' }>): void {
    const { programs, settings } = this.#coordinator;
    if (!programs.has(saga)) {
      this.#waiting.add(row.run);
      settings.log.warn('the run of a child waits for a deploy that knows its saga', { run: row.run, saga });
      return;
    }
    const source = { inbox: row.number, ...(parent === undefined ? {} : { parent }) };
    // Not waited for, as any start.
    this.#starts
      .start((id) => childProgram(this.#coordinator, saga, id, parent), input, { id: row.run, labels }, source)
      .catch((error: unknown) => {
        if (parent === undefined) this.#failed(row, error);
        else if (!this.#leaves(row, error)) this.#refused(row, error, { parent, saga, end: () => Promise.resolve(missing(error)) });
      });
  }

  #undo(row: InboxRow, parent: Parent): void {
    const { number, run, id } = row;
    const asked = acknowledged((settle, fail) => {
      const delivery: Delivery = { event: { type: 'sent', event: { type: 'undo' }, parent, id }, inbox: number, answersItself: true, settle };
      this.#coordinator.deliver(run, () => delivery).catch(fail);
    });
    asked.catch((error: unknown) => {
      if (!this.#leaves(row, error)) this.#refused(row, error, { parent, saga: '', end: () => this.#endOf(run, error) });
    });
  }

  /** How the run of a child stands that cannot be undone: mostly it has ended in the meantime. */
  async #endOf(id: string, error: unknown): Promise<ChildEnd> {
    const { store } = this.#coordinator.settings;
    const row = await store.find(id);
    const { data } = row ? storedState(await store.load(row.number)) : { data: undefined };
    return (data && endedAs({ data })) ?? missing(error);
  }

  /** The parent is told in one go with the answer, unless another process has answered: then it knows. */
  #refused(
    row: InboxRow,
    error: unknown,
    { parent, saga, end }: { readonly parent: Parent; readonly saga: string; readonly end: () => Promise<ChildEnd> },
  ): void {
    if (error instanceof StoreError || (error instanceof SagachartError && error.code === 'SC_RUN_HELD')) return this.#failed(row, error);
    const refusal = error instanceof SagachartError ? error : unexpected(row, error);
    const { run: asker, holds: _, ...about } = parent;
    end().then(
      (known) => {
        const body = encodeMessage({ type: 'ended', ...about, run: row.run, saga, end: known });
        const reply: InboxEntry = { id: replyId(row.id), run: asker, body, at: this.#coordinator.settings.clock.now() };
        this.#coordinator.committer.answer({ delivery: refusedEntry(row), error: refusal, reply });
      },
      (failed: unknown) => this.#failed(row, failed),
    );
  }
}

/** A child that may have to be undone runs on a version that can be. */
function childProgram({ programs, rollouts }: Coordinator, saga: string, id: string, parent: Parent | undefined): Program {
  const program = rollouts.program(saga, id);
  return parent?.holds && !program.family?.nested ? programs.find(saga) : program;
}

function unexpected({ id, run }: InboxRow, cause: unknown): SagachartError {
  return new SagachartError('SC_INTERNAL', `run ${run}: the message ${id} could not be handled: ${cause instanceof Error ? cause.message : cause}`, {
    next: 'This is a defect of Sagachart: please report it.',
    details: { run, inbox: id },
    cause,
  });
}
