import type { Clock } from '../../base/clock.ts';
import { BusyError } from '../../base/errors.ts';
import type { Random } from '../simulate/random.ts';

/** How often calls of services go wrong in a drill, 0 to 1 each. */
export interface OutageRates {
  /** The service says that it is busy, and does nothing. */
  readonly busy: number;
  /** It does what was asked, and the answer is lost. */
  readonly lost: number;
  /** It answers, but only after `stallMs`. */
  readonly stalls: number;
  readonly stallMs: number;
}

/** Services of which some calls go wrong, in real time. */
export function withOutages(
  services: unknown,
  { rates, random, clock }: { readonly rates: OutageRates; readonly random: Random; readonly clock: Clock },
): unknown {
  const wrap = (value: unknown, path: string): unknown => {
    if (typeof value !== 'object' || value === null) return value;
    return new Proxy(value, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name);
        if (typeof name === 'symbol') return member;
        const at = path === '' ? name : `${path}.${name}`;
        return typeof member === 'function' ? call(member.bind(target), at) : wrap(member, at);
      },
    });
  };
  const call =
    (own: (...args: unknown[]) => unknown, name: string) =>
    async (...args: unknown[]): Promise<unknown> => {
      const draw = random.next();
      const { busy, lost, stalls, stallMs } = rates;
      if (draw < busy) throw new BusyError(`${name} is busy (drill)`);
      if (draw < busy + stalls) await new Promise<void>((resolve) => clock.after(stallMs, resolve));
      const answer = await own(...args);
      if (draw >= busy + stalls && draw < busy + stalls + lost) throw new Error(`the answer of ${name} was lost (drill)`);
      return answer;
    };
  return wrap(services, '');
}
