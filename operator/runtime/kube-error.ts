import type { IncomingHttpHeaders } from 'node:http';
import { messageOf } from '../../common/errors.ts';

/** Longest that a server's Retry-After is believed. */
const mostRetryAfterMs = 5 * 60_000;
const mostMessage = 1024;

/**
 * What became of a request that did not succeed: the server's Status, or `status` 0 where no answer came, whole or in
 * time. client-node has a shape of its own for each of these.
 */
export class KubeError extends Error {
  override readonly name = 'KubeError';
  /** HTTP status; 0 where there was no answer. */
  readonly status: number;
  /**
   * The server's word: NotFound, AlreadyExists, Conflict, Expired, TooManyRequests ... (metav1.StatusReason); without
   * an answer Unreachable, Timeout, Silent or Malformed.
   */
  readonly reason: string;
  /** Milliseconds that the server asks to wait before the next request, at most five minutes; 0 where it asks nothing. */
  readonly retryAfterMs: number;
  constructor(message: string, { status = 0, reason = '', retryAfterMs = 0 }) {
    super(message.slice(0, mostMessage));
    this.status = status;
    this.reason = reason;
    this.retryAfterMs = Math.min(mostRetryAfterMs, Math.max(0, retryAfterMs));
  }
}

const isStatus = (error: unknown, status: number): boolean => error instanceof KubeError && error.status === status;

export const isNotFound = (error: unknown): boolean => isStatus(error, 404);
/** Another writer was first, or a precondition (uid, resourceVersion) does not hold; AlreadyExists is one too. */
export const isConflict = (error: unknown): boolean => isStatus(error, 409);
/** The server no longer has the history asked for: list anew. */
export const isExpired = (error: unknown): boolean => isStatus(error, 410);

/** Milliseconds that whoever threw `error` asks to wait; 0 where it asks nothing. */
export const retryAfterMsOf = (error: unknown): number => (error instanceof KubeError ? error.retryAfterMs : 0);

/** The error of an answer, or of an ERROR event in a watch, that is a Status (or a proxy's page). */
export function statusError(
  asked: string,
  answer: { readonly status: number; readonly body: unknown; readonly headers?: IncomingHttpHeaders },
  now: number,
): KubeError {
  const said = isRecord(answer.body) ? answer.body : {};
  const details = isRecord(said['details']) ? said['details'] : {};
  const code = typeof said['code'] === 'number' ? said['code'] : undefined;
  const seconds = typeof details['retryAfterSeconds'] === 'number' ? details['retryAfterSeconds'] : 0;
  const status = code ?? answer.status;
  const reason = typeof said['reason'] === 'string' ? said['reason'] : '';
  const message = typeof said['message'] === 'string' ? said['message'] : 'no word of why';
  return new KubeError(`${asked}: ${status} ${reason}: ${message}`, {
    status,
    reason,
    retryAfterMs: Math.max(seconds * 1000, retryAfterHeaderMs(answer.headers?.['retry-after'], now)),
  });
}

/** The error of a request that no answer came to. */
export const unanswered = (asked: string, error: unknown): KubeError =>
  error instanceof KubeError ? error : new KubeError(`${asked}: ${messageOf(error)}`, { reason: 'Unreachable' });

/** RFC 9110 10.2.3: seconds, or a date. */
function retryAfterHeaderMs(value: string | undefined, now: number): number {
  if (value === undefined) return 0;
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - now;
  return Number.isNaN(ms) ? 0 : ms;
}

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
