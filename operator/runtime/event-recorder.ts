import { randomUUID } from 'node:crypto';
import type { Clock } from '../../common/clock.ts';
import { messageOf } from '../../common/errors.ts';
import type { Log } from '../../common/log.ts';
import type { KubeClient } from './kube-client.ts';
import { isNotFound } from './kube-error.ts';
import { pathOf } from './kube-object.ts';
import { microTime } from './micro-time.ts';

export const eventType = { apiVersion: 'events.k8s.io/v1', kind: 'Event', plural: 'events' } as const;

/** How long what happens again is counted before it is written. Milliseconds. */
const seriesMs = 60_000;
/** Series that are open at once: more belong to more objects than anyone reads events of. */
const mostSeries = 10_000;
/** Notes that one event tells at its minute's end; of more only the number. */
const mostNotes = 8;
/** The server's limits (pkg/apis/core/validation/events.go): bytes of a note, and of a name. */
const mostNote = 1024;
const mostName = 253;

/** What an event is about. */
export type ObjectReference = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
  readonly uid: string;
};

export type Happening = {
  readonly type: 'Normal' | 'Warning';
  /** Why it happened, in CamelCase, at most 128 bytes. */
  readonly reason: string;
  /** What was done, in CamelCase; the reason where absent. */
  readonly action?: string;
  /** For people; at most 1 KiB, the rest is cut off. */
  readonly note: string;
  /** Milliseconds since the epoch; now where absent. */
  readonly at?: number;
};

export type EventRecorderOptions = {
  readonly client: Pick<KubeClient, 'request'>;
  /** The controller's qualified name: `example.dev/wallet`. */
  readonly controller: string;
  /** Which of its processes: the pod's name. */
  readonly instance: string;
  readonly clock: Clock;
  readonly log: Log;
};

type Series = {
  readonly about: ObjectReference;
  happening: Happening;
  /** What happened besides since the last write, each note once, oldest first. */
  readonly earlier: Set<string>;
  /** How many notes did not find room there. */
  unkept: number;
  /** Of the event that was written for `happening`; "" before. */
  name: string;
  count: number;
  lastAt: number;
  /** Something to write when the minute is over. */
  dirty: boolean;
  /** Its last write, while that is under way; never rejects. */
  writing: Promise<void> | undefined;
  readonly end: { cancel: () => void };
};

/**
 * Writes Events. The first of a reason to an object is written at once; what follows within a minute is one write at its
 * end: a longer series where the note is the same, else one event of all the notes, newest first, as far as they fit.
 * Events are for people: one that cannot be written is logged and forgotten, and a crash loses what was counted.
 */
export class EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #series = new Map<string, Series>();
  readonly #writing = new Set<Promise<void>>();

  constructor(options: EventRecorderOptions) {
    this.#options = options;
  }

  record(about: ObjectReference, given: Happening): void {
    const now = this.#options.clock.now();
    const happening = { ...given, note: cut(given.note), at: Math.min(given.at ?? now, now) };
    const key = [about.uid, given.type, given.reason].join(' ');
    const series = this.#series.get(key);
    if (series === undefined) {
      if (this.#series.size >= mostSeries) return;
      const opened: Series = {
        about,
        happening,
        earlier: new Set(),
        unkept: 0,
        name: '',
        count: 1,
        lastAt: happening.at,
        dirty: false,
        writing: undefined,
        end: { cancel: () => {} },
      };
      this.#series.set(key, opened);
      this.#write(opened);
      this.#closeLater(key, opened);
      return;
    }
    if (series.happening.note === happening.note) series.count++;
    else {
      // A note cannot be changed: it is another event.
      if (series.name === '') keep(series, series.happening.note);
      series.earlier.delete(happening.note);
      series.happening = happening;
      series.name = '';
      series.count = 1;
    }
    series.lastAt = Math.max(series.lastAt, happening.at);
    series.dirty = true;
  }

  /** Writes what was only counted, and resolves when every write is over. */
  async stop(): Promise<void> {
    for (const series of this.#series.values()) {
      series.end.cancel();
      if (series.dirty) this.#write(series);
    }
    this.#series.clear();
    await Promise.all(this.#writing);
  }

  #closeLater(key: string, series: Series): void {
    const { end } = series;
    end.cancel = this.#options.clock.after(seriesMs, () => {
      if (!series.dirty) {
        this.#series.delete(key);
        return;
      }
      this.#write(series);
      this.#closeLater(key, series);
    });
  }

  #write(series: Series): void {
    series.dirty = false;
    const isNew = series.name === '';
    if (isNew) {
      series.name = `${series.about.name.slice(0, mostName - 37)}.${randomUUID()}`;
      series.happening = { ...series.happening, note: notesOf(series) };
      series.earlier.clear();
      series.unkept = 0;
    }
    const { about, happening, count, lastAt } = series;
    const repeats = count > 1 ? { series: { count, lastObservedTime: microTime(lastAt) } } : {};
    const event = {
      ...this.#event(about, happening),
      metadata: { name: series.name, namespace: about.namespace ?? 'default' },
      ...repeats,
    };
    const send = (): Promise<void> => (isNew ? this.#create(event) : this.#extend(event));
    // One after another: a longer series must not arrive before the event that it is of.
    const ended = (series.writing?.then(send) ?? send())
      .catch((error: unknown) =>
        this.#options.log.warn('event not written', {
          object: about.name,
          reason: happening.reason,
          error: messageOf(error),
        }),
      )
      .finally(() => {
        this.#writing.delete(ended);
        if (series.writing === ended) series.writing = undefined;
      });
    series.writing = ended;
    this.#writing.add(ended);
  }

  #event(about: ObjectReference, { type, reason, action = reason, note, at }: Happening) {
    const { controller, instance, clock } = this.#options;
    return {
      apiVersion: eventType.apiVersion,
      kind: eventType.kind,
      eventTime: microTime(at ?? clock.now()),
      reportingController: controller,
      reportingInstance: instance,
      action,
      reason,
      type,
      note,
      regarding: about,
    };
  }

  async #create(event: EventObject): Promise<void> {
    const path = pathOf(eventType, { namespace: event.metadata.namespace });
    await this.#options.client.request({ method: 'POST', path, body: event });
  }

  async #extend(event: EventObject): Promise<void> {
    const { series, metadata } = event;
    try {
      await this.#options.client.request({
        method: 'PATCH',
        path: pathOf(eventType, metadata),
        contentType: 'application/merge-patch+json',
        body: { series },
      });
    } catch (error) {
      if (!isNotFound(error)) throw error;
      // The server forgets events after an hour.
      await this.#create(event);
    }
  }
}

type EventObject = {
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly series?: { readonly count: number; readonly lastObservedTime: string };
};

/** Has a note told at the end of the minute, the oldest of too many only counted. */
function keep(series: Series, note: string): void {
  const { earlier } = series;
  earlier.add(note);
  const [oldest] = earlier;
  if (earlier.size < mostNotes || oldest === undefined) return;
  earlier.delete(oldest);
  series.unkept++;
}

const notesOf = ({ happening, earlier, unkept }: Series): string => {
  const more = unkept === 0 ? '' : `; and ${unkept} more`;
  return `${cut([happening.note, ...[...earlier].toReversed()].join('; '), mostNote - more.length)}${more}`;
};

/** The limit is in bytes; half a character at its end is none. */
const cut = (note: string, bytes = mostNote): string => {
  if (Buffer.byteLength(note) <= bytes) return note;
  return Buffer.from(note)
    .subarray(0, bytes)
    .toString()
    .replace(/\uFFFD$/, '');
};
