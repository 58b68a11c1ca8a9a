import { Pando } from '../../src/compose.ts';
import { loadConfiguration } from '../../src/config/load.ts';
import type { Clock } from '../../src/ports/clock.ts';
import { systemClock } from '../../src/system/system-clock.ts';

// What `pando worker` does, with a clock by which it looks for work once an hour: all it begins earlier it was told of.
const LOOK_MS = 1_000;
const HOUR_MS = 3_600_000;

class HourlyPando extends Pando {
  override readonly clock: Clock = {
    ...systemClock,
    alarm: (ms, ring) => systemClock.alarm(ms === LOOK_MS ? HOUR_MS : ms, ring),
  };
}

const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());
await using pando = new HourlyPando(loadConfiguration({ config: process.argv[2] }));
const objects = await pando.objects();
const scopes = await Promise.all(
  Object.values(pando.configuration.profiles).map((profile) => pando.openScope(profile)),
);
const claim = { owner: `test, process ${process.pid}`, until: stop.signal };
process.stdout.write('ready\n');
await Promise.all([
  objects.carryOut({ ...claim, scopes }),
  pando.keepRules({ ...claim, exceptScopes: scopes.map(({ name }) => name) }),
  pando.carryOutPages(claim),
]);
