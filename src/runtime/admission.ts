import type { Coordinator } from './coordinator.ts';
import { timeCame } from './put-off.ts';

/** Runs taken over at a time: loading them holds up the event loop. */
const CLAIM = 100;

/** Brings due runs into memory while there is room: at opening, when a sleeper's time has come, when room is made. */
export class Admission {
  readonly #coordinator: Coordinator;
  #claiming: Promise<void> | undefined;
  #again = false;
  #due: number | null = null;
  /** The earliest of those that left memory while runs were being claimed. */
  #noticed: number | null = null;
  #disarm: () => void = () => {};

  constructor(coordinator: Coordinator) {
    this.#coordinator = coordinator;
    coordinator.onRoom = (due) => this.noticed(due);
  }

  get full(): boolean {
    return this.#coordinator.cells.size >= this.#coordinator.settings.limits.runs;
  }

  /** Whether something that is due has not been claimed, for want of room. */
  get behind(): boolean {
    return this.#due !== null && this.#due <= this.#coordinator.settings.clock.now();
  }

  /** A run has left memory, and wants to be claimed at `due`. */
  noticed(due: number | null): void {
    this.#due = earlier(this.#due, due);
    this.#noticed = earlier(this.#noticed, due);
    this.#arm();
  }

  /** Resolves when nothing is being claimed any more. */
  async stop(): Promise<void> {
    this.#disarm();
    this.#due = null;
    await this.#claiming?.catch(() => undefined);
  }

  /** Takes over what is due. Resolves when everything is taken that there is room for. */
  async claim(): Promise<void> {
    if (this.#claiming) {
      this.#again = true;
      return await this.#claiming;
    }
    this.#claiming = this.#claimAll().finally(() => {
      this.#claiming = undefined;
    });
    await this.#claiming;
  }

  async #claimAll(): Promise<void> {
    const { settings, tenure, cells } = this.#coordinator;
    const { store, clock, limits } = settings;
    do {
      this.#again = false;
      this.#noticed = null;
      for (;;) {
        const limit = Math.min(limits.runs - cells.size, CLAIM);
        if (limit <= 0 || this.#coordinator.closing) break;
        const claims = await store.claim(tenure, { now: clock.now(), limit });
        for (const claim of claims) {
          // A run that is blocked is told of, and must not keep the others from going on.
          if (!cells.has(claim.row.id)) await this.#coordinator.adopt(claim, (cell) => timeCame(this.#coordinator, cell)).catch(() => undefined);
        }
        if (claims.length < limit) break;
      }
    } while (this.#again);
    this.#due = earlier((await store.nextDue()) ?? null, this.#noticed);
    this.#arm();
  }

  #arm(): void {
    this.#disarm();
    const { settings, closing } = this.#coordinator;
    if (this.#due === null || closing || this.full) return;
    this.#disarm = settings.clock.after(Math.max(0, this.#due - settings.clock.now()), () => {
      this.claim().catch((error: unknown) => {
        settings.log.error('due runs could not be taken over', { error: String(error) });
        this.#disarm = settings.clock.after(1_000, () => this.noticed(settings.clock.now()));
      });
    });
  }
}

function earlier(a: number | null, b: number | null): number | null {
  return a === null || (b !== null && b < a) ? b : a;
}
