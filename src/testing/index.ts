export { ManualClock } from './manual-clock.ts';
export { type ContractCase, type ContractOptions, storeContract } from './store-contract.ts';
