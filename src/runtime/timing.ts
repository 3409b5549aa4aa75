import { Cron } from 'croner';

/** Fires looked for one by one, before they are looked for from the end: mostly only one is due. */
const FORWARD = 10;

/** When a cron expression fires in its time zone. Croner reads no clock here: every question names its time, ms since 1970. */
export class Timing {
  readonly #cron: Cron;

  /** @throws Error of croner, if it is none, or there is no such time zone */
  constructor(cron: string, timeZone: string) {
    this.#cron = new Cron(cron, { timezone: timeZone, paused: true });
    if (this.#cron.getOnce() !== null) throw new RangeError('it is a date, not a cron expression');
    if (this.next(0) === undefined) throw new RangeError('it never fires');
  }

  /** The first after a time. */
  next(after: number): number | undefined {
    return this.#cron.nextRun(new Date(after))?.getTime();
  }

  /** Those after one time and up to another, in order; of more than `most` the last ones. */
  between(after: number, upTo: number, most: number): readonly number[] {
    const fires: number[] = [];
    for (let fire = this.next(after); fire !== undefined && fire <= upTo; fire = this.next(fire)) {
      fires.push(fire);
      if (fires.length > FORWARD) break;
    }
    if (fires.length <= FORWARD) return fires.slice(-most);
    const last = this.#cron.previousRuns(most, new Date(upTo + 1)).map((date) => date.getTime());
    return last.filter((fire) => fire > after).reverse();
  }
}
