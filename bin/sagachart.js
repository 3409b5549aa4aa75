#!/usr/bin/env node
// Plain JavaScript that any Node can parse, so that an old one can say what is needed.
import './require-node.js';
import { existsSync } from 'node:fs';
import { enableCompileCache } from 'node:module';

enableCompileCache?.();
// A checkout runs its sources; an installed package has only what was built from them.
const source = new URL('../src/cli/main.ts', import.meta.url);
const { main } = await import(existsSync(source) ? source.href : '../dist/cli/main.js');
process.exitCode = await main(process.argv);
