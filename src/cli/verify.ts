import { SagachartError } from '../base/errors.ts';
import type { Definition } from '../definitions.ts';
import type { VerifyLimits, VerifyOptions, VerifyProgress } from '../testing/verify/options.ts';
import { pathText } from '../testing/verify/report.ts';
import { type Verification, verify } from '../testing/verify/verify.ts';
import { loadConfig } from './config.ts';
import { EXIT, type Output, Progress, paint, print, table } from './output.ts';

export interface VerifyCliOptions {
  readonly config?: string | undefined;
  readonly all?: true | undefined;
  readonly attempts?: number | undefined;
  readonly states?: number | undefined;
  readonly faults?: number | undefined;
}

/** One saga, with its own functions or with one effect in place of each. */
export interface Verified extends Verification {
  readonly functions: 'own' | 'left out';
}

export async function verifySagas(output: Output, names: readonly string[], options: VerifyCliOptions): Promise<number> {
  const config = await loadConfig(options.config);
  const chosen = choose(config.sagas, names, options);
  const limits = limitsOf(options);
  const progress = new Progress(output);
  const sagas: Verified[] = [];
  for (const definition of chosen) {
    const given: VerifyOptions<unknown> = config.verify?.[definition.name] ?? {};
    const onProgress = ({ saga, states, faults, most }: VerifyProgress): void =>
      progress.tell(states / most, `${saga}: ${states} states, up to ${faults} faults in a run`);
    sagas.push(...(await verifyBoth(definition, { ...given, limits: { ...given.limits, ...limits }, onProgress })));
  }
  progress.end();
  print(output, { sagas }, () => verifyPage(sagas));
  return sagas.every(({ violations }) => violations.length === 0) ? EXIT.done : EXIT.refused;
}

/** A saga with one effect in place of each of its functions, and with these where it has a world for them. */
export async function verifyBoth(definition: Definition, given: VerifyOptions<unknown>): Promise<readonly Verified[]> {
  const all: Verified[] = [];
  for (const [functions, how] of ways(definition, given)) all.push({ ...(await verify(definition, how)), functions });
  return all;
}

/** A saga as such first: what is wrong with its chart is wrong whatever its functions do. */
function ways(definition: Definition, given: VerifyOptions<unknown>): readonly (readonly [Verified['functions'], VerifyOptions<unknown>])[] {
  const { world: _, inputs: __, invariants: ___, ...chart } = given;
  if ('kind' in definition) return [['own', given]];
  return given.world
    ? [
        ['left out', chart],
        ['own', given],
      ]
    : [['left out', chart]];
}

function choose(sagas: readonly Definition[], names: readonly string[], { all }: VerifyCliOptions): readonly Definition[] {
  const known = sagas.map(({ name }) => name);
  if (names.length === 0 && !all)
    throw new SagachartError('SC_USAGE', 'nothing to verify is named', { next: `Name sagas, or give --all. There are: ${known.join(', ')}.` });
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw new SagachartError('SC_UNKNOWN_SAGA', `there is no saga ${JSON.stringify(unknown)}`, {
      next: `Known are: ${known.join(', ') || 'none'}.`,
      details: { saga: unknown },
    });
  return all ? sagas : sagas.filter(({ name }) => names.includes(name));
}

function limitsOf({ attempts, states, faults }: VerifyCliOptions): VerifyLimits {
  return { ...(attempts === undefined ? {} : { attempts }), ...(states === undefined ? {} : { states }), ...(faults === undefined ? {} : { faults }) };
}

function verifyPage(sagas: readonly Verified[]): readonly string[] {
  return [
    ...table(
      ['SAGA', 'FUNCTIONS', 'STATES', 'TRANSITIONS', 'PATHS', 'FAULTS', 'TOOK', 'COVERED'],
      sagas.map((one) => [
        one.name,
        one.functions,
        ...[one.states, one.transitions, one.paths, one.faults].map(short),
        `${(one.ms / 1_000).toFixed(1)} s`,
        covered(one.depth),
      ]),
    ),
    ...sagas.flatMap(({ name, violations }) =>
      violations.flatMap(({ rule, message, next, path, input, sequence, test }) => [
        '',
        `${paint('red', '✗')} ${paint('bold', name)}: ${message}`,
        `  rule  ${rule}`,
        `  → ${next}`,
        ...(input === undefined ? [] : [`  input ${JSON.stringify(input)}`]),
        ...(path.length === 0 ? [] : [pathText(path), '', 'As a picture (Mermaid):', sequence.trimEnd(), '', 'As a test:', test.trimEnd()]),
      ]),
    ),
  ];
}

/** What of everything that can happen was gone through. */
export function covered(depth: number | null): string {
  return depth === null ? 'everything' : `up to ${depth} faults in a run`;
}

/** 12,345 as it is; what is beyond counting by its size. */
function short(count: number): string {
  return count < 1e9 ? count.toLocaleString('en') : count.toExponential(1);
}
