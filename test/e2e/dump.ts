import { messageOf } from '../../common/errors.ts';
import { operatorNamespace } from './chart.ts';
import { kubectl } from './kubectl.ts';

const kinds = 'pods,statefulsets,deployments,services,persistentvolumeclaims,networkpolicies,poddisruptionbudgets';

/** Of a namespace with more objects than anybody reads. */
export const crowdLabel = 'e2e.holdfast.dev/crowd=true';

/** What a person would ask for after a failure: objects of the operator's and the holders' namespaces, events, logs. */
export async function dump(): Promise<string> {
  const parts: string[] = [];
  const ask = async (...args: readonly string[]): Promise<string> => {
    const answer = await kubectl(...args).catch(messageOf);
    parts.push(`$ kubectl ${args.join(' ')}\n${answer.trim()}`);
    return answer;
  };
  await ask('get', 'nodes', '-o', 'wide');
  const kept = await ask(
    'get',
    'namespaces',
    '-l',
    `holdfast.dev/keeps,${crowdLabel.replace('=', '!=')}`,
    '-o',
    'name',
  );
  for (const namespace of [operatorNamespace, ...(kept.match(/(?<=^namespace\/).+$/gm) ?? [])]) {
    const inIt = ['-n', namespace];
    await ask('get', `${kinds},holdfast`, '-o', 'wide', ...inIt);
    await ask('describe', 'holdfast,pods', ...inIt);
    await ask('get', 'events', '--sort-by=.metadata.creationTimestamp', ...inIt);
    const pods = await ask('get', 'pods', '-o', 'name', ...inIt);
    for (const pod of pods.match(/^pod\/.+$/gm) ?? []) {
      const logs = ['logs', pod, '--all-containers', '--prefix', '--tail=100', ...inIt];
      await ask(...logs);
      await ask(...logs, '--previous');
    }
  }
  return parts.join('\n\n');
}
