#!/usr/bin/env node
// Plain JavaScript that any Node can parse, so that an old one can say what is needed.
import './require-node.js';
import { existsSync } from 'node:fs';

// Not imported by name above: an old Node would end there, without a word of what is needed.
const { enableCompileCache } = await import('node:module');
enableCompileCache();
// A checkout runs its sources; an installed package has only what was built from them.
const source = new URL('../src/cli/main.ts', import.meta.url);
const { main } = await import(existsSync(source) ? source.href : '../dist/cli/main.js');
process.exitCode = await main(process.argv);
