import { randomBytes } from 'node:crypto';
import { selfSignedCertificate } from '../common/certificate.ts';
import { systemClock } from '../common/clock.ts';
import { serveMetrics } from '../common/metrics-server.ts';
import { runService } from '../common/run-service.ts';
import { version } from '../common/version.ts';
import { readConfig } from './config.ts';
import { identityHeads } from './ceremony/identity-heads.ts';
import { signerMetrics } from './metrics.ts';
import type { Hsm } from './hsm/hsm.ts';
import { openIdentity, openSeal } from './open-seal.ts';
import { openPeerLinks } from './peers/peer-links.ts';
import { callerFingerprint, signPortCredentials } from './peers/pinned-credentials.ts';
import { createSchemes } from './scheme/create-schemes.ts';
import { serveSigner } from './server.ts';
import { shareKeeper } from './share-keeper.ts';
import { Signer } from './signer.ts';
import { acceptedIn } from './state/accepted-genesis.ts';
import { freeBytes } from './state/free-bytes.ts';
import { openStore } from './state/sqlite-store.ts';

const STOP_TIMEOUT_MS = 5_000;

await runService(readConfig, async ({ wallet, holder, data, operator, ...config }, { log, die }) => {
  let ready = false;
  const schemes = createSchemes(die, (why) => log.info('signs in JavaScript, without the addon', { why }));
  const store = await openStore(data, {
    onFailure: die,
    onProblem: (problem) => (problem === '' ? log.info('disk has room again') : log.warn('disk full', { problem })),
  });
  // Metrics may be asked for while it still opens.
  let signer: Signer | undefined;
  let hsm: Hsm | undefined;
  const metrics = signerMetrics(wallet, holder, {
    version,
    engine: schemes.engine,
    peers: () => signer?.peers ?? [],
    limits: () => signer?.wallet?.limitUse() ?? [],
    queueLength: () => signer?.wallet?.requestsUnderWay ?? 0,
    auditRecords: () => Number(store.head.sequence),
    diskFreeBytes: () => freeBytes(data),
    diskFull: () => store.problem !== '',
    rollbackDetected: () => signer?.rollbackDetected ?? false,
    hsmState: () => (hsm === undefined ? undefined : (hsm.problem?.state ?? '')),
  });
  const problem = (): string => (hsm?.problem === undefined ? store.problem : hsm.problem.message);
  const health = await serveMetrics({
    listen: config.metricsListen,
    ready: () => ready && problem() === '',
    whyNotReady: problem,
    metrics: () => metrics.registry.metrics(),
  });

  const clock = systemClock;
  const opened = openSeal({
    config: config.seal,
    store,
    wallet,
    holder,
    clock,
    log,
    onOperation: metrics.hsmOperation,
  });
  ({ hsm } = opened);
  const identity = await openIdentity(opened, { store, wallet, holder, now: Math.floor(clock.now() / 1000) });
  const certificate = selfSignedCertificate({ commonName: `${wallet}/${holder}`, privateKey: identity.privateKey });
  const tls = { certificate, privateKey: identity.privateKey };
  signer = await Signer.open(
    {
      wallet,
      holder,
      version,
      clock: systemClock,
      random: (length) => Uint8Array.from(randomBytes(length)),
      store,
      scheme: (name) => (name === 'ECDSA' ? schemes.ecdsa() : schemes.get(name)),
      identity,
      heads: hsm?.headSigner ?? identityHeads(identity),
      shares: shareKeeper(opened.seal),
      sealProblem: () => hsm?.problem,
      meter: metrics.meter,
      log,
    },
    certificate,
    async (pins, genesis, handlers) => {
      const options = { listen: config.peerListen, identity: tls, pins, handlers, log, onRoundTrip: metrics.roundTrip };
      // Without its peer port a provisioned signer is of no use to anyone: whoever started it gives it another.
      const links = await openPeerLinks({ ...options, head: () => store.head }).catch(die);
      log.info('listening for peers', { port: links.port, genesis });
      return links;
    },
    config.accept === undefined ? undefined : acceptedIn(config.accept),
  );
  const server = await serveSigner({
    listen: config.signListen,
    credentials: signPortCredentials(tls),
    caller: callerFingerprint,
    operator,
    signer,
    store,
    clock: systemClock,
    log,
  });
  ready = true;
  log.info('ready', {
    sign: server.port,
    metrics: health.port,
    fingerprint: signer.fingerprint,
    version,
    engine: schemes.engine,
  });

  return async () => {
    ready = false;
    setTimeout(() => die(new Error('did not stop in time')), STOP_TIMEOUT_MS).unref();
    await server.close();
    await signer.close();
    hsm?.close();
    await schemes.close();
    await health.close();
    await store.close();
  };
});
