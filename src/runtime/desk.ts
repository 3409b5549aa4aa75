import { acknowledged } from './cell.ts';
import type { RunCommand } from './command.ts';
import type { Coordinator } from './coordinator.ts';
import { eventOf } from './operation.ts';
import { Places } from './places.ts';
import { closedError } from './refusal.ts';
import { takenBefore } from './taken.ts';

/** Where what is asked for in this process comes in: so many at a time, and nothing once the engine closes. */
export class Desk {
  readonly #coordinator: Coordinator;
  readonly #places: Places;

  constructor(coordinator: Coordinator) {
    this.#coordinator = coordinator;
    this.#places = new Places(coordinator.settings.limits.pending);
  }

  /** @throws SagachartError SC_ENGINE_CLOSED */
  checkOpen(): void {
    if (this.#coordinator.closing) throw closedError();
  }

  /** Resolves when nobody has a place any more. */
  async empty(): Promise<void> {
    await this.#places.empty();
  }

  /** Does it once there is a place. */
  async place<T>(work: () => Promise<T>): Promise<T> {
    await this.#places.take();
    try {
      this.checkOpen();
      return await work();
    } finally {
      this.#places.give();
    }
  }

  /** Takes a command to its run. Resolves once what came of it is durable. */
  async command(id: string, command: RunCommand): Promise<{ readonly seq: number }> {
    return await this.place(() => this.#command(id, command));
  }

  async #command(id: string, command: RunCommand): Promise<{ readonly seq: number }> {
    const { committer, settings } = this.#coordinator;
    if (committer.failure) throw committer.failure;
    try {
      const seq = await acknowledged((settle, fail) => {
        this.#coordinator.deliver(id, (cell) => ({ event: eventOf(cell, command, settings.limits.payloadBytes), settle })).catch(fail);
      });
      return { seq };
    } catch (error) {
      return await takenBefore(settings.store, id, command, error);
    }
  }
}
