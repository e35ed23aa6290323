import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { conditionOf } from '../../../operator/api/conditions.ts';
import type { ConditionType } from '../../../operator/api/conditions.ts';
import { keyString } from '../../../operator/api/resource.ts';
import type { Key, Kind, Resource, ResourceOf } from '../../../operator/api/resource.ts';

const program = fileURLToPath(new URL('operator-process.ts', import.meta.url));
const patienceMs = 60_000;

/** An operator as a process of its own, which tells of every object. */
export class OperatorUnderTest {
  readonly #child: ChildProcessByStdio<null, Readable, Readable>;
  readonly #objects = new Map<string, Resource>();
  readonly #waiting = new Set<() => void>();
  #log = '';

  constructor(dir: string) {
    this.#child = spawn(process.execPath, [program, dir], { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#log += text;
      for (const look of this.#waiting) look();
    });
    createInterface(this.#child.stdout).on('line', (line) => {
      const { key, object } = JSON.parse(line) as { key: Key; object?: Resource };
      if (object === undefined) this.#objects.delete(keyString(key));
      else this.#objects.set(keyString(key), object);
      for (const look of this.#waiting) look();
    });
  }

  get log(): string {
    return this.#log;
  }

  get<K extends Kind>(key: Key<K>): ResourceOf<K> | undefined {
    return this.#objects.get(keyString(key)) as ResourceOf<K> | undefined;
  }

  /** The object once `what` holds of it; rejects with what it is and the operator's log where that takes a minute. */
  async until<K extends Kind>(
    key: Key<K>,
    what: string,
    holds: (object: ResourceOf<K>) => boolean,
  ): Promise<ResourceOf<K>> {
    return this.#until(`${keyString(key)}: never ${what}`, () => {
      const object = this.get(key);
      return object !== undefined && holds(object) ? object : undefined;
    });
  }

  async untilGone(key: Key): Promise<void> {
    await this.until(key, 'seen', () => true);
    await this.#until(`${keyString(key)}: never gone`, () => (this.get(key) === undefined ? true : undefined));
  }

  async untilLog(text: string): Promise<void> {
    await this.#until(`never logged ${text}`, () => (this.#log.includes(text) ? true : undefined));
  }

  async #until<T>(never: string, find: () => T | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      const end = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(look);
      };
      const look = (): void => {
        const found = find();
        if (found === undefined) return;
        end();
        resolve(found);
      };
      const timer = setTimeout(() => {
        end();
        const objects = [...this.#objects].map(([key, object]) => `${key} ${JSON.stringify(object.status)}`);
        reject(new Error([never, ...objects, this.#log].join('\n')));
      }, patienceMs);
      this.#waiting.add(look);
      look();
    });
  }

  /** The object once a condition has this status, and this reason where one is given. */
  untilCondition<K extends Kind>(
    key: Key<K>,
    type: ConditionType,
    status: 'True' | 'False',
    reason?: string,
  ): Promise<ResourceOf<K>> {
    return this.until(key, `${type} ${status} ${reason ?? ''}`, (object) => {
      const condition = conditionOf(object.status?.conditions, type);
      return condition?.status === status && (reason === undefined || condition.reason === reason);
    });
  }

  /** Resolves when the process has ended. */
  async end(how: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill(how);
    await exited;
  }
}
