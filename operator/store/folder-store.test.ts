import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { resourceStoreSuite } from '../../test/resource-store-suite.ts';
import { opened, put, temporaryFolder } from './testing/folder.ts';

resourceStoreSuite('a folder of manifests', async () => {
  const folder = temporaryFolder();
  const store = await opened(folder);
  const file = ({ kind, name }: { kind: string; name: string }): string => `${kind}-${name}.yaml`;
  return {
    store,
    async write(object) {
      put(folder, file({ kind: object.kind, name: object.metadata.name }), object);
      await store.rescan();
    },
    async delete(key) {
      rmSync(join(folder, file(key)));
      await store.rescan();
    },
    events: (key) => store.events(key),
  };
});
