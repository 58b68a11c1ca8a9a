import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { resolveObject } from '../../src/client/explain.ts';
import { RuleWorld } from './rule-world.ts';

const STORES = { data: '', ch: 'away_after: 1s\nattributes: {rules: true}', us: 'attributes: {rules: true}', jp: '' };
