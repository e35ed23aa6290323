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
