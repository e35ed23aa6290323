import { expect, it } from 'vitest';
import { residentBytes } from './resident-bytes.ts';

it('tells the resident memory of a process in bytes, and of none nothing', () => {
  const { rss } = process.memoryUsage();
  expect(residentBytes(process.pid) / rss).toBeGreaterThan(0.5);
  expect(residentBytes(process.pid) / rss).toBeLessThan(2);
  expect(() => residentBytes(2 ** 30)).toThrow('ENOENT');
});
