/**
 * A time as Leases and Events have it (metav1.MicroTime): RFC 3339 with exactly six digits after the point. The server
 * refuses the three that `toISOString` gives.
 */
export const microTime = (ms: number): string => `${new Date(ms).toISOString().slice(0, -1)}000Z`;
