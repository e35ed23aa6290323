import type { Clock } from '../../../common/clock.ts';
import type { KubeClient, KubeRequest, WatchEvent, WatchRequest } from '../kube-client.ts';
import { KubeError, isRecord, statusError, unanswered } from '../kube-error.ts';
import { isObjectPath } from './api-state.ts';
import type { ApiState, RequestFault } from './api-state.ts';
import { refused, write } from './api-writes.ts';

const timeoutMs = 30_000;
const silenceMs = 150_000;

/** A client of `api` without a network: what fails, and when, is as {@link KubeClient} has it. */
export const memoryClient = (api: ApiState, clock: Clock): Pick<KubeClient, 'request' | 'watch'> => ({
  async request({ method = 'GET', path, query = {}, contentType, body }: KubeRequest): Promise<unknown> {
    const given = api.faults.shift();
    await fault(given, clock);
    if (method !== 'GET') {
      const answer = write(api, { method, path, query, contentType, body: isRecord(body) ? body : {} });
      if (answer.status > 299) throw statusError(`${method} ${path}`, answer, clock.now());
      if (given) throw unanswered('request', new Error(given.kind));
      return answer.body;
    }
    if (isObjectPath(path)) {
      const held = api.get(path);
      if (!held) throw statusError(`GET ${path}`, refused(404, 'NotFound'), clock.now());
      return held;
    }
    const next = query['continue'];
    const page = api.page(path, Number(query['limit'] ?? 0), next === undefined ? undefined : String(next));
    if (!page) throw new KubeError('the page is forgotten', { status: 410 });
    return { metadata: { resourceVersion: String(page.version), continue: page.next }, items: page.items };
  },

  async *watch({ path, query = {}, signal }: WatchRequest): AsyncGenerator<WatchEvent, void, undefined> {
    await fault(api.faults.shift(), clock);
    const waiting: (WatchEvent | KubeError | 'end')[] = [];
    let wake = (): void => {};
    const put = (what: WatchEvent | KubeError | 'end'): void => {
      waiting.push(what);
      wake();
    };
    const watch = api.watch(path, Number(query['resourceVersion']), {
      send: (type, object) =>
        put(
          type === 'ERROR'
            ? statusError('watch', { status: 500, body: object }, 0)
            : { type: type as WatchEvent['type'], object },
        ),
      end: (how) => {
        if (how === 'end') put('end');
        else if (how === 'reset') put(unanswered('watch', new Error('reset')));
        else put(new KubeError(how, { reason: 'Malformed' }));
      },
    });
    if (!watch) throw new KubeError('of the future', { status: 504 });
    const stop = (): void => put(new KubeError('stopped', {}));
    signal.addEventListener('abort', stop);
    try {
      for (;;) {
        const next = waiting.shift();
        if (next === 'end') return;
        if (next instanceof KubeError) throw next;
        if (next !== undefined) yield next;
        else
          await new Promise<void>((resolve) => {
            const cancel = clock.after(silenceMs, () => put(new KubeError('silent', { reason: 'Silent' })));
            wake = () => {
              cancel();
              resolve();
            };
          });
      }
    } finally {
      watch.stop();
      signal.removeEventListener('abort', stop);
    }
  },
});

async function fault(given: RequestFault | undefined, clock: Clock): Promise<void> {
  switch (given?.kind) {
    case undefined:
    case 'answer lost':
      return;
    case 'silent':
      await new Promise<void>((resolve) => clock.after(timeoutMs, resolve));
      throw new KubeError('no answer', { reason: 'Timeout' });
    case 'reset':
    case 'cut off':
      throw unanswered('request', new Error(given.kind));
    case 'not json':
      throw new KubeError('not json', { reason: 'Malformed' });
    case 'status': {
      const { status, reason = '', retryAfter = '0' } = given;
      throw new KubeError('refused', { status, reason, retryAfterMs: Number(retryAfter) * 1000 });
    }
  }
}
