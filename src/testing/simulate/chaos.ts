import { type Danger, MOST_SKEW_MS } from './plan.ts';
import type { Random } from './random.ts';
import type { SimProcess, SimTime } from './sim-time.ts';

interface ChaosWorker {
  readonly process: SimProcess;
}

/** What chaos can reach. */
interface Reach {
  readonly time: SimTime;
  readonly random: Random;
  has(danger: Danger): boolean;
  /** Whether nothing may go wrong any more. */
  over(): boolean;
  worker(): ChaosWorker | undefined;
  number(worker: ChaosWorker): number;
  crash(worker: ChaosWorker): void;
  froze(): void;
  setFull(full: boolean): void;
  note(what: string): void;
}

/** From now on each danger of the plan comes again and again, until it is over. */
export function beginChaos(reach: Reach): void {
  const { time, random, note } = reach;
  const every = (danger: Danger, ms: number, happen: () => void): void => {
    if (!reach.has(danger)) return;
    const next = (): void => {
      time.after(random.between(1, ms * 2), () => {
        if (reach.over()) return;
        happen();
        next();
      });
    };
    next();
  };
  every('crashes', 20_000, () => {
    const worker = reach.worker();
    if (worker) reach.crash(worker);
  });
  every('freezes', 30_000, () => {
    const worker = reach.worker();
    if (!worker) return;
    reach.froze();
    note(`worker ${reach.number(worker)} stands still`);
    worker.process.freeze();
    time.after(random.between(100, 90_000), () => {
      note(`worker ${reach.number(worker)} goes on`);
      worker.process.thaw();
    });
  });
  every('full disk', 40_000, () => {
    reach.setFull(true);
    note('the disk is full');
    time.after(random.between(100, 10_000), () => {
      reach.setFull(false);
      note('the disk has room');
    });
  });
  every('clock jumps', 30_000, () => {
    const worker = reach.worker();
    if (worker) worker.process.skewMs = random.between(-MOST_SKEW_MS, MOST_SKEW_MS);
  });
}
