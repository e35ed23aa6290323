import { formatTime, parseTime } from '../../common/clock.ts';
import type { StoredEvent } from './resource-store.ts';

/** How much is kept of each object: what happens often must not push out what happened once. */
const maxPerReason = 8;
const maxReasons = 32;
const maxMessage = 1024;
const repeatMs = 60_000;

/** The events of one object, oldest first, with one more of `now`: a repeat within a minute of its first is counted. */
export function addEvent(
  events: readonly StoredEvent[],
  { type, reason, message: text }: Pick<StoredEvent, 'type' | 'reason' | 'message'>,
  now: number,
): readonly StoredEvent[] {
  const message = text.slice(0, maxMessage);
  const at = formatTime(now);
  const repeated = events.findLast(
    (event) =>
      event.type === type &&
      event.reason === reason &&
      event.message === message &&
      Math.abs(now - parseTime(event.firstTimestamp)) < repeatMs,
  );
  const others = events.filter((event) => event !== repeated);
  const latest: StoredEvent = repeated
    ? {
        ...repeated,
        count: repeated.count + 1,
        lastTimestamp: at > repeated.lastTimestamp ? at : repeated.lastTimestamp,
      }
    : { type, reason, message, count: 1, firstTimestamp: at, lastTimestamp: at };
  const earlier = others.filter(({ lastTimestamp }) => lastTimestamp <= latest.lastTimestamp);
  const later = others.filter(({ lastTimestamp }) => lastTimestamp > latest.lastTimestamp);
  return bounded([...earlier, latest, ...later]);
}

function bounded(events: readonly StoredEvent[]): readonly StoredEvent[] {
  const byReason = Map.groupBy(events.toReversed(), ({ reason }) => reason);
  const kept = new Set([...byReason.values()].slice(0, maxReasons).flatMap((same) => same.slice(0, maxPerReason)));
  return events.filter((event) => kept.has(event));
}
