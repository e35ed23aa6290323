import { quote } from '../common/bytes.ts';
import { UserError } from '../common/errors.ts';
import { exitCodes } from './exit-codes.ts';

/** A span of milliseconds in its largest units, as kubectl shows ages: 45s, 5m30s, 3h, 12d. */
export function span(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  const days = Math.floor(hours / 24);
  if (seconds < 120) return `${seconds}s`;
  if (minutes < 10) return seconds % 60 === 0 ? `${minutes}m` : `${minutes}m${seconds % 60}s`;
  if (hours < 3) return `${minutes}m`;
  if (hours < 8) return minutes % 60 === 0 ? `${hours}h` : `${hours}h${minutes % 60}m`;
  return hours < 48 ? `${hours}h` : `${days}d`;
}

/** How long ago `time` was, or how far ahead it is; "" for what is no time. */
export function since(time: string, now: number): string {
  const at = Date.parse(time);
  if (Number.isNaN(at)) return '';
  return at > now ? `in ${span(at - now)}` : span(now - at);
}

const units: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds of a span like 90s, 15m, 1h or 7d; undefined for what is none. */
export function parseSpan(text: string): number | undefined {
  const { count, unit = '' } = /^(?<count>[1-9][0-9]{0,6})(?<unit>[smhd])$/.exec(text)?.groups ?? {};
  return count === undefined ? undefined : Number(count) * (units[unit] ?? 0);
}

export const notATime = (option: string, text: string): UserError =>
  new UserError(
    `${option}: want a span like 15m, 1h or 7d, or a time like 2026-12-01T00:00:00Z, got ${quote(text)}`,
    [],
    exitCodes.usage,
  );
