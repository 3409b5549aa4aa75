import type { output as ZodOutput, ZodType } from 'zod';
import { checkSchema } from './check.ts';
import type { ApprovalDefinition } from './definition.ts';
import { type Duration, durationMs } from './duration.ts';
import { definitionError, type Where } from './error.ts';
import { checkOptions } from './options.ts';
import { attemptPart, type Part } from './parts.ts';
import type { Named, NoUndo, StepContext, StepOptions } from './types.ts';

/** What asks for an approval is given: the token is for whoever decides. */
export type ApprovalContext<Input, Results, Services> = StepContext<Input, Results, Services> & { readonly token: string };

export interface ApprovalOptions<Decision extends ZodType = ZodType, Optional = boolean, Otherwise = unknown>
  extends Omit<StepOptions, 'within' | 'result'>,
    NoUndo {
  /** Parses what is said with a yes: the result of the step. Default: anything that can be stored. */
  readonly decision?: Decision;
  /** How long the question stands once it was asked; then it is as if it had been denied. Default: for ever. */
  readonly expires?: Duration;
  /** Where it is denied, expires or cannot be asked the run goes on, and is degraded. Default: false. */
  readonly optional?: Optional;
  /** Its result where it expires: then that is an answer like another. Default: it fails. */
  readonly otherwise?: Otherwise;
}

/** What an approval adds to the results. */
export type Approved<Name extends string, Decision extends ZodType, Optional, Otherwise> = Named<
  Name,
  ZodOutput<Decision> | Otherwise | (Optional extends true ? undefined : never)
>;

const OPTIONS = [
  ...['timeout', 'grace', 'heartbeat', 'retry', 'classify', 'dependency', 'why', 'decision', 'expires', 'optional', 'otherwise', 'compensate', 'undo'],
];

/** @throws DefinitionError SC_DEFINITION_NAME, SC_DEFINITION_RESERVED, SC_DEFINITION_OPTION, SC_DEFINITION_DURATION, SC_DEFINITION_RETRY */
export function approvalPart(saga: string, name: string, ask: unknown, options: ApprovalOptions = {}): Part {
  const where = { saga, step: name };
  checkOptions(where, 'options', options, OPTIONS);
  const { decision, expires, otherwise, ...rest } = options;
  if (decision !== undefined) checkSchema(where, 'decision', decision);
  const part = attemptPart(saga, 'read', name, ask, rest as never);
  const approval = standing(where, { expires, options });
  return { ...part, body: { ...part.body, approval, ...(decision === undefined ? {} : { resultSchema: decision }) } };
}

function standing(where: Where, { expires, options }: { readonly expires: Duration | undefined; readonly options: ApprovalOptions }): ApprovalDefinition {
  const wrong = (what: string, next: string): Error => definitionError('SC_DEFINITION_OPTION', where, { what, next });
  const hasOtherwise = 'otherwise' in options;
  if (hasOtherwise && options.optional)
    throw wrong('it is optional, and says what to go on with otherwise', 'Drop one of the two: with `otherwise` the run is not degraded.');
  if (hasOtherwise && expires === undefined)
    throw wrong('it says what to go on with when it expires, but it never does', 'Say when it `expires`, or drop `otherwise`.');
  return {
    ...(expires === undefined ? {} : { expiresMs: durationMs(expires, 'expires', where) }),
    ...(hasOtherwise ? { otherwise: options.otherwise } : {}),
  };
}
