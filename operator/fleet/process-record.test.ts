import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readRecord, writeRecord } from './process-record.ts';
import type { ProcessRecord } from './process-record.ts';
import { fleetFolder } from './testing/fleet-folder.ts';

const port = fc.integer({ min: 1, max: 65_535 });
const record: fc.Arbitrary<ProcessRecord> = fc.record({
  process: fc.option(
    fc.record({
      pid: fc.integer({ min: 2, max: 2 ** 31 - 1 }),
      started: fc.tuple(fc.uuid(), fc.nat()).map(([boot, ticks]) => `${boot}/${ticks}`),
    }),
    { nil: undefined },
  ),
  spec: fc.nat().map((n) => `sha256:${n.toString(16).padStart(64, '0')}`),
  ports: fc.record({ sign: port, peer: port, metrics: port }),
  restarts: fc.maxSafeNat(),
});

describe('the record of a process', () => {
  it('is read as it was written', async () => {
    const file = join(fleetFolder().folder, 'process.json');
    expect(await readRecord(file)).toBeUndefined();
    await fc.assert(
      fc.asyncProperty(record, async (written) => {
        await writeRecord(file, written);
        expect(await readRecord(file)).toEqual(written);
      }),
      { numRuns: 30 },
    );
  });

  const good = {
    process: { pid: 4711, started: '01234567-89ab-cdef-0123-456789abcdef/99' },
    spec: `sha256:${'0'.repeat(64)}`,
    ports: { sign: 1, peer: 2, metrics: 3 },
    restarts: 0,
  };
  it.each([
    ['nothing', ''],
    ['no JSON', '{'],
    ['a list', '[]'],
    ['null', 'null'],
    ['no process', JSON.stringify({ ...good, process: undefined })],
    ['init for a process', JSON.stringify({ ...good, process: { ...good.process, pid: 1 } })],
    ['a process group', JSON.stringify({ ...good, process: { ...good.process, pid: -4711 } })],
    ['a process without a start', JSON.stringify({ ...good, process: { pid: 4711 } })],
    ['a port too high', JSON.stringify({ ...good, ports: { ...good.ports, peer: 65_536 } })],
    ['half a restart', JSON.stringify({ ...good, restarts: 0.5 })],
    ['too much', `${JSON.stringify(good)}${' '.repeat(5_000)}`],
  ])('is refused with %s', async (_, text) => {
    const file = join(fleetFolder().folder, 'process.json');
    writeFileSync(file, JSON.stringify(good));
    expect(await readRecord(file)).toEqual(good);
    writeFileSync(file, text);
    await expect(readRecord(file)).rejects.toThrow(file);
  });
});
