import type { StateData } from '../../kernel/state.ts';
import { type Command, encodeCommand } from '../../runtime/command.ts';
import type { Engine } from '../../runtime/engine.ts';
import type { RunRow, Store } from '../../stores/store.ts';
import { askedIn } from './answers.ts';
import { stepIn, stuckIn } from './oracle.ts';
import type { Random } from './random.ts';
import type { SimTime } from './sim-time.ts';
import { SIGNAL } from './sketch.ts';

interface PeopleOptions {
  readonly time: SimTime;
  readonly random: Random;
  readonly store: Store;
  /** Whether they also act where nobody is needed. */
  readonly busy: boolean;
  engine(): Engine | undefined;
  note(what: string): void;
}

type What = 'approve' | 'deny' | 'cancel' | 'terminate' | 'pause' | 'resume' | 'retry' | 'skip' | 'resolve';

/** Those who cancel runs, and see to them when they need a person: at a worker, or from another process through the inbox. */
export class People {
  readonly #options: PeopleOptions;
  /** Ids of what was written to the inbox. */
  readonly sent: string[] = [];
  #gone = false;

  constructor(options: PeopleOptions) {
    this.#options = options;
  }

  /** Nobody asks for anything any more. */
  leave(): void {
    this.#gone = true;
  }

  /** Somebody may cancel or terminate a run. */
  mayAct(id: string): void {
    const { busy, random, time } = this.#options;
    if (random.chance(0.6)) this.#signal(id);
    if (!busy) return;
    if (random.chance(0.15)) {
      time.after(random.between(0, 5_000), () => this.#command(id, 'pause'));
      time.after(random.between(5_000, 60_000), () => this.#command(id, 'resume'));
    }
    const draw = random.next();
    if (draw > 0.25) return;
    time.after(random.between(0, 5_000), () => this.#command(id, draw < 0.04 ? 'terminate' : 'cancel'));
  }

  /** Whoever is asked decides, sooner or later, once or twice, or not at all. */
  decide(id: string, step: string): void {
    const { random, time } = this.#options;
    const decide = (): void => this.#command(id, random.chance(0.75) ? 'approve' : 'deny', step);
    if (random.chance(0.85)) time.after(random.between(0, 60_000), decide);
    if (random.chance(0.2)) time.after(random.between(0, 60_000), decide);
  }

  /** Somebody sees to whatever waits for a person. */
  tend(rows: readonly RunRow[], stored: (row: RunRow) => Promise<StateData>, cast: { asks(step: string): boolean }): void {
    for (const row of rows) {
      const { id, paused, attention, status, endedAt } = row;
      if (paused && endedAt === null) this.resume(id);
      if (attention) void stored(row).then((data) => this.attend(id, stuckIn(data).map(stepIn)));
      if (status !== 'sleeping') continue;
      void stored(row).then((data) => {
        for (const step of askedIn(data)) if (cast.asks(step)) this.decide(id, step);
      });
    }
  }

  /** A person comes, sooner or later, and does something about it. */
  attend(id: string, needs: readonly string[]): void {
    const { random, time } = this.#options;
    for (const step of needs) {
      const what = random.pick(['retry', 'retry', 'skip', 'resolve'] as const);
      time.after(random.between(1_000, 60_000), () => this.#command(id, what, step));
    }
  }

  /** Somebody has paused it, and whoever was to resume it was not heard. */
  resume(id: string): void {
    this.#command(id, 'resume');
  }

  /** Signals it, early or late, and more than once if nothing is heard. */
  #signal(id: string): void {
    const { random, time } = this.#options;
    const once = `signal-${random.between(1, 1_000)}`;
    const send = (): void => {
      if (this.#gone) return;
      if (random.chance(0.5)) return void this.#send(id, { type: 'signal', name: SIGNAL, payload: 1, id: once });
      this.#options
        .engine()
        ?.run(id)
        .signal(SIGNAL, 1, { id: once })
        .catch((error: unknown) => this.#options.note(`${id}: signal was refused: ${(error as Error).message}`));
    };
    time.after(random.between(0, 20_000), send);
    if (random.chance(0.3)) time.after(random.between(0, 20_000), send);
  }

  #command(id: string, what: What, step?: string): void {
    if (this.#gone) return;
    const { random, engine: pick, note } = this.#options;
    const engine = pick();
    const by = { by: 'somebody', reason: 'simulated' };
    const decision = what === 'approve' || what === 'deny' ? { type: 'decide', approved: what === 'approve' } : { type: what };
    if (random.chance(0.4)) return void this.#send(id, { ...decision, ...by, ...(step === undefined ? {} : { step }) } as Command);
    if (!engine) return;
    const handle = engine.run(id);
    const asked = {
      approve: () => handle.approve(step ?? '', undefined, by),
      deny: () => handle.deny(step ?? '', by),
      cancel: () => handle.cancel(by),
      terminate: () => handle.terminate(by),
      pause: () => handle.pause(by),
      resume: () => handle.resume(by),
      retry: () => handle.retry(step, by),
      skip: () => handle.skip(step ?? '', by),
      resolve: () => handle.resolve(step ?? '', undefined, by),
    }[what]();
    asked.then(
      () => note(`${id}: ${what} ${step ?? ''}`),
      (error: unknown) => note(`${id}: ${what} ${step ?? ''} was refused: ${(error as Error).message}`),
    );
  }

  async #send(id: string, command: Command): Promise<void> {
    const { store, time, random, note } = this.#options;
    const inbox = `command-${this.sent.length}`;
    this.sent.push(inbox);
    note(`${id}: ${command.type} is written to the inbox as ${inbox}`);
    const entry = { id: inbox, run: id, body: encodeCommand(command), at: time.now };
    await store.send(entry);
    // Whoever has heard nothing sends it again, under the same id.
    if (random.chance(0.3)) time.after(random.between(0, 3_000), () => void store.send(entry));
  }
}
