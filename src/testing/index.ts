export { ManualClock } from './manual-clock.ts';
export { type ContractCase, type ContractOptions, storeContract } from './store-contract.ts';
export { type RunEnd, type Verification, type VerifyLimits, type VerifyOptions, type Violation, verify } from './verify/verify.ts';
export type { WorldModel } from './verify/world.ts';
