import { startCrowd } from './crowd.ts';

/* A crowd as a program. Arguments: the namespace of its wallets, and three ports. */
const [namespace = '', ...ports] = process.argv.slice(2);
await startCrowd(namespace, ports.map(Number));
